#include "host/telemetry/run_trace.h"

#include <algorithm>
#include <array>

#include "host/telemetry/otlp.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris {
namespace {

constexpr size_t kEventsMax = 128;    // of a span, as SDKs have it
constexpr size_t kSpansMax = 20'000;  // open ones: steps whose end was never told
constexpr int kKindInternal = 1, kStatusError = 2;
constexpr const char *kRun = "run", *kCompile = "compile", *kAdapter = "adapter", *kExecute = "adapter execute";

std::string step_key(std::string_view id) { return "step/" + std::string(id); }

// What the steps of a component talk to, by OpenTelemetry's names of databases; null: no database.
Json database_of(std::string_view driver) {
  static constexpr std::array<std::pair<std::string_view, const char*>, 4> kSystems = {
      {{"mysql.", "mysql"}, {"postgres.", "postgresql"}, {"supabase.", "postgresql"}, {"sqlite.", "sqlite"}}};
  for (const auto& [prefix, system] : kSystems)
    if (driver.starts_with(prefix)) return system;
  return {};
}

const std::string& error_type(const Json& fields) {
  const std::string& category = fields["category"].as_string();
  return category.empty() ? fields["error_type"].as_string() : category;
}

}  // namespace

RunTrace::RunTrace(TraceContext parent, std::string tracestate, int64_t started_unix_ns,
                   std::function<void(Json)> ended)
    : parent_(std::move(parent)), tracestate_(std::move(tracestate)), ended_(std::move(ended)), run_(new_trace()) {
  run_.trace_id = parent_.trace_id;
  run_.is_sampled = parent_.is_sampled;
  Span& run = begin(kRun, kRun, parent_.span_id, started_unix_ns);
  run.id = run_.span_id;
}

std::string RunTrace::id_of(std::string_view key) const { return child_span_id(run_, key); }

TraceContext RunTrace::of_steps() const {
  TraceContext context = run_;
  context.span_id = id_of(kExecute);
  return context;
}

TraceContext RunTrace::of_record(const WrittenRecord& record) const {
  const std::string& step = record.fields["step_id"].as_string();
  TraceContext context = run_;
  if (!step.empty()) context.span_id = child_span_id(of_steps(), step);
  return context;
}

void RunTrace::on_record(const WrittenRecord& record) {
  const std::lock_guard lock(mutex_);
  if (is_finished_) return;
  const std::string& step_id = record.fields["step_id"].as_string();
  if (record.kind == WrittenRecord::Kind::kMetric) {
    static constexpr std::array kRows = {"rows_read", "rows_written", "rows_out"};
    if (Span* step = find(step_key(step_id)); step && std::find(kRows.begin(), kRows.end(), record.name) != kRows.end())
      step->attributes.set("osiris." + record.name, record.value);
    if (Span* run = find(kRun); run && record.name == "adapter_exit_code")
      run->attributes.set("process.exit.code", record.value);
  } else if (record.kind == WrittenRecord::Kind::kEvent) {
    if (record.name == "run_error" || step_id.empty())
      on_host_event(record.name, record.fields, record.time_unix_ns);
    else
      on_step_event(record.name, step_id, record.fields, record.time_unix_ns);
  }
}

void RunTrace::on_host_event(const std::string& name, const Json& fields, int64_t unix_ns) {
  Span* const run = find(kRun);
  if (!run) return;
  if (name == "run_start") {
    for (const auto& [key, attribute] : {std::pair{"pipeline_id", "osiris.pipeline.id"},
                                         {"profile", "osiris.profile"},
                                         {"session_id", "osiris.run.id"},
                                         {"pipeline", "osiris.pipeline.file"}})
      if (const std::string& text = fields[key].as_string(); !text.empty()) run->attributes.set(attribute, text);
    if (const std::string& id = fields["pipeline_id"].as_string(); !id.empty()) run->name = "run " + id;
  } else if (name == "compile_start") {
    begin(kCompile, kCompile, run_.span_id, unix_ns);
  } else if (name == "compile_complete" || name == "compile_error") {
    if (Span* compile = find(kCompile)) {
      compile->error = fields["error"].as_string();
      if (!compile->error.empty()) compile->attributes.set("error.type", "compile");
      if (name == "compile_complete") run->attributes.set("osiris.manifest.hash", fields["manifest_hash"]);
    }
    end(kCompile, unix_ns);
  } else if (name == "adapter_selected") {
    adapter_ = fields["adapter"].as_string();
    run->attributes.set("osiris.adapter", adapter_);
  } else if (name.starts_with("adapter_") && name.ends_with("_start")) {
    if (!find(kAdapter)) {
      Span& adapter = begin(kAdapter, "adapter " + adapter_, run_.span_id, unix_ns);
      adapter.attributes.set("osiris.adapter", adapter_);
    }
    const std::string stage = "adapter " + name.substr(8, name.size() - 8 - 6);
    begin(stage, stage, id_of(kAdapter), unix_ns);
  } else if (name.starts_with("adapter_") && name.ends_with("_complete")) {
    const std::string stage = "adapter " + name.substr(8, name.size() - 8 - 9);
    if (Span* span = find(stage); span && fields["success"].is_bool() && !fields["success"].as_bool())
      span->error = "the adapter reported a failure";
    end(stage, unix_ns);
  } else if (name == "collect_error" || name == "adapter_execution_error") {
    const std::string stage = name == "collect_error" ? "adapter collect" : kAdapter;
    if (Span* span = find(stage)) span->error = fields["error"].as_string();
    if (name == "collect_error") end(stage, unix_ns);
  } else if (name == "run_error") {
    run->error = fields["message"].as_string();
    run->attributes.set("error.type", fields["step_id"].is_null() ? fields["phase"] : Json("step_failed"));
    add_event(*run, "exception", Json::object({{"exception.type", fields["phase"]}, {"exception.message", run->error}}),
              unix_ns);
  } else if (name == "run_end") {
    run->attributes.set("osiris.run.outcome", fields["status"]);
    end_adapter(unix_ns);
  } else if (Span* adapter = find(kAdapter)) {
    add_event(*adapter, name, fields, unix_ns);
  }
}

void RunTrace::on_step_event(const std::string& name, const std::string& step_id, const Json& fields, int64_t unix_ns) {
  const std::string key = step_key(step_id);
  Span* step = find(key);
  if (name == "step_start") {
    if (step) return add_event(*step, name, Json::object(), unix_ns);
    Span& begun = begin(key, "step " + step_id, find(kExecute) ? id_of(kExecute) : run_.span_id, unix_ns);
    begun.id = child_span_id(of_steps(), step_id);
    begun.attributes.set("osiris.step.id", step_id);
    begun.attributes.set("osiris.component", fields["driver"]);
    begun.attributes.set("db.system.name", database_of(fields["driver"].as_string()));
    return;
  }
  if (!step) return;
  if (name == "step_complete" || name == "step_failed") {
    step->attributes.set("osiris.rows", fields["rows_processed"]);
    if (name == "step_failed") {
      const std::string& type = error_type(fields);
      step->error = fields["error"].as_string();
      step->attributes.set("error.type", type.empty() ? "_OTHER" : type);
      add_event(*step, "exception", Json::object({{"exception.type", type}, {"exception.message", step->error}}),
                unix_ns);
    }
    return end(key, unix_ns);
  }
  if (name == "step_reused") step->attributes.set("osiris.step.reused_from", fields["run_id"]);
  if (name == "step_retry") step->attributes.set("osiris.step.attempts", fields["attempt"].as_int(1) + 1);
  Json rest = fields;
  rest.erase("step_id");
  add_event(*step, name, rest, unix_ns);
}

RunTrace::Span& RunTrace::begin(const std::string& key, const std::string& name, const std::string& parent_id,
                                int64_t unix_ns) {
  if (open_.size() >= kSpansMax) open_.erase(std::prev(open_.end()));
  Span& span = open_[key];
  span.id = id_of(key);
  span.parent_id = parent_id;
  span.name = name;
  span.start_unix_ns = unix_ns;
  return span;
}

RunTrace::Span* RunTrace::find(const std::string& key) {
  const auto found = open_.find(key);
  return found == open_.end() ? nullptr : &found->second;
}

void RunTrace::end(const std::string& key, int64_t unix_ns) {
  const auto found = open_.find(key);
  if (found == open_.end()) return;
  if (run_.is_sampled) ended_(to_otlp(found->second, unix_ns));
  open_.erase(found);
}

// With everything in it that is still open, the innermost first.
void RunTrace::end_adapter(int64_t unix_ns) {
  std::vector<std::string> keys;
  for (const auto& [key, span] : open_)
    if (key != kRun && key != kAdapter) keys.push_back(key);
  std::reverse(keys.begin(), keys.end());
  for (const std::string& key : keys) {
    if (Span* span = find(key); span->error.empty()) span->error = "the end was not told of";
    end(key, unix_ns);
  }
  end(kAdapter, unix_ns);
}

void RunTrace::finish(int64_t unix_ns) {
  const std::lock_guard lock(mutex_);
  if (is_finished_) return;
  end_adapter(unix_ns);
  end(kRun, unix_ns);
  is_finished_ = true;
}

void RunTrace::add_event(Span& span, std::string_view name, const Json& fields, int64_t unix_ns) {
  if (span.events.size() >= kEventsMax) {
    ++span.events_left_out;
    return;
  }
  span.events.push_back(Json::object(
      {{"timeUnixNano", otlp_number(unix_ns)}, {"name", valid_utf8(name)}, {"attributes", otlp_attributes(fields)}}));
}

Json RunTrace::to_otlp(const Span& span, int64_t end_unix_ns) const {
  // Another machine's clock may be ahead of this one's.
  const int64_t end = std::max(end_unix_ns, span.start_unix_ns);
  Json out = Json::object({{"traceId", run_.trace_id}, {"spanId", span.id}});
  if (!span.parent_id.empty()) out.set("parentSpanId", span.parent_id);
  if (!tracestate_.empty()) out.set("traceState", tracestate_);
  out.set("name", valid_utf8(span.name));
  out.set("kind", kKindInternal);
  out.set("startTimeUnixNano", otlp_number(span.start_unix_ns));
  out.set("endTimeUnixNano", otlp_number(end));
  out.set("attributes", otlp_attributes(span.attributes));
  if (span.events.size() > 0) out.set("events", span.events);
  if (span.events_left_out > 0) out.set("droppedEventsCount", span.events_left_out);
  if (!span.error.empty())
    out.set("status", Json::object({{"message", otlp_value(span.error)["stringValue"]}, {"code", kStatusError}}));
  out.set("flags", int64_t{run_.is_sampled ? 1 : 0});
  return out;
}

}  // namespace osiris
