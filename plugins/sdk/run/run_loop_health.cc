// The run loop's other half: cancel, silence, broken streams, the worker's death, and how a run ends.
#include <poll.h>

#include <algorithm>
#include <utility>

#include "plugins/sdk/run/run_loop.h"
#include "protocol/base/categories.h"
#include "protocol/base/clock.h"
#include "protocol/base/text.h"
#include "protocol/model/artifact.h"

namespace osiris::sdk {
namespace {

constexpr int64_t kReopenPauseMsMin = 100;
constexpr int64_t kReopenPauseMsMax = 2'000;
constexpr int64_t kKilledMs = 5'000;  // a killed worker that is not gone after this is given up
constexpr size_t kLogLinesInMessage = 3;

int64_t now_ms() { return system_clock().monotonic_ns() / 1'000'000; }

std::string seconds(int64_t ms) { return std::to_string(ms / 1000) + " s"; }

}  // namespace

// ---- Cancel and deadline

std::optional<Error> RunLoop::stop_reason() const {
  if (options_.deadline_monotonic_ns && system_clock().monotonic_ns() >= options_.deadline_monotonic_ns)
    return Error(Code::kDeadline, "the run did not end before its deadline",
                 "Allow more time with --timeout, or look in the log for the step that took it.",
                 category::kRuntimeTimeout);
  if (host_.is_cancelled()) return Error(Code::kCancelled, "the run was cancelled");
  return std::nullopt;
}

void RunLoop::check_cancel() {
  if (auto reason =
          is_early_ ? stop_reason() : std::nullopt) {  // the worker stops already, and has no more time for it
    cancel_until_ms_ = std::min(cancel_until_ms_, now_ms() + options_.cancel_grace_ms);
    cancel_ = std::move(reason);
    is_early_ = false;
  }
  if (!cancel_) {
    cancel_ = stop_reason();
    if (!cancel_ && options_.ends_early) {
      cancel_ = options_.ends_early();
      is_early_ = cancel_.has_value();
    }
    if (!cancel_) return;
    cancel_until_ms_ = now_ms() + (is_early_ ? options_.early_grace_ms : options_.cancel_grace_ms);
    wire_log_.line('#', cancel_->message);
    if (held_opening_) {
      cancel_until_ms_ = now_ms();  // the worker has nothing to stop
    } else {
      send(conversation_.ask(rpc::method::kCancel, Json::object({{"reason", code_name(cancel_->code)}})));
    }
  }
  if (!killed_ && now_ms() >= cancel_until_ms_) {
    channel_.kill();
    killed_ = true;
    wait_closed(kKilledMs);
    if (!closed_) closed_ = ExitInfo();
  }
}

// ---- Silence and broken streams

// Apart from silence: a program that is no worker may talk for ever.
void RunLoop::check_hello() {
  if (hello_ || is_over() || now_ms() - hello_since_ms_ < options_.hello_timeout_ms) return;
  fail(Error(Code::kUnavailable,
             "the worker " + options_.worker_name + " did not say hello within " + seconds(options_.hello_timeout_ms),
             "Is it an osiris-worker, and is its machine responding?"),
       crash_detail());
}

void RunLoop::check_silence() {
  const int64_t silent_ms = now_ms() - heard_ms_;
  if (silent_ms < options_.silence_ms || now_ms() < diagnose_at_ms_) return;
  diagnose_at_ms_ = now_ms() + options_.silence_ms;
  const Diagnosis diagnosis = channel_.diagnose();
  const std::string text = "nothing was heard from the worker for " + seconds(silent_ms) +
                           (diagnosis.note.empty() ? "" : ": " + diagnosis.note);
  wire_log_.line('#', text);
  host_.log(OSIRIS_WARN, text);
  if (diagnosis.cause == Diagnosis::Cause::kNetwork) return recover(diagnosis.note);
  take_diagnosis(diagnosis);
  if (!is_over() && hello_ && silent_ms >= options_.stall_limit_ms)
    fail(Error(Code::kUnavailable, text + "; that is longer than a worker may stall",
               "Is its machine out of memory or suspended? Run again."),
         crash_detail());
}

void RunLoop::take_diagnosis(const Diagnosis& diagnosis) {
  if (diagnosis.cause != Diagnosis::Cause::kEnded && diagnosis.cause != Diagnosis::Cause::kGone) return;
  if (diagnosis.cause == Diagnosis::Cause::kEnded) fetch_missing();
  close(diagnosis.exit.value_or(ExitInfo()));
}

// Opens the stream again and asks for what was missed, until it works, the worker turns out to be gone, or the stall
// limit.
void RunLoop::recover(const std::string& why) {
  stream_was_broken_ = true;
  wire_log_.line('#', "stream lost: " + why);
  host_.log(OSIRIS_WARN, "the stream to the worker broke (" + why + "); opening it again");
  int64_t pause_ms = kReopenPauseMsMin;
  std::string said;
  for (;;) {
    check_cancel();
    if (is_over()) return;
    const Diagnosis diagnosis = channel_.diagnose();
    if (!diagnosis.note.empty() && std::exchange(said, diagnosis.note) != diagnosis.note)
      host_.log(OSIRIS_WARN, diagnosis.note);
    take_diagnosis(diagnosis);
    if (is_over()) return;
    if (channel_.reopen()) break;
    if (now_ms() - heard_ms_ >= options_.stall_limit_ms)
      return fail(Error(Code::kUnavailable,
                        "the worker could not be reached again for " + seconds(now_ms() - heard_ms_) + " (" +
                            (diagnosis.note.empty() ? why : diagnosis.note) + ")",
                        "Check the network between here and there, then run again."),
                  Json::object({{"class", "NetworkError"}}));
    pollfd woken{waker_.fd(), POLLIN, 0};
    if (::poll(&woken, 1, static_cast<int>(pause_ms)) > 0) waker_.drain();
    pause_ms = std::min(pause_ms * 2, kReopenPauseMsMax);
  }
  wire_log_.line('#', "stream opened again");
  parser_.reset();  // the half record of the old stream comes again, whole
  conversation_.forget_replay();
  replay_from_ = 0;
  heard_ms_ = hello_since_ms_ = now_ms();
  if (!held_opening_) ask_for_missing();
}

// ---- The worker's end

void RunLoop::close(ExitInfo exit) {
  if (closed_) return;
  if (auto tail = parser_.finish()) report_garbage(*tail);
  log_.finish();
  closed_ = std::move(exit);
}

// The worker ended while its stream was broken: what it had recorded is read from its log.
void RunLoop::fetch_missing() {
  if (finished_ && !packing_) return;
  const Result<std::string> records = channel_.fetch_records(conversation_.next_seq());
  if (!records)
    return host_.log(OSIRIS_WARN,
                     "the records of a worker that has ended could not be had: " + records.error().message);
  parser_.reset();
  feed(*records);
}

void RunLoop::end_worker() {
  if (closed_) return;
  if (finished_ && !failure_ && options_.shutdown_worker) {
    send(conversation_.ask(rpc::method::kShutdown, Json::object()));
    channel_.close_input();
    if (!options_.awaits_worker) return;
    wait_closed(options_.shutdown_ms);
    if (!closed_) host_.log(OSIRIS_WARN, "the worker did not exit when told to; it is killed");
  } else if (finished_ && !failure_) {
    return;
  }
  if (closed_) return;
  channel_.kill();
  killed_ = true;
  wait_closed(kKilledMs);
}

void RunLoop::wait_closed(int64_t limit_ms) {
  const int64_t until = now_ms() + limit_ms;
  while (!closed_ && now_ms() < until) {
    Incoming incoming;
    ReceiveOutcome outcome = channel_.receive(incoming, std::max<int64_t>(0, until - now_ms()));
    log_.feed(incoming.log);
    feed(incoming.output);
    if (outcome.kind == ReceiveOutcome::Kind::kWoken) waker_.drain();
    if (outcome.kind == ReceiveOutcome::Kind::kClosed) close(outcome.exit.value_or(ExitInfo()));
    if (outcome.kind == ReceiveOutcome::Kind::kBroken) return;
  }
}

// ---- The verdict

Error RunLoop::crash_error() const {
  if (closed_->error) return *closed_->error;
  std::string message = "the worker " + options_.worker_name + " " + closed_->describe();
  const std::vector<std::string> running = board_.running();
  if (!hello_) {
    message += " before it said hello";
  } else if (!running.empty()) {
    message += " while it ran " + join(running, ", ");
  }
  const std::vector<std::string> lines = log_.last_lines();
  if (!lines.empty()) {
    const auto from = lines.end() - static_cast<std::ptrdiff_t>(std::min(kLogLinesInMessage, lines.size()));
    message += "; its last words: " + join({from, lines.end()}, " | ");
  }
  const bool out_of_memory = closed_->kind == ExitInfo::Kind::kSignaled && closed_->status == 9;
  if (!hello_) return Error(Code::kUnsupported, message, "Is it an osiris-worker of this release?");
  if (out_of_memory)
    return Error(Code::kUnavailable, message,
                 "Signal 9 comes from a person or from a system out of memory: see its log, or lower --memory-limit.",
                 category::kSystemResourceUnavailable);
  return Error(Code::kInternal, message, "This should not happen; report it with the session's log.",
               category::kSystemError);
}

Json RunLoop::crash_detail() const {
  Json detail = Json::object({{"class", "WorkerCrash"}});
  if (closed_) {
    if (closed_->error) detail.set("class", closed_->error_class);
    if (closed_->kind == ExitInfo::Kind::kExited) detail.set("exit_status", closed_->status);
    if (closed_->kind == ExitInfo::Kind::kSignaled) detail.set("signal", closed_->status);
  }
  Json running = Json::array(), lines = Json::array();
  for (const std::string& id : board_.running()) running.push_back(id);
  for (const std::string& line : log_.last_lines()) lines.push_back(line);
  detail.set("running_steps", std::move(running));
  detail.set("last_log_lines", std::move(lines));
  return detail;
}

RunOutcome RunLoop::conclude() {
  RunOutcome outcome;
  outcome.worker_exit = closed_;
  outcome.packed = packed_;
  outcome.said_hello = hello_.has_value();
  if (finished_ && packing_ && !failure_ && !cancel_) fail(crash_error(), crash_detail());
  if (garbage_lines_ > 0)
    host_.log(OSIRIS_WARN, std::to_string(garbage_lines_) + " lines of the worker's output were garbage");

  // Whatever was written is named, also by a run that failed.
  const Json declared = finish_result_["artifacts"].is_array() ? finish_result_["artifacts"] : board_.artifacts();
  for (const Json& json : declared.items()) {
    Result<Artifact> artifact = artifact_from_json(json);
    if (artifact) {
      outcome.artifacts.push_back(*std::move(artifact));
    } else if (finished_) {
      fail(artifact.error().within("the worker declared an output that is not one"));
    }
  }

  std::string_view status = "failed";
  const auto& failed_step = board_.first_failure();
  // A stop has the last word, also when every step was done: what they wrote may not have been packed. Where it has
  // been, an early end came too late to take anything away.
  const bool is_whole = is_early_ && finished_ && !packing_ && !failure_ && board_.all_succeeded();
  if (cancel_ && !is_whole) {
    status = "cancelled";
    outcome.status = *cancel_;
    board_.abandon(*cancel_);
  } else if (finished_ && board_.all_succeeded() && !failure_) {
    status = "success";
  } else if (!failure_ && failed_step) {
    outcome.status = error_of_run(failed_step->step_id, failed_step->error);
    board_.abandon(failed_step->error);
  } else {
    if (!failure_ && !finished_) fail(crash_error(), crash_detail());
    fail(Error(Code::kInternal, "the worker ended the run without an answer for every step", "Report this as a bug."));
    outcome.status = *failure_;
    board_.abandon(*failure_);
  }
  Json worker = Json::object();
  if (hello_) worker = Json::object({{"version", hello_->version}, {"pid", hello_->pid}});
  outcome.result = board_.result_document(status, worker);
  return outcome;
}

}  // namespace osiris::sdk
