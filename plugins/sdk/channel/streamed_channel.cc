#include "plugins/sdk/channel/streamed_channel.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "protocol/base/thread.h"
#include "protocol/base/wipe.h"
#include "protocol/http/retry.h"

namespace osiris::sdk {
namespace {

// What the listener takes in one go, and so has in memory several times over: as stream, as lines, as records.
constexpr size_t kQueuedBytesMax = 1u << 20;
constexpr Milliseconds kRecordsSilence{5'000};

}  // namespace

StreamedChannel::StreamedChannel(const Service& service, RemoteProcesses& processes, const Waker& waker,
                                 ChannelContext context)
    : service_(service), processes_(processes), waker_(waker), context_(std::move(context)) {
  static_cast<void>(begin_thread(sender_, [this] { send_loop(); }));
}

StreamedChannel::~StreamedChannel() {
  stop_reading();
  {
    const std::lock_guard lock(send_mutex_);
    stop_sending_ = true;
  }
  abort_sending_ = true;
  send_changed_.notify_all();
  if (sender_.joinable()) sender_.join();
  for (std::string& bytes : outbox_) wipe(bytes);
}

void StreamedChannel::start(const StartSpec& spec) { starting_ = processes_.start(spec); }

Result<int64_t> StreamedChannel::started(Milliseconds wait, const std::atomic<bool>& cancelled) {
  auto stream = std::move(starting_);
  constexpr Milliseconds kSlice{100};
  const auto until = std::chrono::steady_clock::now() + wait;
  auto first = stream->next(kSlice);
  while (!first && first.error().code == Code::kDeadline && std::chrono::steady_clock::now() < until) {
    if (cancelled) return Error(Code::kCancelled, "the run was cancelled while its worker started");
    first = stream->next(kSlice);
  }
  if (!first) {
    if (first.error().code == Code::kDeadline)
      return service_.failure(FailureClass::kCreationTimeout,
                              "the worker did not start within " + std::to_string(wait.count()) + " ms", "");
    return first.error();
  }
  if (first->kind != ProcessEvent::Kind::kStart || first->pid <= 0)
    return service_.failure(FailureClass::kSandboxError,
                            "cannot start the worker: the stream does not begin with a start event", "");
  pid_ = first->pid;
  OSIRIS_TRY(follow(std::move(stream)));
  return pid_;
}

Status StreamedChannel::follow(std::unique_ptr<ProcessStream> stream) {
  stop_reading();
  const std::lock_guard lock(mutex_);
  stream_ = std::move(stream);
  broken_.reset();
  stop_reading_ = false;
  if (begin_thread(reader_, [this] { read_loop(); })) return {};
  stream_->cancel();
  stream_.reset();
  return no_more_threads("the worker's records cannot be read");
}

void StreamedChannel::stop_reading() {
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

void StreamedChannel::read_loop() {
  for (;;) {
    auto event = stream_->next(Milliseconds(1000));
    std::unique_lock lock(mutex_);
    if (stop_reading_) return;
    if (!event) {
      if (event.error().code == Code::kDeadline) continue;
      broken_ = event.error();
      arrived_.wake();
      return;
    }
    if (event->kind == ProcessEvent::Kind::kEnd) {
      exit_ = std::move(event->exit);
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

ReceiveOutcome StreamedChannel::receive(Incoming& into, int64_t timeout_ms) {
  using Kind = ReceiveOutcome::Kind;
  pollfd fds[2] = {{arrived_.fd(), POLLIN, 0}, {waker_.fd(), POLLIN, 0}};
  {
    const std::lock_guard lock(mutex_);
    if (!queue_.empty() || exit_ || broken_ || gone_) timeout_ms = 0;
  }
  ::poll(fds, 2, static_cast<int>(std::min<int64_t>(timeout_ms, 60'000)));
  arrived_.drain();
  const std::lock_guard lock(mutex_);
  if (!queue_.empty()) {
    for (ProcessEvent& event : queue_) (event.kind == ProcessEvent::Kind::kLog ? into.log : into.output) += event.bytes;
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

Status StreamedChannel::send(std::string bytes) {
  {
    const std::lock_guard lock(send_mutex_);
    if (send_error_) {
      wipe(bytes);
      return *send_error_;
    }
    if (sender_.joinable()) {
      outbox_.push_back(std::move(bytes));
      send_changed_.notify_all();
      return {};
    }
  }
  send_now(std::move(bytes));
  return {};
}

void StreamedChannel::send_loop() {
  for (;;) {
    std::string bytes;
    {
      std::unique_lock lock(send_mutex_);
      send_changed_.wait(lock, [this] { return stop_sending_ || !outbox_.empty(); });
      if (stop_sending_) return;
      bytes = std::move(outbox_.front());
      outbox_.pop_front();
    }
    send_now(std::move(bytes));
  }
}

void StreamedChannel::send_now(std::string bytes) {
  const Status sent = processes_.send_input(pid_, bytes, abort_sending_);
  wipe(bytes);
  if (sent.ok() || abort_sending_) return;
  context_.log("could not send to the worker: " + sent.error().message);
  {
    const std::lock_guard lock(send_mutex_);
    send_error_ = sent.error();
  }
  if (is_ending(sent.error())) return;
  // Input that may be half there cannot be sent again. A worker that lacks it is of no use: end it as lost.
  declare_lost(sent.error());
}

// Whether input was refused because the worker has ended, or is about to: its stream says how.
bool StreamedChannel::is_ending(const Error& error) {
  if (!processes_.is_input_closed(error)) return false;
  constexpr int kLooks = 5;
  for (int look = 0; look < kLooks; ++look) {
    if (look > 0) std::this_thread::sleep_for(Milliseconds(100));
    const auto pids = processes_.list();
    if (pids && std::find(pids->begin(), pids->end(), pid_) == pids->end()) return true;
  }
  return false;
}

void StreamedChannel::close_input() {}  // the worker is told to shut down, and its machine goes

void StreamedChannel::kill() {
  if (const Status killed = processes_.kill(pid_); !killed)
    context_.log("could not kill the worker: " + killed.error().message);
}

ExitInfo StreamedChannel::lost(Error error) const {
  ExitInfo exit;
  exit.kind = ExitInfo::Kind::kLost;
  exit.error_class = failure_class_name(failure_class_of(error));
  exit.error = std::move(error);
  return exit;
}

void StreamedChannel::declare_lost(const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    if (!gone_) gone_ = error;
  }
  arrived_.wake();
}

Diagnosis StreamedChannel::diagnose() {
  using Cause = Diagnosis::Cause;
  const std::string daemon(service_.daemon()), noun(service_.noun());
  {
    const std::lock_guard lock(mutex_);
    if (exit_) return {Cause::kEnded, exit_, daemon + " saw it end"};
    if (gone_) return {Cause::kGone, lost(*gone_), gone_->message};
  }
  const auto alive = processes_.is_alive();
  if (alive && *alive) {
    auto pids = processes_.list();
    if (!pids) return {Cause::kAlive, std::nullopt, daemon + " answers"};
    if (std::find(pids->begin(), pids->end(), pid_) != pids->end()) {
      // A worker that lives and a stream that brings not even heartbeats: the worker stalls, or the stream is dead
      // although neither side closed it. A new stream costs nothing and tells; one is tried per silence.
      if (std::exchange(reopened_for_silence_, true))
        return {Cause::kAlive, std::nullopt, daemon + " answers and lists the worker"};
      return {Cause::kNetwork, std::nullopt, daemon + " lists the worker; listening to it anew"};
    }
    const bool stream_open = [this] {
      const std::lock_guard lock(mutex_);
      return !broken_;
    }();
    // An open stream still brings the end event; a broken one is told how it ended when it is opened again.
    if (stream_open)
      return {Cause::kAlive, std::nullopt, daemon + " no longer lists the worker; its end is on the way"};
    return {Cause::kNetwork, std::nullopt, "the worker has ended; asking how"};
  }
  const auto gone = context_.is_gone();
  if (gone && *gone)
    return {Cause::kGone,
            lost(service_.failure(FailureClass::kSandboxError,
                                  noun + " " + context_.machine_id + " is gone: the service no longer knows it",
                                  "It was killed from outside, ran out of lease, or its service lost it; run again.")),
            "the control plane no longer lists the " + noun};
  if (gone) return {Cause::kNetwork, std::nullopt, "the " + noun + " is listed but its " + daemon + " does not answer"};
  return {Cause::kNetwork, std::nullopt,
          "neither " + daemon + " nor the control plane can be reached: " + gone.error().message};
}

Status StreamedChannel::reopen() {
  auto stream = processes_.connect(pid_);
  auto first = stream->next(Milliseconds(5'000));
  if (!first) {
    const Error& error = first.error();
    if (processes_.is_unknown_process(error)) {
      // Ended, and longer ago than the daemon remembers.
      const std::lock_guard lock(mutex_);
      exit_ = lost(service_.failure(FailureClass::kWorkerCrash, "the worker in " + std::string(service_.noun()) + " " +
                                                                    context_.machine_id +
                                                                    " ended while the connection was broken"));
      arrived_.wake();
      return {};
    }
    // A token that is refused now is refused the next time too.
    if (failure_class_of(error) != FailureClass::kAuthError) return error;
    declare_lost(error);
    return {};
  }
  return follow(std::move(stream));
}

Result<std::string> StreamedChannel::fetch_records_once() {
  const auto stream = context_.open_records();
  std::string text;
  for (;;) {
    auto bytes = stream->read(kRecordsSilence);
    if (!bytes && bytes.error().category.empty() && bytes.error().code == Code::kDeadline)
      return service_.failure(FailureClass::kNetworkError,
                              "cannot fetch the worker's records: " + bytes.error().message, "",
                              Json::object({{"operation", "fetch the worker's records"}}));
    if (!bytes) return bytes.error();
    if (bytes->empty()) return text;
    text += *bytes;
  }
}

// The worker is dead and its file stays: asked again whatever the answer, but for "not there", until the budget is used
// up.
Result<std::string> StreamedChannel::fetch_records(uint64_t) {
  const http::RetryPolicy policy{.budget = context_.retry_budget};
  const auto until = std::chrono::steady_clock::now() + policy.budget;
  for (int attempt = 1;; ++attempt) {
    auto records = fetch_records_once();
    if (records || failure_class_of(records.error()) == FailureClass::kNotFound ||
        failure_class_of(records.error()) == FailureClass::kAuthError)
      return records;
    const auto left = std::chrono::duration_cast<Milliseconds>(until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return service_.after_attempts(records.error(), attempt);
    pollfd woken{waker_.fd(), POLLIN, 0};  // by a cancel, which the loop takes
    const auto wait = std::min(left, std::max(retry_after_of(records.error()), http::backoff(policy, attempt)));
    if (::poll(&woken, 1, static_cast<int>(wait.count())) > 0) return records;
  }
}

}  // namespace osiris::sdk
