#include "host/telemetry/run_telemetry.h"

#include "host/telemetry/otlp.h"
#include "protocol/base/clock.h"

namespace osiris {
namespace {

// OpenTelemetry's numbers of severities.
int severity_number(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return 5;
    case LogLevel::kInfo:
      return 9;
    case LogLevel::kWarning:
      return 13;
    case LogLevel::kError:
      return 17;
  }
  return 9;
}

LogLevel level_of_event(const std::string& name) {
  if (name.ends_with("_error") || name.ends_with("_failed") || name == "error") return LogLevel::kError;
  if (name == "step_retry" || name == "step_skipped" || name == "adapter_misbehaving") return LogLevel::kWarning;
  return LogLevel::kInfo;
}

Json log_record(const WrittenRecord& record, const TraceContext& context) {
  const bool is_event = record.kind == WrittenRecord::Kind::kEvent;
  const LogLevel level = is_event ? level_of_event(record.name) : record.level;
  Json attributes = Json::object();
  if (!is_event) attributes.set("osiris.logger", record.name);
  for (const auto& [key, value] : record.fields.members())
    attributes.set(key == "step_id" ? "osiris.step.id" : "osiris." + key, value);
  Json body = record.value;
  if (is_event)
    for (const char* key : {"message", "error"})
      if (body.is_null() && record.fields[key].is_string()) body = record.fields[key];
  Json out = Json::object({{"timeUnixNano", otlp_number(record.time_unix_ns)},
                           {"observedTimeUnixNano", otlp_number(record.time_unix_ns)},
                           {"severityNumber", severity_number(level)},
                           {"severityText", level_name(level)}});
  out.set("body", otlp_value(body.is_null() ? Json(record.name) : body));
  out.set("attributes", otlp_attributes(attributes));
  if (is_event) out.set("eventName", otlp_value("osiris." + record.name)["stringValue"]);
  out.set("traceId", context.trace_id);
  out.set("spanId", context.span_id);
  out.set("flags", int64_t{context.is_sampled ? 1 : 0});
  return out;
}

TraceContext parent_of(const TelemetrySettings& settings) {
  if (settings.parent) return *settings.parent;
  TraceContext own = new_trace();
  own.span_id.clear();
  return own;
}

}  // namespace

RunTelemetry::RunTelemetry(TelemetrySettings settings, const std::string& version, int64_t started_unix_ns)
    : tracestate_(settings.tracestate),
      metrics_(std::make_shared<RunMetrics>(started_unix_ns)),
      exporter_(settings, version, [metrics = metrics_] { return metrics->to_otlp(system_clock().unix_ns()); }),
      trace_(parent_of(settings), tracestate_, started_unix_ns,
             [this](Json span) { exporter_.add(Signal::kTraces, std::move(span)); }) {}

void RunTelemetry::on_record(const WrittenRecord& record) {
  trace_.on_record(record);
  metrics_->on_record(record);
  if (record.kind == WrittenRecord::Kind::kMetric) return;
  if (record.kind == WrittenRecord::Kind::kLog && record.level == LogLevel::kDebug) return;
  exporter_.add(Signal::kLogs, log_record(record, trace_.of_record(record)));
}

void RunTelemetry::tell_worker(Json& settings) const {
  settings.set("traceparent", trace_.of_steps().text());
  if (!tracestate_.empty()) settings.set("tracestate", tracestate_);
}

std::string RunTelemetry::finish(int64_t unix_ns) {
  trace_.finish(unix_ns);
  const Exporter::Outcome outcome = exporter_.finish();
  if (outcome.error.empty() && outcome.left_out == 0) return {};
  std::string text = "telemetry was not sent whole";
  if (outcome.left_out > 0) text += " (" + std::to_string(outcome.left_out) + " records left out)";
  return text + ": " +
         (outcome.error.empty() ? "the collector was slower than the run, and records do not wait" : outcome.error);
}

}  // namespace osiris
