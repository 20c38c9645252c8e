#include "check/bench/worker_between.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "check/bench/worker_faults.h"
#include "protocol/base/fd.h"
#include "protocol/base/file.h"
#include "protocol/base/json.h"
#include "protocol/base/sha256.h"
#include "protocol/base/subprocess.h"

namespace osiris::check {
namespace {

namespace fs = std::filesystem;

fs::path plan_of(const fs::path& script) { return script.string() + ".plan.json"; }
fs::path mark_of(const fs::path& script) { return script.string() + ".started"; }
fs::path stop_mark_of(const fs::path& script) { return script.string() + ".stopped"; }

// Bytes both ways between the adapter, which has our streams, and the real worker.
class Pump {
 public:
  Pump(Subprocess& worker, FaultyStream& stream) : worker_(worker), stream_(stream) {}

  int run() {
    bool output_open = true, input_open = true;
    while (output_open) {
      pollfd fds[3] = {{worker_.stdout_fd(), POLLIN, 0},
                       {input_open && stream_.reads_requests() ? STDIN_FILENO : -1, POLLIN, 0},
                       {to_worker_.empty() ? -1 : worker_.stdin_fd(), POLLOUT, 0}};
      if (::poll(fds, 3, -1) < 0) continue;
      if (fds[1].revents) input_open = take_requests();
      if (fds[2].revents) write_requests();
      if (!input_open && to_worker_.empty()) worker_.close_stdin();
      if (fds[0].revents) output_open = pass_records();
    }
    stream_.at_end();
    const auto exit = worker_.wait(5'000);
    return exit && !exit->signaled ? exit->value : 1;
  }

 private:
  bool take_requests() {
    char block[65536];
    const int64_t got = read_some(STDIN_FILENO, block, sizeof block);
    if (got <= 0) return false;
    to_worker_.append(block, static_cast<size_t>(got));
    return true;
  }
  void write_requests() {
    const ssize_t sent = ::send(worker_.stdin_fd(), to_worker_.data(), to_worker_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) to_worker_.erase(0, static_cast<size_t>(sent));
    if (sent < 0 && errno != EAGAIN && errno != EINTR) to_worker_.clear();
  }
  bool pass_records() {
    char block[65536];
    const ssize_t got = ::read(worker_.stdout_fd(), block, sizeof block);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    rest_.append(block, static_cast<size_t>(got));
    size_t start = 0;
    for (size_t end; (end = rest_.find('\n', start)) != std::string::npos; start = end + 1)
      stream_.record(rest_.substr(start, end + 1 - start));
    rest_.erase(0, start);
    return true;
  }

  Subprocess& worker_;
  FaultyStream& stream_;
  std::string to_worker_, rest_;
};

}  // namespace

WorkerBetween::WorkerBetween(Bench& bench, const std::string& fault) : script_(bench.directory("between") / "worker") {
  // By a link: the line may not be long, and a blank in a path would end it.
  const fs::path program = bench.directory("between") / "check";
  std::error_code error;
  fs::create_symlink(bench.task().program, program, error);
  const std::string script = "#!" + program.string() + " --worker-between\n";
  (void)write_file_atomically(script_, script, {.mode = 0755});
  (void)write_file_atomically(plan_of(script_),
                              Json::object({{"worker", bench.task().worker.string()}, {"fault", fault}}).dump());
  sha256_ = sha256_hex(script);
}

bool WorkerBetween::was_started() const {
  std::error_code error;
  return fs::exists(mark_of(script_), error);
}

bool WorkerBetween::has_stopped() const {
  std::error_code error;
  return fs::exists(stop_mark_of(script_), error);
}

ProcessView WorkerBetween::as_started() const {
  const auto text = read_file(mark_of(script_));
  const auto json = text.ok() ? parse_json(*text) : Result<Json>(text.error());
  return json.ok() ? view_from_json(*json) : ProcessView();
}

int run_worker_between(const fs::path& script) {
  (void)write_file_atomically(mark_of(script), to_json(view_of(::getpid())).dump());
  ::signal(SIGPIPE, SIG_IGN);
  const auto text = read_file(plan_of(script));
  const auto plan = text.ok() ? parse_json(*text) : Result<Json>(text.error());
  if (!plan.ok()) return 2;
  FaultyStream stream((*plan)["fault"].as_string(), [&] { (void)write_file_atomically(stop_mark_of(script), ""); });
  stream.at_start();
  SpawnOptions options;
  options.arguments = {(*plan)["worker"].as_string()};
  for (const char* name : {"PATH", "HOME", "TZ", "LC_ALL"})
    if (const char* value = std::getenv(name)) options.environment.emplace_back(name, value);
  options.standard_error = SpawnOptions::Stream::kInherit;
  auto worker = Subprocess::spawn(options);
  if (!worker.ok()) return 2;
  stream.set_worker(worker->pid());
  return Pump(*worker, stream).run();
}

}  // namespace osiris::check
