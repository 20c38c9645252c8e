// The loop and what it does with records. Health and the end of a run are in run_loop_health.cc.
#include "plugins/sdk/run/run_loop.h"

#include <algorithm>
#include <utility>

#include "protocol/base/clock.h"
#include "protocol/base/text.h"

namespace osiris::sdk {
namespace {

constexpr int64_t kPollMs = 90;                 // the ABI's 100 ms: a cancel that reaches no waker is still seen
constexpr uint64_t kGarbageLinesReported = 20;  // then only counted
constexpr int kReplaysInVainMax = 3;
constexpr int64_t kReplayAnswerMs = 5'000;

int64_t now_ms() { return system_clock().monotonic_ns() / 1'000'000; }

// Names under which adapters and the host speak of what they themselves did, acquired and paid for: no worker's to use.
bool is_of_adapters(std::string_view event) {
  static constexpr std::string_view kPrefixes[] = {"resource_", "sandbox_", "template_", "adapter_",
                                                   "worker_",   "package_", "run_"};
  return event == "artifacts_collected" ||
         std::any_of(std::begin(kPrefixes), std::end(kPrefixes),
                     [&](std::string_view prefix) { return event.starts_with(prefix); });
}

std::string or_unknown(const std::string& text) { return text.empty() ? "(unknown)" : text; }

}  // namespace

RunLoop::RunLoop(const Host& host, Channel& channel, const Waker& waker, WireLog& wire_log, RunLoopOptions options)
    : host_(host),
      channel_(channel),
      waker_(waker),
      wire_log_(wire_log),
      options_(std::move(options)),
      log_(host, wire_log) {}

RunOutcome RunLoop::run(const std::vector<PlanStep>& plan_steps, Opening opening) {
  begin(plan_steps, std::move(opening));
  return finish();
}

void RunLoop::begin(const std::vector<PlanStep>& plan_steps, Opening opening) {
  board_ = StepBoard(plan_steps);
  start(std::move(opening));
}

RunOutcome RunLoop::finish() {
  started_ms_ = heard_ms_ = hello_since_ms_ = now_ms();
  while (!is_over()) step();
  end_worker();
  return conclude();
}

void RunLoop::start(Opening opening) {
  expected_version_ = opening.prepare.worker_version;
  expected_specs_ = opening.prepare.specs_sha256;
  packing_ = !opening.pack_path.empty();
  held_opening_ = std::move(opening);
  if (!options_.open_after_hello && !host_.is_cancelled()) open();
}

void RunLoop::open() {
  Opening opening = *std::exchange(held_opening_, std::nullopt);
  Result<std::string> bytes = encode_opening(std::move(opening), conversation_, host_, wire_log_);
  if (!bytes) return fail(bytes.error());
  if (const Status sent = channel_.send(*std::move(bytes)); !sent) fail(sent.error());
}

void RunLoop::step() {
  check_cancel();
  if (is_over()) return;
  Incoming incoming;
  ReceiveOutcome outcome = channel_.receive(incoming, next_timeout_ms());
  if (!incoming.output.empty() || !incoming.log.empty()) {
    heard_ms_ = now_ms();
    diagnose_at_ms_ = 0;
    log_.feed(incoming.log);
    feed(incoming.output);
    heard_ms_ = now_ms();  // waiting for room at the host is not the worker's silence
  }
  switch (outcome.kind) {
    case ReceiveOutcome::Kind::kBytes:
      break;
    case ReceiveOutcome::Kind::kWoken:
      waker_.drain();
      break;
    case ReceiveOutcome::Kind::kTimeout:
      check_silence();
      break;
    case ReceiveOutcome::Kind::kBroken:
      recover(outcome.error ? outcome.error->message : "the stream broke");
      break;
    case ReceiveOutcome::Kind::kClosed:
      if (stream_was_broken_) fetch_missing();
      close(outcome.exit.value_or(ExitInfo()));
      break;
  }
  check_hello();
}

int64_t RunLoop::next_timeout_ms() const {
  const int64_t now = now_ms();
  int64_t until = now + kPollMs;
  if (cancel_) until = std::min(until, cancel_until_ms_);
  until = std::min(until, std::max(heard_ms_ + options_.silence_ms, diagnose_at_ms_));
  if (options_.deadline_monotonic_ns && !cancel_)
    until = std::min(until, options_.deadline_monotonic_ns / 1'000'000 + 1);
  return std::max<int64_t>(0, until - now);
}

// ---- Frames and records

void RunLoop::feed(std::string_view bytes) {
  parser_.feed(bytes);
  while (auto frame = parser_.next()) take_frame(*std::move(frame));
}

void RunLoop::take_frame(rpc::Frame frame) {
  if (frame.kind == rpc::Frame::Kind::kGarbage) return report_garbage(frame);
  if (frame.kind == rpc::Frame::Kind::kBlob) return;  // this loop asks for no relations
  if (wire_log_.is_open()) wire_log_.line('<', frame.message.dump());
  Result<rpc::Record> record = rpc::record_from_json(std::move(frame.message));
  if (!record) {
    unreadable_ = record.error().message;
    host_.log(OSIRIS_WARN, "the worker sent a record that was not understood: " + unreadable_);
    return;
  }
  take_record(*std::move(record));
}

void RunLoop::name_paths(std::string& text) const {
  for (const rpc::PathMapping& mapping : options_.path_map)
    for (size_t at = 0; (at = text.find(mapping.to, at)) != std::string::npos; at += mapping.from.size())
      text.replace(at, mapping.to.size(), mapping.from);
}

void RunLoop::name_paths(Json& json) const {
  if (json.is_string()) {
    std::string text = json.as_string();
    name_paths(text);
    json = Json(std::move(text));
  } else if (json.is_array()) {
    for (Json& item : json.items()) name_paths(item);
  } else if (json.is_object()) {
    for (auto& [key, value] : json.members()) name_paths(value);
  }
}

void RunLoop::name_paths(Error& error) const {
  for (std::string* text : {&error.message, &error.hint}) name_paths(*text);
  name_paths(error.detail);
}

void RunLoop::take_record(rpc::Record record) {
  if (!options_.path_map.empty()) {
    if (auto* event = std::get_if<rpc::Event>(&record)) name_paths(event->data);
    if (auto* response = std::get_if<rpc::Response>(&record); response && !response->ok())
      name_paths(std::get<Error>(response->outcome));
  }
  const auto accepted = conversation_.accept(record);
  switch (accepted.order) {
    case rpc::Conversation::Order::kDuplicate:
      return;
    case rpc::Conversation::Order::kGap:
      return ask_for_missing();
    case rpc::Conversation::Order::kUnasked:
      host_.log(OSIRIS_WARN, "the worker answered a request that was not made or was answered before");
      return;
    case rpc::Conversation::Order::kNext:
      break;
  }
  if (const auto* hello = std::get_if<rpc::Hello>(&record)) return take(*hello);
  if (const auto* event = std::get_if<rpc::Event>(&record)) return take(*event);
  if (const auto* metric = std::get_if<rpc::Metric>(&record)) return take(*metric);
  if (const auto* heartbeat = std::get_if<rpc::Heartbeat>(&record)) return take(*heartbeat);
  if (const auto* response = std::get_if<rpc::Response>(&record)) return take(*response, *accepted.answered);
  const Error& fatal = std::get<rpc::Fatal>(record).error;
  Json detail = crash_detail();
  detail.set("data", fatal.detail);
  fail(fatal.within("the worker gave up"), std::move(detail));
}

void RunLoop::take(const rpc::Hello& hello) {
  if (hello_) return;  // repeated by a stream that was opened again
  hello_ = hello;
  const std::string name = "the worker " + options_.worker_name;
  const std::string hint = "Install osiris and osiris-worker from one release.";
  if (hello.protocol != rpc::kProtocolVersion) {
    return fail(Error(Code::kUnsupported,
                      name + " speaks worker protocol " + std::to_string(hello.protocol) + ", this adapter speaks " +
                          std::to_string(rpc::kProtocolVersion),
                      hint),
                Json::object({{"class", "WorkerVersion"}}));
  }
  if (!expected_version_.empty() && hello.version != expected_version_) {
    return fail(
        Error(Code::kUnsupported,
              name + " has version " + or_unknown(hello.version) + ", this osiris needs " + expected_version_, hint),
        Json::object({{"class", "WorkerVersion"}}));
  }
  if (!expected_specs_.empty() && hello.specs_sha256 != expected_specs_) {
    return fail(Error(Code::kUnsupported,
                      name + " was built from other component specs (" + or_unknown(hello.specs_sha256) +
                          ") than the pipeline was compiled with (" + expected_specs_ + ")",
                      hint),
                Json::object({{"class", "WorkerVersion"}}));
  }
  host_.event("worker_started", {},
              Json::object({{"pid", hello.pid}, {"version", hello.version}, {"duration_ms", now_ms() - started_ms_}}));
  if (held_opening_ && !cancel_) open();
}

void RunLoop::take(const rpc::Response& response, const rpc::Conversation::PendingRequest& asked) {
  if (asked.method == rpc::method::kExecuteStep) {
    if (response.ok()) {
      board_.succeeded(asked.subject, response.result());
    } else {
      board_.failed(asked.subject, response.error());
    }
    report_progress();
  } else if (asked.method == rpc::method::kFinish && response.ok()) {
    finish_result_ = response.result();
    board_.finished(finish_result_);
    finished_ = true;
  } else if (asked.method == rpc::method::kPack && response.ok()) {
    Result<rpc::Packed> packed = rpc::packed_from_json(response.result());
    if (!packed) return fail(packed.error().within("the worker's answer to pack cannot be used"));
    packed_ = *std::move(packed);
    packing_ = false;
  } else if (!response.ok() && (asked.method == rpc::method::kPrepare || asked.method == rpc::method::kFinish ||
                                asked.method == rpc::method::kPack)) {
    Json detail = Json::object({{"method", asked.method}});
    if (!response.error().detail.is_null()) detail.set("data", response.error().detail);
    fail(response.error().within("the worker could not " + asked.method + " the run"), std::move(detail));
  }
}

void RunLoop::take(const rpc::Event& event) {
  const std::string& name = event.data["event"].as_string();
  const std::string& step_id = event.data["step_id"].as_string();
  if (is_of_adapters(name)) {
    if (++foreign_events_ <= kGarbageLinesReported)
      host_.log(OSIRIS_WARN,
                "the worker sent an event that only adapters send, \"" + rpc::printable(name) + "\"; it was dropped");
    return;
  }
  if (name == "step_start") board_.started(step_id);
  Json fields = Json::object();
  for (const auto& [key, value] : event.data.members())
    if (key != "event" && key != "step_id") fields.set(key, value);
  host_.event(name, step_id, fields, event.time_ns);
}

void RunLoop::take(const rpc::Metric& metric) {
  const Json& data = metric.data;
  host_.metric({.name = data["metric"].as_string(),
                .unit = data["unit"].as_string(),
                .step_id = data["step_id"].as_string(),
                .value = data["value"].as_double(),
                .tags = data["tags"],
                .time_unix_ns = metric.time_ns});
}

void RunLoop::take(const rpc::Heartbeat& heartbeat) {
  Json steps = Json::array();
  for (const rpc::StepProgress& step : heartbeat.steps) steps.push_back(rpc::to_json(step));
  host_.event("heartbeat", {},
              Json::object({{"rss_bytes", heartbeat.rss_bytes},
                            {"cpu_ms", heartbeat.cpu_ms},
                            {"spill_bytes", heartbeat.spill_bytes},
                            {"steps", std::move(steps)}}),
              heartbeat.time_ns);
  const std::pair<const char*, uint64_t> figures[] = {{"worker_memory_bytes", heartbeat.rss_bytes},
                                                      {"worker_cpu_ms", heartbeat.cpu_ms},
                                                      {"worker_spill_bytes", heartbeat.spill_bytes}};
  for (const auto& [name, value] : figures)
    host_.metric({.name = name,
                  .unit = std::string_view(name).ends_with("_ms") ? "ms" : "bytes",
                  .step_id = {},
                  .value = static_cast<double>(value),
                  .tags = {},
                  .time_unix_ns = heartbeat.time_ns});
  report_progress();
  // Twice at one place: the first may have been written while its record was still on the way.
  if (conversation_.is_behind(heartbeat) &&
      std::exchange(behind_at_, conversation_.next_seq()) == conversation_.next_seq())
    ask_for_missing();
}

void RunLoop::report_garbage(const rpc::Frame& garbage) {
  const std::string text = std::to_string(garbage.size_bytes) +
                           " bytes on the worker's stdout are not of its protocol (" + garbage.reason +
                           "): " + rpc::printable(garbage.bytes);
  wire_log_.line('#', text);
  unreadable_ = garbage.reason;
  if (++garbage_lines_ <= kGarbageLinesReported) host_.log(OSIRIS_WARN, text);
}

void RunLoop::report_progress() {
  host_.progress(static_cast<double>(board_.completed()), static_cast<double>(board_.ids().size()),
                 join(board_.running(), ", "));
}

void RunLoop::ask_for_missing() {
  if (conversation_.replay_pending() && now_ms() - replay_asked_ms_ < kReplayAnswerMs) return;
  replays_in_vain_ = conversation_.next_seq() == replay_from_ ? replays_in_vain_ + 1 : 0;
  if (replays_in_vain_ >= kReplaysInVainMax)
    return fail(Error(Code::kInternal,
                      "the worker cannot repeat record " + std::to_string(replay_from_) + " that got lost" +
                          (unreadable_.empty() ? "" : "; what it wrote last that is no record: " + unreadable_),
                      "Run again; if it persists, report it with the wire log of OSIRIS_RPC_DEBUG=1."));
  replay_from_ = conversation_.next_seq();
  replay_asked_ms_ = now_ms();
  send(conversation_.ask_replay());
}

void RunLoop::send(rpc::Request request) {
  const Result<std::string> line = rpc::encode_message(rpc::to_json(std::move(request)));
  if (!line) return fail(line.error());
  wire_log_.line('>', std::string_view(*line).substr(0, line->size() - 1));
  if (const Status sent = channel_.send(*line); !sent) host_.log(OSIRIS_WARN, sent.error().message);
}

void RunLoop::fail(Error error, Json detail) {
  if (failure_) return;
  failure_ = std::move(error);
  if (!detail.is_null()) failure_->detail = std::move(detail);
}

}  // namespace osiris::sdk
