#include "host/run/interrupts.h"

#include <errno.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "protocol/base/clock.h"
#include "protocol/base/thread.h"

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

Result<std::unique_ptr<Interrupts>> Interrupts::start(Actions actions, int64_t deadline_monotonic_ns,
                                                      int64_t grace_ns) {
  std::unique_ptr<Interrupts> self(new Interrupts(std::move(actions), deadline_monotonic_ns, grace_ns));
  sigemptyset(&self->signals_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    if (!is_ignored(signal)) sigaddset(&self->signals_, signal);
  self->signal_fd_ = FileDescriptor(signalfd(-1, &self->signals_, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!self->signal_fd_.is_open()) return failed("signalfd");
  if (!self->quit_.is_open()) return failed("eventfd");
  pthread_sigmask(SIG_BLOCK, &self->signals_, &self->mask_before_);
  if (!begin_thread(self->thread_, [raw = self.get()] { raw->watch(); })) {
    pthread_sigmask(SIG_SETMASK, &self->mask_before_, nullptr);
    return no_more_threads("cannot watch for signals");
  }
  return self;
}

Interrupts::~Interrupts() {
  if (thread_.joinable()) {
    {
      std::unique_lock lock(stopper_mutex_);
      std::thread stopper = std::move(stopper_);
      lock.unlock();
      if (stopper.joinable()) stopper.join();
    }
    quit_.signal();
    thread_.join();
    if (stopper_.joinable()) stopper_.join();  // asked for in between
    timespec none{};
    while (sigtimedwait(&signals_, nullptr, &none) > 0) {
    }
    pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
  }
}

void Interrupts::stop(StopReason reason) {
  reason_ = reason;
  stopped_ns_ = system_clock().monotonic_ns();
  {
    const std::lock_guard lock(stopper_mutex_);
    if (begin_thread(stopper_, [this, reason] { actions_.stop(reason); })) return;
  }
  actions_.stop(reason);  // here: no second signal is heard before it has returned
}

int64_t Interrupts::next_ns() const {
  if (reason_.load() == StopReason::kNone) return deadline_ns_;
  if (!grace_ns_) return 0;
  return std::max(stopped_ns_, actions_.moved_ns ? actions_.moved_ns() : 0) + grace_ns_;
}

void Interrupts::watch() {
  for (;;) {
    int timeout_ms = -1;
    if (const int64_t next = next_ns()) {
      const int64_t left_ns = next - system_clock().monotonic_ns();
      if (left_ns <= 0 && reason_.load() == StopReason::kNone) {
        stop(StopReason::kDeadline);
        continue;
      }
      if (left_ns <= 0) return actions_.leave(reason_.load(), LeaveReason::kGraceOver);
      timeout_ms = static_cast<int>(std::min<int64_t>(left_ns / 1'000'000 + 1, 3'600'000));
    }
    pollfd fds[2] = {{quit_.get(), POLLIN, 0}, {signal_fd_.get(), POLLIN, 0}};
    if (::poll(fds, 2, timeout_ms) < 0 && errno != EINTR) return;
    if (fds[0].revents) return;
    signalfd_siginfo info{};
    if (!fds[1].revents || ::read(signal_fd_.get(), &info, sizeof info) != sizeof info) continue;
    if (reason_.load() == StopReason::kNone)
      stop(StopReason::kCancelled);
    else
      actions_.leave(reason_.load(), LeaveReason::kInsisted);
  }
}

}  // namespace osiris
