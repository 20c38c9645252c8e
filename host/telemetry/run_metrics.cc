#include "host/telemetry/run_metrics.h"

#include <array>
#include <cctype>
#include <cmath>
#include <vector>

#include "host/telemetry/otlp.h"

namespace osiris {
namespace {

constexpr size_t kSeriesMax = 5'000;  // a script may name metrics as it likes
constexpr size_t kNameBytesMax = 240;
constexpr int kCumulative = 2;
constexpr std::array kBounds_s = {0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0};

// "osiris.rows_read": letters, digits and "_.-/" are what names of instruments may have.
std::string instrument_name(std::string_view name) {
  std::string out = "osiris.";
  for (const char c : name.substr(0, kNameBytesMax)) {
    const bool is_allowed = std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-' || c == '/';
    out += is_allowed ? c : '_';
  }
  return out;
}

// As UCUM has it.
std::string unit_of(std::string_view unit) {
  static constexpr std::array<std::pair<std::string_view, const char*>, 7> kUnits = {{{"seconds", "s"},
                                                                                      {"bytes", "By"},
                                                                                      {"rows", "{row}"},
                                                                                      {"files", "{file}"},
                                                                                      {"milliseconds", "ms"},
                                                                                      {"code", "1"},
                                                                                      {"ms", "ms"}}};
  for (const auto& [ours, theirs] : kUnits)
    if (unit == ours) return theirs;
  return std::string(unit.substr(0, 60));
}

// Of a metric that tells none: by its name.
std::string unit_of_name(std::string_view name) {
  if (name.starts_with("rows_")) return "{row}";
  for (const auto& [ending, unit] : {std::pair{"_bytes", "bytes"}, {"_ms", "ms"}, {"_seconds", "seconds"}})
    if (name.ends_with(ending)) return unit_of(unit);
  return {};
}

// An increment of a counter, which only grows.
void add(Json& total, const Json& increment) {
  if (increment.as_double() < 0) return;
  int64_t sum = 0;
  const bool is_whole = (total.is_null() || total.is_int()) && increment.is_int() &&
                        !__builtin_add_overflow(total.as_int(), increment.as_int(), &sum);
  total = is_whole ? Json(sum) : Json(total.as_double() + increment.as_double());
}

Json histogram_point(double value) {
  Json counts = Json::array(), bounds = Json::array();
  bool is_counted = false;
  for (const double bound : kBounds_s) {
    counts.push_back(!is_counted && value <= bound ? "1" : "0");
    is_counted |= value <= bound;
    bounds.push_back(bound);
  }
  counts.push_back(is_counted ? "0" : "1");
  return Json::object({{"count", "1"}, {"sum", value}, {"bucketCounts", counts}, {"explicitBounds", bounds}});
}

}  // namespace

RunMetrics::Series* RunMetrics::series(const std::string& name, const std::string& step_id) {
  const std::pair key(instrument_name(name), step_id);
  const auto found = series_.find(key);
  if (found != series_.end()) return &found->second;
  if (series_.size() >= kSeriesMax) return nullptr;
  Series& added = series_[key];
  if (!step_id.empty()) added.attributes.set("osiris.step.id", step_id);
  if (const auto component = components_.find(step_id); component != components_.end())
    added.attributes.set("osiris.component", component->second);
  return &added;
}

void RunMetrics::on_record(const WrittenRecord& record) {
  const std::lock_guard lock(mutex_);
  if (record.kind == WrittenRecord::Kind::kEvent) return on_event(record.name, record.fields);
  if (record.kind != WrittenRecord::Kind::kMetric || !record.value.is_number() ||
      !std::isfinite(record.value.as_double()))
    return;
  Series* const found = series(record.name, record.fields["step_id"].as_string());
  if (!found) return;
  const std::string& unit = record.fields["unit"].as_string();
  found->unit = unit.empty() ? unit_of_name(record.name) : unit_of(unit);
  found->is_counter = record.fields["kind"].as_string() == "counter";
  if (found->is_counter)
    add(found->value, record.value);
  else
    found->value = record.value;
}

void RunMetrics::on_event(const std::string& name, const Json& fields) {
  const std::string& step_id = fields["step_id"].as_string();
  const auto duration = [&](const char* what, const std::string& step, double seconds, const Json& outcome) {
    Series* const found = series(what, step);
    if (!found) return;
    found->unit = unit_of("seconds");
    found->is_histogram = true;
    found->value = seconds;
    found->attributes.set("osiris.outcome", outcome);
  };
  if (name == "run_start") {
    for (const auto& [key, attribute] : {std::pair{"pipeline_id", "osiris.pipeline.id"}, {"profile", "osiris.profile"}})
      if (const std::string& text = fields[key].as_string(); !text.empty()) run_.set(attribute, text);
  } else if (name == "adapter_selected") {
    run_.set("osiris.adapter", fields["adapter"]);
  } else if (name == "step_start") {
    components_[step_id] = fields["driver"].as_string();
  } else if (name == "step_complete" || name == "step_failed") {
    const double seconds =
        fields["duration_ms"].is_number() ? fields["duration_ms"].as_double() / 1e3 : fields["duration"].as_double();
    duration("step.duration", step_id, seconds, name == "step_complete" ? "success" : "failed");
  } else if (name == "run_end") {
    duration("run.duration", "", fields["duration_seconds"].as_double(), fields["status"]);
  }
}

Json RunMetrics::point(const Series& series, int64_t unix_ns) const {
  Json point = series.is_histogram     ? histogram_point(series.value.as_double())
               : series.value.is_int() ? Json::object({{"asInt", otlp_number(series.value.as_int())}})
                                       : Json::object({{"asDouble", series.value}});
  Json attributes = run_;
  for (const auto& [key, value] : series.attributes.members()) attributes.set(key, value);
  point.set("startTimeUnixNano", otlp_number(started_unix_ns_));
  point.set("timeUnixNano", otlp_number(unix_ns));
  point.set("attributes", otlp_attributes(attributes));
  return point;
}

Json RunMetrics::to_otlp(int64_t unix_ns) const {
  const std::lock_guard lock(mutex_);
  Json metrics = Json::array();
  for (auto at = series_.begin(); at != series_.end();) {
    const auto& [name, first] = std::pair(at->first.first, at->second);
    Json points = Json::array();
    for (; at != series_.end() && at->first.first == name; ++at) points.push_back(point(at->second, unix_ns));
    Json data = Json::object({{"dataPoints", std::move(points)}});
    if (first.is_histogram || first.is_counter) data.set("aggregationTemporality", kCumulative);
    if (first.is_counter) data.set("isMonotonic", true);
    metrics.push_back(Json::object({{"name", name},
                                    {"unit", first.unit},
                                    {first.is_histogram ? "histogram"
                                     : first.is_counter ? "sum"
                                                        : "gauge",
                                     std::move(data)}}));
  }
  return metrics;
}

}  // namespace osiris
