#include "tests/worker/worker_process.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "protocol/model/step_naming.h"

namespace osiris::worker::test {
namespace {

constexpr int kSilenceMs = 60'000;

Subprocess start(std::vector<std::string> command) {
  SpawnOptions options;
  options.arguments = std::move(command);
  options.environment = {{"PATH", "/usr/bin:/bin"}, {"HOME", "/nonexistent"}};
  for (const char* name : {"ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"}) {
    if (const char* value = std::getenv(name)) options.environment.emplace_back(name, value);
  }
  auto process = Subprocess::spawn(options);
  if (!process.ok()) {
    std::fprintf(stderr, "cannot start the worker: %s\n", process.error().message.c_str());
    std::abort();
  }
  return *std::move(process);
}

Json with_needs(Json step, const std::vector<std::string>& needs) {
  Json inputs = Json::object(), list = Json::array();
  for (const std::string& need : needs) {
    list.push_back(need);
    inputs.set(relation_name(need), Json::object({{"from_step", need}}));
  }
  step.set("needs", std::move(list));
  step.set("inputs", std::move(inputs));
  return step;
}

}  // namespace

std::filesystem::path worker_binary() {
  const char* build = std::getenv("OSIRIS_BUILD_DIR");
  return std::filesystem::path(build ? build : ".") / "lib/osiris/osiris-worker";
}

WorkerProcess::WorkerProcess(std::vector<std::string> command) : process_(start(std::move(command))) {}

void WorkerProcess::send_bytes(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(process_.stdin_fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      // Read meanwhile, or both sides could wait for each other.
      pollfd fds[] = {{process_.stdin_fd(), POLLOUT, 0}, {process_.stdout_fd(), POLLIN, 0}};
      ::poll(fds, 2, kSilenceMs);
      if (fds[1].revents) read_more();
    } else {
      return;  // the worker is gone: the test sees that by what it reads
    }
  }
}

void WorkerProcess::request(const std::string& id, const std::string& method, Json params) {
  send(Json::object({{"id", id}, {"method", method}, {"params", std::move(params)}}));
}

bool WorkerProcess::read_more() {
  pollfd fds[] = {{process_.stdout_fd(), POLLIN, 0}, {process_.stderr_fd(), POLLIN, 0}};
  if (::poll(fds, 2, kSilenceMs) <= 0) {
    ADD_FAILURE() << "the worker said nothing for a minute; its log:\n" << log_;
    return false;
  }
  char block[1 << 16];
  if (fds[1].revents) {
    const ssize_t got = ::read(process_.stderr_fd(), block, sizeof block);
    if (got > 0) log_.append(block, static_cast<size_t>(got));
    if (got <= 0 && !fds[0].revents) ::poll(fds, 1, kSilenceMs);
  }
  if (!fds[0].revents) return true;
  const ssize_t got = ::read(process_.stdout_fd(), block, sizeof block);
  if (got < 0 && errno == EAGAIN) return true;
  if (got <= 0) return false;
  raw_.append(block, static_cast<size_t>(got));
  parser_.feed(std::string_view(block, static_cast<size_t>(got)));
  return true;
}

Json WorkerProcess::next() {
  for (;;) {
    while (auto frame = parser_.next()) {
      if (frame->kind == rpc::Frame::Kind::kGarbage) {
        garbage_.push_back(frame->bytes);
      } else if (frame->kind == rpc::Frame::Kind::kBlob) {
        blob_bytes_ += frame->bytes;
      } else if (frame->message["type"].as_string() == "heartbeat") {
        heartbeats_.push_back(std::move(frame->message));
      } else {
        records_.push_back(frame->message);
        return std::move(frame->message);
      }
    }
    if (!read_more()) return {};
  }
}

Json WorkerProcess::until(const std::function<bool(const Json&)>& fits) {
  for (;;) {
    Json record = next();
    if (record.is_null() || fits(record)) return record;
  }
}

Json WorkerProcess::response(const std::string& id) {
  for (const Json& record : records_) {
    if (record["id"].as_string() == id) return record;
  }
  return until([&](const Json& record) { return record["id"].as_string() == id; });
}

Json WorkerProcess::event(const std::string& name) {
  const auto fits = [&](const Json& record) { return record["data"]["event"].as_string() == name; };
  for (const Json& record : records_) {
    if (fits(record)) return record;
  }
  return until(fits);
}

Json WorkerProcess::heartbeat(const std::function<bool(const Json& data)>& fits) {
  for (size_t seen = heartbeats_.size();;) {
    for (; seen < heartbeats_.size(); ++seen) {
      if (fits(heartbeats_[seen]["data"])) return heartbeats_[seen]["data"];
    }
    auto frame = parser_.next();
    if (!frame) {
      if (!read_more()) return {};
    } else if (frame->message["type"].as_string() == "heartbeat") {
      heartbeats_.push_back(std::move(frame->message));
    } else if (frame->kind == rpc::Frame::Kind::kMessage) {
      records_.push_back(std::move(frame->message));
    }
  }
}

std::string WorkerProcess::blobs(size_t bytes) {
  while (blob_bytes_.size() < bytes) {
    auto frame = parser_.next();
    if (!frame) {
      if (!read_more()) break;
    } else if (frame->kind == rpc::Frame::Kind::kBlob) {
      blob_bytes_ += frame->bytes;
    }
  }
  return std::exchange(blob_bytes_, {});
}

ExitStatus WorkerProcess::wait() {
  while (!next().is_null()) {
  }
  const auto exit = process_.wait(kSilenceMs);
  EXPECT_TRUE(exit.has_value()) << "the worker did not end";
  log();
  return exit.value_or(ExitStatus{});
}

const std::string& WorkerProcess::log() {
  char block[1 << 16];
  for (ssize_t got; (got = ::read(process_.stderr_fd(), block, sizeof block)) > 0;)
    log_.append(block, static_cast<size_t>(got));
  return log_;
}

Session::Session() {
  char name[] = "/tmp/osiris-session-XXXXXX";
  directory_ = ::mkdtemp(name);
}

Session::~Session() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

Json Session::prepare_params(Json::Array steps) const {
  return Json::object({{"protocol", 1},
                       {"run_id", "run_1"},
                       {"session_dir", session_dir().string()},
                       {"work_dir", directory_.string()},
                       {"plan", Json::object({{"steps", Json(std::move(steps))}})},
                       {"settings", Json::object({{"allow_mock", true}, {"heartbeat_ms", 20}, {"threads", 4}})}});
}

Json mock_step(const std::string& id, std::string_view cfg, std::vector<std::string> needs) {
  return with_needs(
      Json::object(
          {{"id", id}, {"component", "mock"}, {"driver", "mock"}, {"mode", "transform"}, {"cfg", *parse_json(cfg)}}),
      needs);
}

Json sql_step(const std::string& id, const std::string& query, std::vector<std::string> needs) {
  return with_needs(Json::object({{"id", id},
                                  {"component", "duckdb.processor"},
                                  {"driver", "duckdb.processor"},
                                  {"mode", "transform"},
                                  {"cfg", Json::object({{"component", "duckdb.processor"}, {"query", query}})}}),
                    needs);
}

}  // namespace osiris::worker::test
