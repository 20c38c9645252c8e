#include "plugins/sdk/channel/process_channel.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "protocol/base/clock.h"
#include "protocol/base/file.h"
#include "protocol/base/wipe.h"
#include "protocol/rpc/frames.h"

namespace osiris::sdk {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;
constexpr size_t kReceiveBytesMax = size_t{1} << 20;  // per receive(): what the loop holds at once
constexpr int64_t kTermMs = 300;                      // from SIGTERM to SIGKILL
constexpr int64_t kExitAfterOutputMs = 2'000;         // from the end of stdout to SIGKILL

int64_t now_ms() { return system_clock().monotonic_ns() / 1'000'000; }

ExitInfo exit_info(const ExitStatus& exit) {
  ExitInfo info;
  info.kind = exit.signaled ? ExitInfo::Kind::kSignaled : ExitInfo::Kind::kExited;
  info.status = exit.value;
  return info;
}

}  // namespace

Result<Subprocess> ProcessChannel::spawn(const Program& program) {
  SpawnOptions options;
  options.arguments = {program.path.string()};
  options.arguments.insert(options.arguments.end(), program.arguments.begin(), program.arguments.end());
  options.environment = program.environment;
  options.working_directory = program.working_directory;
  options.parent_death_signal = SIGTERM;
  return Subprocess::spawn(options);
}

Result<std::unique_ptr<ProcessChannel>> ProcessChannel::start(const Program& program, const Waker& waker) {
  OSIRIS_ASSIGN(Subprocess process, spawn(program));
  return std::make_unique<ProcessChannel>(std::move(process), waker);
}

ProcessChannel::~ProcessChannel() { drop_queue(); }

Status ProcessChannel::send(std::string bytes) {
  queue_.push_back(std::move(bytes));
  flush();
  return {};
}

size_t ProcessChannel::unsent() const {
  size_t bytes = 0;
  for (const std::string& each : queue_) bytes += each.size();
  return bytes - sent_of_first_;
}

void ProcessChannel::close_input() {
  close_input_ = true;
  flush();
}

void ProcessChannel::kill() {
  process_.signal_group(SIGTERM);
  if (kill_at_ms_ == 0) kill_at_ms_ = now_ms() + kTermMs;
}

void ProcessChannel::flush() {
  while (!queue_.empty() && process_.stdin_fd() >= 0) {
    std::string& first = queue_.front();
    const ssize_t sent = ::send(process_.stdin_fd(), first.data() + sent_of_first_, first.size() - sent_of_first_,
                                MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (sent < 0) return drop_queue();  // the worker reads no more; how it ended will tell why
    sent_of_first_ += static_cast<size_t>(sent);
    if (sent_of_first_ < first.size()) continue;
    wipe(first);
    queue_.pop_front();
    sent_of_first_ = 0;
  }
  if (queue_.empty() && close_input_) process_.close_stdin();
}

void ProcessChannel::drop_queue() {
  for (std::string& bytes : queue_) wipe(bytes);
  queue_.clear();
  sent_of_first_ = 0;
}

// Reads what is there, up to the limit of one receive(). True when it read something.
bool ProcessChannel::read_all(int fd, bool& open, std::string& into) {
  const size_t before = into.size();
  while (open && into.size() - before < kReceiveBytesMax) {
    if (!block_) block_.reset(new char[kReadBytes]);  // not zeroed: most reads are short
    const ssize_t got = ::read(fd, block_.get(), kReadBytes);
    if (got > 0) into.append(block_.get(), static_cast<size_t>(got));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (got <= 0) open = false;
    if (got < static_cast<ssize_t>(kReadBytes)) break;
  }
  return into.size() > before;
}

ReceiveOutcome ProcessChannel::closed(const ExitStatus& exit) const {
  ReceiveOutcome outcome;
  outcome.kind = ReceiveOutcome::Kind::kClosed;
  outcome.exit = exit_info(exit);
  return outcome;
}

ReceiveOutcome ProcessChannel::receive(Incoming& into, int64_t timeout_ms) {
  using Kind = ReceiveOutcome::Kind;
  const int64_t until = now_ms() + timeout_ms;
  for (;;) {
    const bool output_was_open = output_open_;
    const int64_t kill_in = kill_at_ms_ ? std::max<int64_t>(0, kill_at_ms_ - now_ms()) : timeout_ms;
    const int64_t wait_ms = std::clamp<int64_t>(std::min(until - now_ms(), kill_in), 0, 60'000);
    pollfd events[] = {{waker_.fd(), POLLIN, 0},
                       {process_.pidfd(), POLLIN, 0},
                       {output_open_ ? process_.stdout_fd() : -1, POLLIN, 0},
                       {log_open_ ? process_.stderr_fd() : -1, POLLIN, 0},
                       {queue_.empty() ? -1 : process_.stdin_fd(), POLLOUT, 0}};
    if (::poll(events, std::size(events), static_cast<int>(wait_ms)) < 0 && errno != EINTR) return {};
    if (events[4].revents) flush();

    bool got = false;
    if (events[2].revents) got |= read_all(process_.stdout_fd(), output_open_, into.output);
    if (events[3].revents) got |= read_all(process_.stderr_fd(), log_open_, into.log);
    if (got) return {Kind::kBytes, {}, {}};

    // Its pipes are empty. A child of its own may hold them open; that one is killed with the group and not waited for.
    if (events[1].revents)
      if (const auto exit = process_.poll_exit()) {
        got |= read_all(process_.stdout_fd(), output_open_, into.output);
        got |= read_all(process_.stderr_fd(), log_open_, into.log);
        if (!got) return closed(*exit);
        return {Kind::kBytes, {}, {}};
      }
    if (events[0].revents) return {Kind::kWoken, {}, {}};
    if (output_was_open && !output_open_ && kill_at_ms_ == 0) kill_at_ms_ = now_ms() + kExitAfterOutputMs;
    if (kill_at_ms_ && now_ms() >= kill_at_ms_) {
      process_.kill_session();
      kill_at_ms_ = now_ms() + kTermMs;
    }
    if (now_ms() >= until) return {};
  }
}

Diagnosis ProcessChannel::diagnose() {
  Diagnosis diagnosis;
  // Never kEnded: receive() reports the end itself, after the last bytes.
  // "<pid> (<name, which may hold anything>) <state> ..."
  const Result<std::string> stat = read_file("/proc/" + std::to_string(process_.pid()) + "/stat", 4096);
  const size_t name_end = stat ? stat->rfind(") ") : std::string::npos;
  switch (name_end == std::string::npos ? '?' : (*stat)[name_end + 2]) {
    case 'T':
    case 't':
      diagnosis.note = "its process is stopped";
      break;
    case 'D':
      diagnosis.note = "its process waits for a disk";
      break;
    default:
      diagnosis.note = "its process is alive";
      break;
  }
  return diagnosis;
}

}  // namespace osiris::sdk
