#include "servers/e2b/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "protocol/base/text.h"
#include "protocol/base/thread.h"

namespace osiris::e2b_server {
namespace {

constexpr size_t kQueueMax = 64;              // events per subscriber
constexpr size_t kChunkMaxBytes = 32 * 1024;  // per stdout or stderr event
constexpr size_t kTerminalChunkMaxBytes = 16 * 1024;
constexpr auto kRetention = std::chrono::seconds(30);

std::string signal_text(int number) {
  switch (number) {
    case SIGHUP:
      return "hangup";
    case SIGINT:
      return "interrupt";
    case SIGQUIT:
      return "quit";
    case SIGILL:
      return "illegal instruction";
    case SIGABRT:
      return "aborted";
    case SIGBUS:
      return "bus error";
    case SIGFPE:
      return "floating point exception";
    case SIGKILL:
      return "killed";
    case SIGSEGV:
      return "segmentation fault";
    case SIGPIPE:
      return "broken pipe";
    case SIGTERM:
      return "terminated";
    default:
      return "signal " + std::to_string(number);
  }
}

}  // namespace

Json end_event(int wait_status) {
  Json end = Json::object();
  std::string status;
  const int exit_code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
  if (exit_code != 0) end.set("exitCode", exit_code);
  if (WIFEXITED(wait_status)) {
    end.set("exited", true);
    status = "exit status " + std::to_string(exit_code);
  } else {
    status = "signal: " + signal_text(WTERMSIG(wait_status)) + (WCOREDUMP(wait_status) ? " (core dumped)" : "");
  }
  end.set("status", status);
  if (exit_code != 0) end.set("error", status);
  return Json::object({{"event", Json::object({{"end", std::move(end)}})}});
}

Subscriber::Subscriber() = default;

void Subscriber::signal() { event_.signal(); }

std::optional<Subscriber::Event> Subscriber::take() {
  std::lock_guard lock(mutex_);
  if (events_.empty()) {
    if (closed_ == Closed::kNo) event_.drain();
    return std::nullopt;
  }
  Event event = std::move(events_.front());
  events_.pop_front();
  room_.notify_one();
  return event;
}

Subscriber::Closed Subscriber::closed() const {
  std::lock_guard lock(mutex_);
  return closed_ == Closed::kSandboxGone || events_.empty() ? closed_ : Closed::kNo;
}

void Subscriber::leave() {
  std::lock_guard lock(mutex_);
  left_ = true;
  room_.notify_all();
}

bool Subscriber::is_left() const {
  std::lock_guard lock(mutex_);
  return left_;
}

bool Subscriber::push(const Json& event, SteadyTime until) {
  std::unique_lock lock(mutex_);
  const auto may_go = [&] { return left_ || closed_ != Closed::kNo || events_.size() < kQueueMax; };
  if (until == SteadyTime::max())
    room_.wait(lock, may_go);
  else if (!room_.wait_until(lock, until, may_go))
    return false;
  if (left_ || closed_ != Closed::kNo) return true;
  events_.push_back({event, std::chrono::steady_clock::now()});
  signal();
  return true;
}

void Subscriber::stop_keepalives() {
  std::lock_guard lock(mutex_);
  keepalives_ = false;
}

bool Subscriber::wants_keepalives() const {
  std::lock_guard lock(mutex_);
  return keepalives_;
}

void Subscriber::close(Closed why) {
  std::lock_guard lock(mutex_);
  if (closed_ != Closed::kSandboxGone) closed_ = why;
  room_.notify_all();
  signal();
}

Process::Process(int pid, ProcessConfig config, std::vector<FileDescriptor> fds, std::function<void()> kill)
    : pid_(pid), config_(std::move(config)), kill_(std::move(kill)) {
  size_t next = 0;
  if (config_.is_pty) {
    terminal_ = std::move(fds[next++]);
    stdin_ = FileDescriptor(::fcntl(terminal_.get(), F_DUPFD_CLOEXEC, 0));
  } else {
    if (config_.has_stdin) stdin_ = std::move(fds[next++]);
    out_ = std::move(fds[next++]);
    err_ = std::move(fds[next++]);
  }
  if (stdin_.is_open()) ::fcntl(stdin_.get(), F_SETFL, ::fcntl(stdin_.get(), F_GETFL) | O_NONBLOCK);
}

Process::~Process() {
  sandbox_gone();
  if (pump_.joinable()) pump_.join();
}

void Process::start(std::optional<std::chrono::milliseconds> deadline) {
  if (deadline) deadline_ = std::chrono::steady_clock::now() + *deadline;
  if (begin_thread(pump_, [this] { pump(); })) return;
  kill_();
  sandbox_gone();
}

std::shared_ptr<Subscriber> Process::subscribe() {
  auto subscriber = std::make_shared<Subscriber>();
  subscriber->push(Json::object({{"event", Json::object({{"start", Json::object({{"pid", pid_}})}})}}));
  std::lock_guard lock(mutex_);
  if (gone_) {
    subscriber->close(Subscriber::Closed::kSandboxGone);
  } else if (end_) {
    subscriber->push(*end_);
    subscriber->close(Subscriber::Closed::kEnded);
  } else {
    if (output_over_) subscriber->stop_keepalives();
    subscribers_.push_back(subscriber);
  }
  return subscriber;
}

void Process::unsubscribe(const std::shared_ptr<Subscriber>& subscriber) {
  subscriber->leave();
  std::lock_guard lock(mutex_);
  std::erase(subscribers_, subscriber);
}

Process::InputError Process::send_input(std::string_view bytes, bool to_pty, SteadyTime until) {
  std::lock_guard lock(input_mutex_);
  if (to_pty != config_.is_pty) return InputError::kWrongKind;
  if (stdin_closed_) return InputError::kClosed;
  if (!stdin_.is_open()) return InputError::kNoStdin;
  while (!bytes.empty()) {
    const ssize_t count = ::write(stdin_.get(), bytes.data(), bytes.size());
    if (count > 0) {
      bytes.remove_prefix(static_cast<size_t>(count));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return InputError::kClosed;
    if (std::chrono::steady_clock::now() >= until) return InputError::kTimeout;
    pollfd room{stdin_.get(), POLLOUT, 0};
    ::poll(&room, 1, 200);
    if (has_ended()) return InputError::kClosed;
  }
  return InputError::kNone;
}

bool Process::close_stdin() {
  std::lock_guard lock(input_mutex_);
  if (config_.is_pty) return false;
  stdin_closed_ = true;
  stdin_.close();
  return true;
}

bool Process::resize(int columns, int rows) {
  std::lock_guard lock(input_mutex_);
  if (!config_.is_pty || !stdin_.is_open()) return false;
  winsize size{};
  size.ws_col = static_cast<unsigned short>(columns);
  size.ws_row = static_cast<unsigned short>(rows);
  return ::ioctl(stdin_.get(), TIOCSWINSZ, &size) == 0;
}

void Process::wake() { wake_.signal(); }

void Process::exited(int wait_status) {
  std::lock_guard lock(mutex_);
  wait_status_ = wait_status;
  wake();
}

void Process::signalled() {
  std::lock_guard lock(mutex_);
  signalled_ = true;
  wake();
}

void Process::sandbox_gone() {
  {
    std::lock_guard lock(mutex_);
    gone_ = true;
  }
  wake();
  cut_streams();
}

void Process::cut_streams() {
  std::lock_guard lock(mutex_);
  for (const auto& subscriber : subscribers_) subscriber->close(Subscriber::Closed::kSandboxGone);
}

bool Process::has_ended() const {
  std::lock_guard lock(mutex_);
  return end_.has_value() || gone_;
}

bool Process::is_forgotten() const {
  std::lock_guard lock(mutex_);
  return end_ && std::chrono::steady_clock::now() - ended_at_ > kRetention;
}

void Process::publish(const Json& event) {
  std::vector<std::shared_ptr<Subscriber>> subscribers;
  {
    std::lock_guard lock(mutex_);
    subscribers = subscribers_;
  }
  // The deadline strikes also while a slow reader holds everything up.
  for (const auto& subscriber : subscribers)
    while (!subscriber->push(event, deadline_)) kill_at_deadline();
}

void Process::kill_at_deadline() {
  deadline_ = SteadyTime::max();
  signalled();
  kill_();
}

int Process::poll_timeout_ms() const {
  if (deadline_ == SteadyTime::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 1 << 30));
}

// One read, one event. False at the end of the pipe.
bool Process::forward(FileDescriptor& fd, const char* key) {
  char block[kChunkMaxBytes];
  const size_t capacity = config_.is_pty ? kTerminalChunkMaxBytes : kChunkMaxBytes;
  const ssize_t count = ::read(fd.get(), block, capacity);
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (count <= 0) {  // EIO: the last process has left the terminal
    fd.close();
    return false;
  }
  const std::string bytes = base64(std::string_view(block, static_cast<size_t>(count)));
  publish(Json::object({{"event", Json::object({{"data", Json::object({{key, bytes}})}})}}));
  return true;
}

void Process::pump() {
  FileDescriptor* const sources[3] = {&out_, &err_, &terminal_};
  const char* const keys[3] = {"stdout", "stderr", "pty"};
  while (true) {
    {
      std::lock_guard lock(mutex_);
      output_over_ = !out_.is_open() && !err_.is_open() && !terminal_.is_open();
      if (gone_) return;
      if (wait_status_ && (signalled_ || output_over_)) break;
      if (output_over_)
        for (const auto& subscriber : subscribers_) subscriber->stop_keepalives();
    }
    pollfd polls[4] = {
        {wake_.get(), POLLIN, 0}, {out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}, {terminal_.get(), POLLIN, 0}};
    ::poll(polls, 4, poll_timeout_ms());
    if (std::chrono::steady_clock::now() >= deadline_) {
      kill_at_deadline();
      continue;
    }
    if (polls[0].revents) wake_.drain();
    for (int i = 0; i < 3; ++i)
      if (polls[i + 1].revents) forward(*sources[i], keys[i]);
  }
  finish();
}

void Process::finish() {
  out_.close();
  err_.close();
  terminal_.close();
  {
    std::lock_guard lock(mutex_);
    end_ = end_event(*wait_status_);
    ended_at_ = std::chrono::steady_clock::now();
  }
  // From here on subscribe() gives the end itself.
  publish(*end_);
  std::lock_guard lock(mutex_);
  for (const auto& subscriber : subscribers_) subscriber->close(Subscriber::Closed::kEnded);
  subscribers_.clear();
}

}  // namespace osiris::e2b_server
