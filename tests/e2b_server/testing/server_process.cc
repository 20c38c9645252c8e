#include "tests/e2b_server/testing/server_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <set>
#include <utility>

#include "tests/e2b_server/testing/http_client.h"

extern char** environ;

namespace osiris::e2b_server {
namespace {

constexpr int kReadyTimeoutMs = 60'000;

Result<std::string> read_line(int fd) {
  std::string text;
  while (text.find('\n') == std::string::npos) {
    pollfd ready{fd, POLLIN, 0};
    char block[4096];
    const ssize_t count = ::poll(&ready, 1, kReadyTimeoutMs) > 0 ? ::read(fd, block, sizeof block) : 0;
    if (count <= 0) return Error(Code::kUnavailable, "osiris-e2b-server did not become ready: '" + text + "'");
    text.append(block, static_cast<size_t>(count));
  }
  return text;
}

}  // namespace

Result<ServerProcess> ServerProcess::start(const std::vector<std::string>& arguments) {
  const char* build = std::getenv("OSIRIS_BUILD_DIR");
  if (!build) return Error(Code::kInvalidState, "OSIRIS_BUILD_DIR is not set");
  std::string data = (std::filesystem::temp_directory_path() / "osiris-e2b-XXXXXX").string();
  if (!::mkdtemp(data.data())) return Error(Code::kUnavailable, "mkdtemp: " + std::string(std::strerror(errno)));
  ServerProcess server;
  server.data_ = data;
  server.api_key_ = "e2b_0123456789abcdef0123456789abcdef01234567";
  std::vector<std::string> args{std::string(build) + "/bin/osiris-e2b-server",
                                "--api-key",
                                server.api_key_,
                                "--data",
                                data,
                                "--parent-pid",
                                std::to_string(::getpid())};
  args.insert(args.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  int out[2];
  if (::pipe2(out, O_CLOEXEC) != 0) return Error(Code::kExhausted, "pipe");
  server.out_ = out[0];
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  const int failed = ::posix_spawn(&server.pid_, args[0].c_str(), &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(out[1]);
  if (failed != 0)
    return Error(Code::kNotFound, args[0] + ": " + std::strerror(failed), "build the target osiris-e2b-server");
  OSIRIS_ASSIGN(const std::string line, read_line(server.out_));
  OSIRIS_ASSIGN(server.ready_, parse_json(line));
  server.url_ = server.ready_["url"].as_string();
  return server;
}

ServerProcess::ServerProcess(ServerProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      out_(std::exchange(other.out_, -1)),
      url_(std::move(other.url_)),
      api_key_(std::move(other.api_key_)),
      data_(std::exchange(other.data_, {})),
      ready_(std::move(other.ready_)) {}

ServerProcess::~ServerProcess() {
  stop();
  std::error_code ignored;
  if (!data_.empty()) std::filesystem::remove_all(data_, ignored);
}

int ServerProcess::stop() {
  if (out_ >= 0) ::close(std::exchange(out_, -1));
  if (pid_ <= 0) return 0;
  ::kill(pid_, SIGTERM);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Json ServerProcess::admin(const std::string& method, const std::string& path, const Json& body) const {
  HttpClient client(url_);
  const HttpAnswer answer =
      client.request(method, "/_admin/" + path, {{"x-api-key", api_key_}}, body.is_null() ? "" : body.dump());
  return answer.status >= 400 ? Json::object({{"failed", answer.json()["message"]}}) : answer.json();
}

Json ServerProcess::requests(int64_t since) const { return admin("GET", "requests?since=" + std::to_string(since)); }
Json ServerProcess::requests_by_arrival() const { return admin("GET", "requests?order=arrival"); }
void ServerProcess::clear_requests() const { admin("DELETE", "requests"); }

int64_t ServerProcess::count(const std::string& route) const {
  int64_t count = 0;
  const Json all = requests();
  for (const Json& request : all.items()) count += request["route"].as_string() == route;
  return count;
}

Status ServerProcess::set_faults(const Json& plan) const {
  const Json answer = admin("PUT", "faults", plan);
  if (answer.contains("failed")) return Error(Code::kInvalidArgument, answer["failed"].as_string());
  return {};
}

std::string ServerProcess::log_of(const std::string& sandbox_id) const {
  HttpClient client(url_);
  const Json answer =
      client.request("GET", "/sandboxes/" + sandbox_id + "/logs?limit=1000", {{"x-api-key", api_key_}}, "").json();
  std::string text;
  for (const Json& entry : answer["logs"].items()) text += entry["line"].as_string() + "\n";
  return text;
}

std::string ServerProcess::logs() const {
  std::set<std::string> ids;
  const Json all = requests_by_arrival();
  for (const Json& request : all.items())
    if (const std::string& id = request["sandbox"].as_string(); !id.empty()) ids.insert(id);
  std::string text;
  for (const std::string& id : ids) text += log_of(id);
  return text;
}

void ServerProcess::clear_faults() const { admin("DELETE", "faults"); }
Json ServerProcess::faults() const { return admin("GET", "faults"); }
Json ServerProcess::sandboxes() const { return admin("GET", "sandboxes"); }
Json ServerProcess::stats() const { return admin("GET", "stats"); }
void ServerProcess::kill_sandbox(const std::string& id) const { admin("POST", "sandboxes/" + id + "/kill"); }
void ServerProcess::jump_clock(int64_t ms) const { admin("POST", "clock", Json::object({{"ms", ms}})); }

void ServerProcess::signal_process(const std::string& id, int pid, int number) const {
  admin("POST", "sandboxes/" + id + "/processes/" + std::to_string(pid) + "/signal",
        Json::object({{"signal", number}}));
}

}  // namespace osiris::e2b_server
