// osiris-e2b-server: an E2B-compatible server for one machine. See docs/e2b-server.md.
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>

#include "protocol/base/file.h"
#include "protocol/base/file_lock.h"
#include "servers/e2b/agent/message.h"
#include "servers/e2b/layer.h"
#include "servers/e2b/sandbox_init.h"
#include "servers/e2b/server.h"

namespace osiris::e2b_server {
namespace {

constexpr const char* kUsage =
    "usage: osiris-e2b-server --api-key KEY --data DIR [--listen 127.0.0.1:PORT] [--faults FILE] [--record FILE]\n"
    "  --listen ADDRESS:PORT       port 0 picks a free one (default 127.0.0.1:0)\n"
    "  --api-key KEY               what clients must send as X-API-Key; e2b_ and hex digits please every SDK\n"
    "  --data DIR                  sandboxes and templates live here; removed when the server ends\n"
    "  --faults FILE               a fault plan (JSON)\n"
    "  --record FILE               one JSON line per request\n"
    "  --create-ms N --fork-ms N --rtt-ms N\n"
    "                              injected delays: of a create, of a fork, of a round trip\n"
    "  --max-sandboxes N           running at once (default 1100)\n"
    "  --max-hours N               longest life of a sandbox (default 24); renewals beyond it are cut down\n"
    "  --max-seconds N             the same in seconds\n"
    "  --api newest|v1-400|v1-404|v1-405    how new the API is, and how it answers calls it does not know\n"
    "  --idempotency honoured|ignored       whether creates heed Idempotency-Key (default honoured)\n"
    "  --rate-limit N              calls of one route in 30 s, then 429 with Retry-After (default 20000; 0: none)\n"
    "  --header-ms N               a request's head must be complete after N ms (default 5000)\n"
    "  --parent-pid PID            end as by SIGTERM when PID, the parent, has ended: no test leaves a server behind\n"
    "  --isolation auto|namespaces|directories    (default auto: namespaces where the kernel allows them)\n"
    "  --network host|isolated     isolated: a network per sandbox with egress rules by address; needs root\n"
    "  --name NAME=ADDRESS         what the name server of isolated sandboxes knows, repeatable; service:N is the Nth "
    "service address\n";

Result<int64_t> number(const std::string& flag, const std::string& text) {
  char* end = nullptr;
  const int64_t value = std::strtoll(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || value < 0)
    return Error(Code::kInvalidArgument, flag + " '" + text + "' is not a whole number");
  return value;
}

Result<Options> parse(int argc, char** argv) {
  Options options;
  // "--isolation" and "--network" by their words.
  const std::map<std::string, Options::Isolation> isolations = {{"auto", Options::Isolation::kAuto},
                                                                {"namespaces", Options::Isolation::kNamespaces},
                                                                {"directories", Options::Isolation::kDirectories}};
  const std::map<std::string, Options::Network> networks = {{"host", Options::Network::kHost},
                                                            {"isolated", Options::Network::kIsolated}};
  const std::map<std::string, Options::Api> apis = {{"newest", Options::Api::kNewest},
                                                    {"v1-400", Options::Api::kV1Answers400},
                                                    {"v1-404", Options::Api::kV1Answers404},
                                                    {"v1-405", Options::Api::kV1Answers405}};
  const std::map<std::string, bool> idempotencies = {{"honoured", true}, {"ignored", false}};
  int64_t hours_max = 0;
  const std::map<std::string, std::string*> texts = {{"--listen", &options.listen}, {"--api-key", &options.api_key}};
  const std::map<std::string, std::filesystem::path*> paths = {
      {"--data", &options.data}, {"--faults", &options.faults}, {"--record", &options.record}};
  const std::map<std::string, int64_t*> counters = {
      {"--create-ms", &options.create_ms},  {"--fork-ms", &options.fork_ms},
      {"--rtt-ms", &options.rtt_ms},        {"--max-sandboxes", &options.sandboxes_max},
      {"--max-hours", &hours_max},          {"--max-seconds", &options.life_max_s},
      {"--rate-limit", &options.calls_max}, {"--header-ms", &options.header_ms},
      {"--parent-pid", &options.parent_pid}};
  for (int i = 1; i < argc; ++i) {
    std::string flag = argv[i];
    std::string value;
    const size_t equal = flag.find('=');
    const bool joined = flag.starts_with("--") && equal != std::string::npos;
    if (joined) {
      value = flag.substr(equal + 1);
      flag.resize(equal);
    }
    const bool is_known = counters.count(flag) || texts.count(flag) || paths.count(flag) || flag == "--isolation" ||
                          flag == "--network" || flag == "--api" || flag == "--idempotency" || flag == "--name";
    if (!is_known) return Error(Code::kInvalidArgument, "unknown option '" + flag + "'");
    if (!joined) {
      if (i + 1 >= argc) return Error(Code::kInvalidArgument, "option " + flag + " needs a value");
      value = argv[++i];
    }
    if (counters.count(flag)) {
      OSIRIS_ASSIGN(*counters.at(flag), number(flag, value));
    } else if (value.empty()) {
      return Error(Code::kInvalidArgument, "option " + flag + " needs a value that is not empty");
    } else if (texts.count(flag)) {
      *texts.at(flag) = value;
    } else if (paths.count(flag)) {
      *paths.at(flag) = std::filesystem::absolute(value);
    } else if (flag == "--isolation" && isolations.count(value)) {
      options.isolation = isolations.at(value);
    } else if (flag == "--name" && value.find('=') != std::string::npos) {
      options.names[value.substr(0, value.find('='))] = value.substr(value.find('=') + 1);
    } else if (flag == "--network" && networks.count(value)) {
      options.network = networks.at(value);
    } else if (flag == "--api" && apis.count(value)) {
      options.api = apis.at(value);
    } else if (flag == "--idempotency" && idempotencies.count(value)) {
      options.honours_keys = idempotencies.at(value);
    } else {
      return Error(Code::kInvalidArgument, "option " + flag + " does not know '" + value + "'");
    }
  }
  if (hours_max > 0) options.life_max_s = hours_max * 3600;
  if (options.api_key.empty() || options.data.empty())
    return Error(Code::kInvalidArgument, std::string(options.api_key.empty() ? "--api-key" : "--data") + " is missing");
  return options;
}

int fail(const Error& error) {
  std::fprintf(stderr, "osiris-e2b-server: %s\n", error.message.c_str());
  if (!error.hint.empty()) std::fprintf(stderr, "  %s\n", error.hint.c_str());
  return error.code == Code::kInvalidArgument ? 2 : 1;
}

// Hundreds of sandboxes hold thousands of pipes.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Status remove_own_data(const std::filesystem::path& data) {
  for (const char* own : {"sandboxes", "templates", "uploads"}) OSIRIS_TRY(remove_layer(data / own));
  return {};
}

Result<FileLock> lock_data(const std::filesystem::path& data) {
  OSIRIS_TRY(make_directories(data));
  OSIRIS_ASSIGN(auto lock, FileLock::try_take(data / ".lock", 0600));
  if (!lock)
    return Error(Code::kUnavailable, "--data " + data.string() + ": another osiris-e2b-server uses it",
                 "give each server a directory of its own");
  return *std::move(lock);
}

int run(const Options& options) {
  sigset_t stops;
  sigemptyset(&stops);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&stops, number);
  ::pthread_sigmask(SIG_BLOCK, &stops, nullptr);  // before any thread, so that all of them inherit it
  ::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  // Two servers in one directory would remove each other's sandboxes.
  const auto lock = lock_data(options.data);
  if (!lock.ok()) return fail(lock.error());
  // What a killed server has left.
  if (const Status removed = remove_own_data(options.data); !removed.ok()) return fail(removed.error());
  auto server = Server::create(options);
  if (!server.ok()) return fail(server.error());
  (*server)->start();
  std::printf("%s\n", (*server)->ready_line().dump().c_str());
  std::fflush(stdout);
  const timespec look_around{1, 0};
  while (::sigtimedwait(&stops, nullptr, &look_around) < 0)
    if (options.parent_pid != 0 && ::getppid() != options.parent_pid) break;
  (*server)->stop();
  const Status removed = remove_own_data(options.data);
  return removed.ok() ? 0 : fail(removed.error());
}

}  // namespace
}  // namespace osiris::e2b_server

int main(int argc, char** argv) {
  using namespace osiris::e2b_server;
  if (argc == 3 && std::strcmp(argv[1], "--sandbox-init") == 0) {
    const auto config = InitConfig::from_text(argv[2]);
    return config.ok() ? run_sandbox_init(*config) : 1;
  }
  if (argc == 2 && std::strcmp(argv[1], "--hold-network") == 0) return hold_network();
  if (argc == 2 && (std::strcmp(argv[1], "--help") == 0 || std::strcmp(argv[1], "-h") == 0)) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  const auto options = parse(argc, argv);
  if (options.ok()) return run(*options);
  const int status = fail(options.error());
  std::fputs(kUsage, stderr);
  return status;
}
