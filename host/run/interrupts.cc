#include "host/run/interrupts.h"

#include <errno.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "protocol/base/clock.h"

namespace osiris {
namespace {

bool is_ignored(int signal) {
  struct sigaction action{};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

Error failed(const char* what) {
  return {Code::kInternal, std::string("cannot watch for signals: ") + what + ": " + strerror(errno)};
}

}  // namespace

Result<std::unique_ptr<Interrupts>> Interrupts::start(Actions actions, int64_t deadline_monotonic_ns) {
  std::unique_ptr<Interrupts> self(new Interrupts(std::move(actions), deadline_monotonic_ns));
  sigemptyset(&self->signals_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    if (!is_ignored(signal)) sigaddset(&self->signals_, signal);
  self->signal_fd_ = FileDescriptor(signalfd(-1, &self->signals_, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!self->signal_fd_.is_open()) return failed("signalfd");
  if (!self->quit_.is_open()) return failed("eventfd");
  pthread_sigmask(SIG_BLOCK, &self->signals_, &self->mask_before_);
  self->thread_ = std::thread([raw = self.get()] { raw->watch(); });
  return self;
}

Interrupts::~Interrupts() {
  if (thread_.joinable()) {
    quit_.signal();
    thread_.join();
    timespec none{};
    while (sigtimedwait(&signals_, nullptr, &none) > 0) {
    }
    pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
  }
}

void Interrupts::watch() {
  for (;;) {
    int timeout_ms = -1;
    if (deadline_ns_ && reason_.load() == StopReason::kNone) {
      const int64_t left_ns = deadline_ns_ - system_clock().monotonic_ns();
      if (left_ns <= 0) {
        reason_ = StopReason::kDeadline;
        actions_.stop(StopReason::kDeadline);
        continue;
      }
      timeout_ms = static_cast<int>(std::min<int64_t>(left_ns / 1'000'000 + 1, 3'600'000));
    }
    pollfd fds[2] = {{quit_.get(), POLLIN, 0}, {signal_fd_.get(), POLLIN, 0}};
    if (::poll(fds, 2, timeout_ms) < 0 && errno != EINTR) return;
    if (fds[0].revents) return;
    signalfd_siginfo info{};
    if (!fds[1].revents || ::read(signal_fd_.get(), &info, sizeof info) != sizeof info) continue;
    if (reason_.load() == StopReason::kNone) {
      reason_ = StopReason::kCancelled;
      actions_.stop(StopReason::kCancelled);
    } else {
      actions_.leave();
    }
  }
}

}  // namespace osiris
