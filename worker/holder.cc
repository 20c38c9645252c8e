#include "worker/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "protocol/base/clock.h"
#include "protocol/base/wipe.h"

namespace osiris::worker {
namespace {

constexpr size_t kBytes = size_t{256} << 10;
constexpr int64_t kTermMs = 2'000;  // from SIGTERM to SIGKILL
constexpr int kDescriptors = 3;

int64_t now_ms() { return system_clock().monotonic_ns() / 1'000'000; }

void set_non_blocking(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

// The client's first byte and the descriptors that came with it.
char read_greeting(int socket, FileDescriptor (&passed)[kDescriptors]) {
  char byte = 0;
  iovec part{&byte, 1};
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int) * kDescriptors)];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = room;
  message.msg_controllen = sizeof room;
  pollfd ready{socket, POLLIN, 0};
  if (::poll(&ready, 1, 1'000) != 1 || ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1) return 0;
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each; each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS) continue;
    int fds[kDescriptors] = {-1, -1, -1};
    const size_t count = std::min<size_t>(kDescriptors, (each->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    std::memcpy(fds, CMSG_DATA(each), count * sizeof(int));
    for (size_t i = 0; i < count; ++i) passed[i] = FileDescriptor(fds[i]);
  }
  return byte;
}

}  // namespace

int shell_status(const ExitStatus& exit) { return exit.signaled ? 128 + exit.value : exit.value; }

Holder::Holder(FileDescriptor listening, Subprocess worker, int64_t lease_ms)
    : listening_(std::move(listening)), worker_(std::move(worker)), lease_ms_(lease_ms) {
  renew();
}

void Holder::renew() { until_ms_ = now_ms() + lease_ms_; }

bool Holder::Buffer::flush(int fd) {
  while (!bytes.empty()) {
    // A pipe whose reader is gone is an error: the worker's signals are not ours, SIGPIPE is ignored.
    const ssize_t sent = ::write(fd, bytes.data(), bytes.size());
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    wipe(bytes.data(), static_cast<size_t>(sent));
    bytes.erase(0, static_cast<size_t>(sent));
  }
  return true;
}

void Holder::accept_client() {
  FileDescriptor control(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!control.is_open()) return;
  FileDescriptor passed[kDescriptors];
  const char asked = read_greeting(control.get(), passed);
  if (asked == kRenew) {
    renew();
    static_cast<void>(!::send(control.get(), &asked, 1, MSG_NOSIGNAL));
    return;
  }
  if (asked != kAttach || !passed[kDescriptors - 1].is_open()) return;
  detach();
  renew();
  for (const FileDescriptor& each : passed) set_non_blocking(each.get());
  client_.emplace(Client{std::move(control), std::move(passed[0]), std::move(passed[1]), std::move(passed[2])});
  skip_line_ = in_line_;
  had_client_ = true;
}

void Holder::detach() {
  client_.reset();
  for (Buffer* each : {&output_, &log_}) wipe(each->bytes);
}

// End of file says that the client is gone, not that the worker has to end: that is what `shutdown` is for.
void Holder::take_input() {
  std::string block(kBytes, '\0');
  const int64_t got = read_some(client_->input.get(), block.data(), block.size());
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
  if (got <= 0) {
    client_->input = FileDescriptor();
    return;
  }
  renew();
  input_.bytes.assign(block, 0, static_cast<size_t>(got));
  wipe(block);
}

void Holder::take_output(int fd, bool& open, Buffer& buffer, int into) {
  std::string block(kBytes, '\0');
  const int64_t got = read_some(fd, block.data(), block.size());
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
  if (got <= 0) {
    open = false;
    return;
  }
  block.resize(static_cast<size_t>(got));
  const bool is_records = &buffer == &output_;
  if (is_records) in_line_ = block.back() != '\n';
  if (!client_) return;
  if (is_records && skip_line_) {
    const size_t end = block.find('\n');
    if (end == std::string::npos) return;
    block.erase(0, end + 1);
    skip_line_ = false;
  }
  buffer.bytes = std::move(block);
  if (!buffer.flush(into)) detach();
}

void Holder::end_worker() {
  if (kill_at_ms_ == 0) {
    worker_.signal_group(SIGTERM);
    kill_at_ms_ = now_ms() + kTermMs;
  } else if (now_ms() >= kill_at_ms_) {
    worker_.kill_session();
    kill_at_ms_ = now_ms() + kTermMs;
  }
}

void Holder::wait_for_events() {
  const auto when = [](bool wanted, int fd) { return wanted ? fd : -1; };
  const bool attached = client_.has_value();
  pollfd events[] = {
      {listening_.get(), POLLIN, 0},
      {worker_.pidfd(), POLLIN, 0},
      {when(had_client_ && output_open_ && output_.bytes.empty(), worker_.stdout_fd()), POLLIN, 0},
      {when(had_client_ && log_open_ && log_.bytes.empty(), worker_.stderr_fd()), POLLIN, 0},
      {when(!input_.bytes.empty(), worker_.stdin_fd()), POLLOUT, 0},
      {when(attached && input_.bytes.empty(), attached ? client_->input.get() : -1), POLLIN, 0},
      // Without bytes to write the error is what is waited for: nothing reads the pipe any more.
      {attached ? client_->output.get() : -1, static_cast<short>(output_.bytes.empty() ? 0 : POLLOUT), 0},
      {when(attached && !log_.bytes.empty(), attached ? client_->log.get() : -1), POLLOUT, 0},
      {attached ? client_->control.get() : -1, POLLIN, 0}};
  const int64_t until = kill_at_ms_ ? kill_at_ms_ : until_ms_;
  ::poll(events, std::size(events), static_cast<int>(std::clamp<int64_t>(until - now_ms(), 0, 60'000)));
  if (events[4].revents && !input_.flush(worker_.stdin_fd())) wipe(input_.bytes);
  if (attached) {
    if (events[5].revents) take_input();
    if (events[6].revents & (POLLERR | POLLNVAL)) return detach();
    if (events[8].revents) return detach();
    if (events[6].revents && !output_.flush(client_->output.get())) return detach();
    if (events[7].revents && !log_.flush(client_->log.get())) return detach();
  }
  if (events[2].revents) take_output(worker_.stdout_fd(), output_open_, output_, client_ ? client_->output.get() : -1);
  if (events[3].revents) take_output(worker_.stderr_fd(), log_open_, log_, client_ ? client_->log.get() : -1);
  if (events[0].revents) accept_client();
}

// What is left in the pipes of a worker that has ended, to a client that reads it within a while.
void Holder::drain() {
  const int64_t until = now_ms() + kTermMs;
  while (client_ && now_ms() < until) {
    if (!output_.flush(client_->output.get()) || !log_.flush(client_->log.get())) return detach();
    if (!output_.bytes.empty() || !log_.bytes.empty()) {
      pollfd room[] = {{client_->output.get(), POLLOUT, 0}, {client_->log.get(), POLLOUT, 0}};
      for (pollfd& each : room) each.fd = (&each == room ? output_ : log_).bytes.empty() ? -1 : each.fd;
      ::poll(room, std::size(room), 100);
      continue;
    }
    const int ready[] = {output_open_ ? worker_.stdout_fd() : -1, log_open_ ? worker_.stderr_fd() : -1};
    pollfd pipes[] = {{ready[0], POLLIN, 0}, {ready[1], POLLIN, 0}};
    // A child of the worker's may hold them open: what comes later is not waited for.
    if (::poll(pipes, std::size(pipes), 0) <= 0) return;
    if (pipes[0].revents) take_output(ready[0], output_open_, output_, client_->output.get());
    if (client_ && pipes[1].revents) take_output(ready[1], log_open_, log_, client_->log.get());
  }
}

int Holder::run() {
  for (;;) {
    wait_for_events();
    if (now_ms() >= until_ms_ || kill_at_ms_) end_worker();
    const auto exit = worker_.poll_exit();
    if (!exit) continue;
    drain();
    return shell_status(*exit);
  }
}

void Holder::tell_end(int status) {
  const char byte = static_cast<char>(status);
  if (client_) static_cast<void>(!::send(client_->control.get(), &byte, 1, MSG_NOSIGNAL));
}

}  // namespace osiris::worker
