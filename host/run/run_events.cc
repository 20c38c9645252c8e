#include "host/run/run_events.h"

namespace osiris {
namespace {

// Beginnings and ends of steps: the display has a line for each.
bool is_shown_anyway(std::string_view event) {
  return event == "step_start" || event == "step_complete" || event == "step_failed" || event == "step_error" ||
         event == "step_skipped";
}

// "output_written path=out.csv size_bytes=12".
std::string event_text(const AdapterEvents::Event& event) {
  std::string text = event.name;
  for (const auto& [key, value] : event.data.members())
    if (key != "step_id") text += " " + key + "=" + (value.is_string() ? value.as_string() : value.dump());
  return text;
}

}  // namespace

void RunEvents::request_stop(StopReason reason) {
  StopReason none = StopReason::kNone;
  stop_.compare_exchange_strong(none, reason);
}

std::vector<std::string> RunEvents::misbehaviours() const {
  std::lock_guard lock(mutex_);
  return misbehaviours_;
}

void RunEvents::on_event(const Event& event) {
  // Heartbeats say how far the steps are; they are for watching and no part of the record (two runs of one pipeline
  // have different ones).
  if (event.name == "heartbeat") {
    for (const Json& step : event.data["steps"].items())
      parts_.tally.on_progress(step["step_id"].as_string(), {.rows = step["rows"].as_uint(),
                                                             .bytes = step["bytes"].as_uint(),
                                                             .rows_total = step["rows_total"].as_uint(),
                                                             .bytes_total = step["bytes_total"].as_uint()});
    return;
  }
  Json fields = Json::object();
  if (!event.step_id.empty()) fields.set("step_id", event.step_id);
  for (const auto& [key, value] : event.data.members())
    if (!fields.contains(key)) fields.members().emplace_back(key, value);
  // Only the adapter's own events speak of remote resources; a step's do not.
  const bool about_resources = event.step_id.empty() && parts_.resources.on_event(event.name, event.data);
  // On the disk before the adapter goes on, so that a dead machine cannot make osiris forget what the user pays for. A
  // process of this machine dies with it: for that one a write is enough, and a flush would cost a short run a third of
  // its time.
  const bool durable = about_resources && event.data["kind"].as_string() != "process";
  parts_.log.event(event.name, fields, event.time_unix_ns, durable);
  const std::string step_id = event.step_id.empty() ? event.data["step_id"].as_string() : event.step_id;
  if (parts_.says_events && parts_.say && !step_id.empty() && !is_shown_anyway(event.name))
    parts_.say("[" + adapter_ + "] " + step_id + ": " + event_text(event), false);
  if (event.name == "resource_cost" && step_id.empty()) parts_.tally.on_cost(event.data);
  if (parts_.shards) parts_.shards->on_event(event.name, step_id, event.data);
  parts_.tally.on_event(event.name, step_id, event.data);
  if (event.name == "step_complete" && parts_.hashes) parts_.hashes->step_completed(step_id);
}

void RunEvents::on_metric(const Metric& metric) {
  Json fields = Json::object();
  if (!metric.unit.empty()) fields.set("unit", metric.unit);
  if (metric.counter) fields.set("kind", "counter");
  if (!metric.step_id.empty()) fields.set("step_id", metric.step_id);
  Json tags = metric.tags.is_object() ? metric.tags : Json::object();
  if (!metric.step_id.empty() && !tags.contains("step")) tags.set("step", metric.step_id);
  if (tags.size()) fields.set("tags", std::move(tags));
  // Counts are integers; a double would print them as 3.0.
  const auto whole = static_cast<int64_t>(metric.value);
  const bool integral = metric.value >= -9e15 && metric.value <= 9e15 && static_cast<double>(whole) == metric.value;
  parts_.log.metric(metric.name, integral ? Json(whole) : Json(metric.value), fields, metric.time_unix_ns);
  parts_.tally.on_metric(metric.name, metric.step_id, metric.value);
}

void RunEvents::on_log(const Log& log) {
  std::string text = log.step_id.empty() ? log.message : log.step_id + ": " + log.message;
  const bool is_notice = log.fields["notice"].as_bool();  // for people, now
  Json more = log.fields;
  if (is_notice) more.erase("notice");
  if (more.size()) text += " " + more.dump();
  const LogLevel log_level = level_from_number(log.level);
  const std::string logger = "osiris.adapter." + adapter_ + (log.source.empty() ? "" : "." + log.source);
  parts_.log.log(log_level, logger, text, log.time_unix_ns);
  if (parts_.say && log_level != LogLevel::kDebug)
    parts_.say((is_notice ? "⚠️  " : "[" + adapter_ + "] ") + text, is_notice);
}

void RunEvents::on_progress(const Progress& progress) {
  if (!progress.note.empty()) parts_.tally.on_note(progress.note);
  if (progress.step_id.empty() || progress.done < 0) return;
  const auto done = static_cast<uint64_t>(progress.done);
  const auto total = progress.total < 0 ? uint64_t{0} : static_cast<uint64_t>(progress.total);
  if (progress.unit == "rows") parts_.tally.on_progress(progress.step_id, {.rows = done, .rows_total = total});
  if (progress.unit == "bytes") parts_.tally.on_progress(progress.step_id, {.bytes = done, .bytes_total = total});
}

Status RunEvents::lend_secret(std::string_view name, const std::function<void(std::string_view)>& use) {
  return parts_.secrets.lend(name, use);
}

void RunEvents::on_misbehaviour(std::string_view what) {
  {
    std::lock_guard lock(mutex_);
    misbehaviours_.emplace_back(what);
  }
  parts_.log.event("adapter_misbehaving", Json::object({{"adapter", adapter_}, {"message", what}}));
  parts_.log.log(LogLevel::kWarning, "osiris.adapter." + adapter_, what);
  if (parts_.say) parts_.say("⚠️  " + std::string(what), true);
}

}  // namespace osiris
