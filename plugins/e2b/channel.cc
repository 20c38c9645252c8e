#include "plugins/e2b/channel.h"

#include <poll.h>
#include <signal.h>

#include <algorithm>

#include "protocol/base/wipe.h"

namespace osiris::e2b {
namespace {

// What the listener takes in one go, and so has in memory several times over: as stream, as lines, as records.
constexpr size_t kQueuedBytesMax = 1u << 20;
constexpr http::Milliseconds kRecordsSilence{5'000};

// "signal: killed" and its like, as envd (Go) spells them.
int signal_from(const std::string& status) {
  if (status.find("killed") != std::string::npos) return SIGKILL;
  if (status.find("terminated") != std::string::npos) return SIGTERM;
  if (status.find("segmentation fault") != std::string::npos) return SIGSEGV;
  if (status.find("aborted") != std::string::npos) return SIGABRT;
  return 0;
}

}  // namespace

SandboxChannel::SandboxChannel(Envd& reading, Envd& sending, ApiClient& asking, const sdk::Waker& waker, ChannelOptions options)
    : reading_(reading), sending_(sending), asking_(asking), waker_(waker), options_(std::move(options)) {
  sender_ = std::thread([this] { send_loop(); });
}

SandboxChannel::~SandboxChannel() {
  stop_reading();
  {
    const std::lock_guard lock(send_mutex_);
    stop_sending_ = true;
  }
  abort_sending_ = true;
  send_changed_.notify_all();
  sender_.join();
  for (std::string& bytes : outbox_) wipe(bytes);
}

void SandboxChannel::start(const StartSpec& spec) { starting_ = reading_.start(spec); }

Result<int64_t> SandboxChannel::started(http::Milliseconds wait, const std::atomic<bool>& cancelled) {
  auto stream = std::move(starting_);
  constexpr http::Milliseconds kSlice{100};
  const auto until = std::chrono::steady_clock::now() + wait;
  auto first = stream->next(kSlice);
  while (!first && first.error().code == Code::kDeadline && std::chrono::steady_clock::now() < until) {
    if (cancelled) return Error(Code::kCancelled, "the run was cancelled while its worker started");
    first = stream->next(kSlice);
  }
  if (!first) {
    if (first.error().code == Code::kDeadline)
      return make_failure(FailureClass::kCreationTimeout, "the worker did not start within " + std::to_string(wait.count()) + " ms", "");
    return first.error();
  }
  if (first->kind != ProcessEvent::Kind::kStart || first->pid <= 0)
    return make_failure(FailureClass::kSandboxError, "cannot start the worker: the stream does not begin with a start event", "");
  pid_ = first->pid;
  follow(std::move(stream));
  return pid_;
}

void SandboxChannel::follow(std::unique_ptr<ProcessStream> stream) {
  stop_reading();
  const std::lock_guard lock(mutex_);
  stream_ = std::move(stream);
  broken_.reset();
  stop_reading_ = false;
  reader_ = std::thread([this] { read_loop(); });
}

void SandboxChannel::stop_reading() {
  {
    const std::lock_guard lock(mutex_);
    stop_reading_ = true;
    if (stream_) stream_->cancel();
  }
  room_.notify_all();
  if (reader_.joinable()) reader_.join();
  const std::lock_guard lock(mutex_);
  stream_.reset();
}

void SandboxChannel::read_loop() {
  for (;;) {
    auto event = stream_->next(http::Milliseconds(1000));
    std::unique_lock lock(mutex_);
    if (stop_reading_) return;
    if (!event) {
      if (event.error().code == Code::kDeadline) continue;
      broken_ = event.error();
      arrived_.wake();
      return;
    }
    if (event->kind == ProcessEvent::Kind::kEnd) {
      sdk::ExitInfo exit;
      exit.kind = event->exited ? sdk::ExitInfo::Kind::kExited : sdk::ExitInfo::Kind::kSignaled;
      exit.status = event->exited ? event->exit_code : signal_from(event->status);
      exit_ = exit;
      arrived_.wake();
      return;
    }
    if (event->kind == ProcessEvent::Kind::kStart) continue;
    // A slow listener stops the reading here, and with it the transfer, the pipe and in the end the worker.
    room_.wait(lock, [this] { return stop_reading_ || queued_bytes_ < kQueuedBytesMax; });
    if (stop_reading_) return;
    queued_bytes_ += event->bytes.size();
    queue_.push_back(*std::move(event));
    arrived_.wake();
  }
}

sdk::ReceiveOutcome SandboxChannel::receive(sdk::Incoming& into, int64_t timeout_ms) {
  using Kind = sdk::ReceiveOutcome::Kind;
  pollfd fds[2] = {{arrived_.fd(), POLLIN, 0}, {waker_.fd(), POLLIN, 0}};
  {
    const std::lock_guard lock(mutex_);
    if (!queue_.empty() || exit_ || broken_ || gone_) timeout_ms = 0;
  }
  ::poll(fds, 2, static_cast<int>(std::min<int64_t>(timeout_ms, 60'000)));
  arrived_.drain();
  const std::lock_guard lock(mutex_);
  if (!queue_.empty()) {
    for (ProcessEvent& event : queue_)
      (event.kind == ProcessEvent::Kind::kStderr ? into.log : into.output) += event.bytes;
    queue_.clear();
    queued_bytes_ = 0;
    reopened_for_silence_ = false;
    room_.notify_all();
    return {Kind::kBytes, std::nullopt, std::nullopt};
  }
  if (exit_) return {Kind::kClosed, std::nullopt, exit_};
  if (gone_) return {Kind::kClosed, std::nullopt, lost(*gone_)};
  if (broken_) return {Kind::kBroken, broken_, std::nullopt};
  if (fds[1].revents & POLLIN) {
    waker_.drain();
    return {Kind::kWoken, std::nullopt, std::nullopt};
  }
  return {Kind::kTimeout, std::nullopt, std::nullopt};
}

Status SandboxChannel::send(std::string bytes) {
  const std::lock_guard lock(send_mutex_);
  if (send_error_) {
    wipe(bytes);
    return *send_error_;
  }
  outbox_.push_back(std::move(bytes));
  send_changed_.notify_all();
  return {};
}

void SandboxChannel::send_loop() {
  for (;;) {
    std::string bytes;
    {
      std::unique_lock lock(send_mutex_);
      send_changed_.wait(lock, [this] { return stop_sending_ || !outbox_.empty(); });
      if (stop_sending_) return;
      bytes = std::move(outbox_.front());
      outbox_.pop_front();
    }
    const Status sent = sending_.stream_input(pid_, bytes, &abort_sending_);
    wipe(bytes);
    if (sent.ok() || abort_sending_) continue;
    options_.log("could not send to the worker: " + sent.error().message);
    {
      const std::lock_guard lock(send_mutex_);
      send_error_ = sent.error();
    }
    if (is_ending(sent.error())) continue;
    // Input that may be half there cannot be sent again. A worker that lacks it is of no use: end it as lost.
    declare_lost(sent.error());
  }
}

// Whether input was refused because the worker has ended, or is about to: its stream says how.
bool SandboxChannel::is_ending(const Error& error) {
  const std::string code = detail_of(error, "rpc_code").as_string();
  if (code != "not_found" && code != "internal") return false;  // the latter: "error writing to stdin: it is closed"
  constexpr int kLooks = 5;
  for (int look = 0; look < kLooks; ++look) {
    if (look > 0) std::this_thread::sleep_for(http::Milliseconds(100));
    const auto pids = sending_.list_processes();
    if (pids && std::find(pids->begin(), pids->end(), pid_) == pids->end()) return true;
  }
  return false;
}

void SandboxChannel::close_input() {}  // the worker is told to shut down, and its sandbox goes

void SandboxChannel::kill() {
  const Status killed = sending_.signal(pid_, true);
  if (!killed.ok() && failure_class_of(killed.error()) != FailureClass::kNotFound)
    options_.log("could not kill the worker: " + killed.error().message);
}

sdk::ExitInfo SandboxChannel::lost(Error error) const {
  sdk::ExitInfo exit;
  exit.kind = sdk::ExitInfo::Kind::kLost;
  exit.error_class = failure_class_name(failure_class_of(error));
  exit.error = std::move(error);
  return exit;
}

void SandboxChannel::declare_lost(const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    if (!gone_) gone_ = error;
  }
  arrived_.wake();
}

sdk::Diagnosis SandboxChannel::diagnose() {
  using Cause = sdk::Diagnosis::Cause;
  {
    const std::lock_guard lock(mutex_);
    if (exit_) return {Cause::kEnded, exit_, "envd saw it end"};
    if (gone_) return {Cause::kGone, lost(*gone_), gone_->message};
  }
  const std::string& id = sending_.sandbox().id;
  const auto alive = sending_.is_alive();
  if (alive && *alive) {
    auto pids = sending_.list_processes();
    if (!pids) return {Cause::kAlive, std::nullopt, "envd answers"};
    if (std::find(pids->begin(), pids->end(), pid_) != pids->end()) {
      // A worker that lives and a stream that brings not even heartbeats: the worker stalls, or the stream is dead although nobody
      // closed it. A new stream costs nothing and tells; one is tried per silence.
      if (std::exchange(reopened_for_silence_, true)) return {Cause::kAlive, std::nullopt, "envd answers and lists the worker"};
      return {Cause::kNetwork, std::nullopt, "envd lists the worker; listening to it anew"};
    }
    const bool stream_open = [this] {
      const std::lock_guard lock(mutex_);
      return !broken_;
    }();
    // An open stream still brings the end event; a broken one is told how it ended when it is opened again.
    if (stream_open) return {Cause::kAlive, std::nullopt, "envd no longer lists the worker; its end is on the way"};
    return {Cause::kNetwork, std::nullopt, "the worker has ended; asking how"};
  }
  const auto gone = is_gone(asking_, id, {.wait = kAskWait});
  if (gone && *gone)
    return {Cause::kGone,
            lost(make_failure(FailureClass::kSandboxError, "sandbox " + id + " is gone: the service no longer knows it",
                              "It was killed from outside, ran out of lease, or its service lost it; run again.")),
            "the control plane no longer lists the sandbox"};
  if (gone) return {Cause::kNetwork, std::nullopt, "the sandbox is listed but its envd does not answer"};
  return {Cause::kNetwork, std::nullopt, "neither envd nor the control plane can be reached: " + gone.error().message};
}

Status SandboxChannel::reopen() {
  auto stream = reading_.connect(pid_);
  auto first = stream->next(http::Milliseconds(5'000));
  if (!first) {
    const Error& error = first.error();
    if (detail_of(error, "rpc_code").as_string() == "not_found") {
      // Ended, and longer ago than envd remembers.
      const std::lock_guard lock(mutex_);
      exit_ = lost(make_failure(FailureClass::kWorkerCrash, "the worker in sandbox " + reading_.sandbox().id + " ended while the connection was broken", ""));
      arrived_.wake();
      return {};
    }
    // A token that is refused now is refused the next time too.
    if (failure_class_of(error) != FailureClass::kAuthError) return error;
    declare_lost(error);
    return {};
  }
  follow(std::move(stream));
  return {};
}

Result<std::string> SandboxChannel::fetch_records_once() {
  auto exchange = sending_.download(options_.records_path);
  const std::string operation = "fetch the worker's records";
  const auto broke = [&](const Error& error) {
    return make_failure(FailureClass::kNetworkError, "cannot " + operation + ": " + error.message, "", Json::object({{"operation", operation}}));
  };
  std::string text;
  for (;;) {
    auto bytes = exchange->read(kRecordsSilence);
    if (!bytes) return broke(bytes.error());
    if (bytes->empty()) break;
    text += *bytes;
  }
  const auto head = exchange->head();
  if (!head) return broke(head.error());
  if ((*head)->status == 200) return text;
  http::Outcome outcome;
  outcome.response = **head;
  outcome.response->body = std::move(text);
  return failure_from(outcome, operation);
}

// The worker is dead and its file stays: asked again whatever the answer, but for "not there", until the budget is used up.
Result<std::string> SandboxChannel::fetch_records(uint64_t) {
  const http::RetryPolicy policy{.budget = options_.retry_budget};
  const auto until = std::chrono::steady_clock::now() + policy.budget;
  for (int attempt = 1;; ++attempt) {
    auto records = fetch_records_once();
    if (records || failure_class_of(records.error()) == FailureClass::kNotFound || failure_class_of(records.error()) == FailureClass::kAuthError) return records;
    const auto left = std::chrono::duration_cast<http::Milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return after_attempts(records.error(), attempt);
    pollfd woken{waker_.fd(), POLLIN, 0};  // by a cancel, which the loop takes
    const auto wait = std::min(left, std::max(retry_after_of(records.error()), http::backoff(policy, attempt)));
    if (::poll(&woken, 1, static_cast<int>(wait.count())) > 0) return records;
  }
}

}  // namespace osiris::e2b
