#include "worker/drivers/program/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>

#include "protocol/base/wipe.h"
#include "worker/driver_api/step_cancelled.h"
#include "worker/drivers/program/output_lines.h"

namespace osiris::worker::program {
namespace {

constexpr int kLookForCancelMs = 50;
// For SIGTERM handlers; a worker that is told to leave has 1.2 s in all.
constexpr auto kEndGrace = std::chrono::milliseconds(500);
constexpr size_t kReadBytes = size_t{64} << 10;
// After the end of the process; more than a pipe can hold.
constexpr int kLastReadsMax = 64;

class Stream {
 public:
  // `on_bytes`: takes them in place of lines; may be empty.
  Stream(int fd, const std::function<void(std::string_view)>& on_line,
         const std::function<void(std::string_view)>& on_bytes = {})
      : fd_(fd), on_bytes_(on_bytes), lines_(on_line) {}
  int fd() const { return fd_; }

  // One block; false when nothing is there, or nothing will come any more.
  bool read(std::string& block) {
    if (fd_ < 0) return false;
    const ssize_t got = ::read(fd_, block.data(), block.size());
    if (got > 0) {
      const std::string_view bytes = std::string_view(block).substr(0, static_cast<size_t>(got));
      if (on_bytes_)
        on_bytes_(bytes);
      else
        lines_.feed(bytes);
      return true;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) fd_ = -1;
    return false;
  }
  void finish() { lines_.finish(); }

 private:
  int fd_;
  const std::function<void(std::string_view)> on_bytes_;
  LineSplitter lines_;
};

}  // namespace

Result<ExitStatus> run_process(const ProcessRequest& request) {
  SpawnOptions options;
  options.arguments = request.arguments;
  if (!request.supervisor.empty()) {
    std::vector<std::string> before = {request.supervisor, "--supervise"};
    if (request.user) before.insert(before.end(), {"--as", std::to_string(*request.user)});
    options.arguments.insert(options.arguments.begin(), before.begin(), before.end());
    options.parent_death_signal = SIGTERM;  // it ends the others first
  }
  options.environment = request.environment;
  options.working_directory = request.working_directory;
  options.standard_input = SpawnOptions::Stream::kNull;
  auto spawned = Subprocess::spawn(options);
  for (auto& variable : options.environment) wipe(variable.second);
  if (!spawned) return spawned.error();
  Subprocess process = *std::move(spawned);

  Stream output(process.stdout_fd(), request.on_output, request.on_output_bytes),
      error(process.stderr_fd(), request.on_error);
  std::string block(kReadBytes, '\0');
  std::chrono::steady_clock::time_point kill_at;
  bool cancelled = false;
  std::optional<ExitStatus> exit;
  while (!exit) {
    pollfd events[] = {{process.pidfd(), POLLIN, 0}, {output.fd(), POLLIN, 0}, {error.fd(), POLLIN, 0}};
    ::poll(events, std::size(events), kLookForCancelMs);
    if (events[1].revents) output.read(block);
    if (events[2].revents) error.read(block);
    if (events[0].revents) exit = process.poll_exit();
    if (!cancelled && request.is_cancelled()) {
      cancelled = true;
      kill_at = std::chrono::steady_clock::now() + kEndGrace;
      // The supervisor passes it on; without one the whole group is asked.
      if (request.supervisor.empty()) {
        process.signal_group(SIGTERM);
      } else {
        ::kill(process.pid(), SIGTERM);
      }
    }
    if (cancelled && !exit && std::chrono::steady_clock::now() >= kill_at) {
      process.kill_session();
      exit = process.wait(-1);
    }
  }
  // What is still in the pipes; one that escaped may hold them open.
  for (int i = 0; i < kLastReadsMax && output.read(block); ++i) continue;
  for (int i = 0; i < kLastReadsMax && error.read(block); ++i) continue;
  output.finish();
  error.finish();
  if (cancelled) return step_cancelled();
  return *exit;
}

}  // namespace osiris::worker::program
