#include "host/pages/session_steps.h"

#include "protocol/base/file.h"

namespace osiris {
namespace {

// Comparable as text: "2025-11-23T05:42:53.123456", whatever stands behind it.
std::string_view comparable(std::string_view time) { return time.substr(0, 26); }

}  // namespace

void SessionStepsReader::event(const Json& event) {
  const std::string& name = event["event"].as_string();
  if (name == "adapter_selected") result_.adapter = event["adapter"].as_string();
  const std::string& id = event["step_id"].as_string();
  if (id.empty()) return;
  if (name == "step_start") {
    SessionStep& step = of(id).step;
    if (step.started.empty()) step.started = event["ts"].as_string();
    step.ended.clear();
    step.status = "running";
    step.failed_shards.clear();
    step.driver = event["driver"].as_string();
  } else if (name == "step_complete") {
    end(event, "complete");
    if (const Json& rows = event["rows_processed"]; rows.is_int()) of(id).step.rows = rows.as_uint();
  } else if (name == "step_failed" || name == "step_error") {
    end(event, event["error_type"].as_string() == "cancelled" ? "cancelled" : "failed");
    SessionStep& step = of(id).step;
    step.error = event["error"].as_string();
    step.category = event["category"].as_string();
    step.hint = event["hint"].as_string();
  } else if (name == "step_skipped") {
    end(event, "skipped");
    of(id).step.cause = event["cause"].as_string();
  } else if (name == "step_reused") {
    of(id).step.reused_run_id = event["run_id"].as_string();
  } else if (name == "shard_failed") {
    const Json& value = event["value"];
    of(id).step.failed_shards.push_back(
        {event["shard"].dump() + " (" + (value.is_string() ? value.as_string() : value.dump()) + ")",
         event["error"].as_string()});
  } else if (name == "shards_restarted") {
    of(id).step.failed_shards.clear();
  } else if (name == "step_retry") {
    ++of(id).step.attempts;
  }
}

void SessionStepsReader::metric(const Json& metric) {
  for (size_t i = 0; i < kRowMetrics.size(); ++i) {
    if (metric["metric"].as_string() != kRowMetrics[i] || !metric["value"].is_number()) continue;
    if (Observed* step = step_of(metric)) step->rows[i] = static_cast<uint64_t>(metric["value"].as_double());
  }
}

SessionSteps SessionStepsReader::result() && {
  for (Observed& step : steps_) {
    for (const auto& rows : step.rows)
      if (!step.step.rows) step.step.rows = rows;
    result_.steps.push_back(std::move(step.step));
  }
  return std::move(result_);
}

SessionStepsReader::Observed& SessionStepsReader::of(const std::string& id) {
  const auto [place, is_new] = places_.try_emplace(id, steps_.size());
  if (is_new) steps_.emplace_back().step.id = id;
  return steps_[place->second];
}

void SessionStepsReader::end(const Json& event, const char* status) {
  SessionStep& step = of(event["step_id"].as_string()).step;
  step.ended = event["ts"].as_string();
  step.status = status;
  if (const Json& seconds = event["duration"]; seconds.is_number())
    step.duration_s = seconds.as_double();
  else if (const Json& ms = event["duration_ms"]; ms.is_number())
    step.duration_s = ms.as_double() / 1e3;
}

SessionStepsReader::Observed* SessionStepsReader::step_of(const Json& metric) {
  const Json& named = metric["step_id"].is_string() ? metric["step_id"] : metric["tags"]["step"];
  if (named.is_string()) return &of(named.as_string());
  const std::string_view when = comparable(metric["ts"].as_string());
  Observed* only = nullptr;
  for (Observed& step : steps_) {
    if (step.step.started.empty() || when < comparable(step.step.started) ||
        (!step.step.ended.empty() && when > comparable(step.step.ended)))
      continue;
    if (only) return nullptr;
    only = &step;
  }
  return only;
}

Result<SessionSteps> read_session_steps(const std::filesystem::path& session) {
  SessionStepsReader reader;
  OSIRIS_TRY(for_each_line(session / "events.jsonl", [&](std::string_view line) {
    if (const auto event = parse_json(line); event.ok()) reader.event(*event);
  }));
  const Status counted = for_each_line(session / "metrics.jsonl", [&](std::string_view line) {
    if (const auto metric = parse_json(line); metric.ok()) reader.metric(*metric);
  });
  if (!counted.ok() && counted.error().code != Code::kNotFound) return counted.error();
  return std::move(reader).result();
}

Json to_json(const std::vector<SessionStep>& steps) {
  Json out = Json::array();
  for (const SessionStep& step : steps) {
    Json entry = Json::object({{"step_id", step.id},
                               {"status", step.status},
                               {"rows", step.rows ? Json(*step.rows) : Json()},
                               {"duration_s", step.duration_s ? Json(*step.duration_s) : Json()}});
    if (!step.reused_run_id.empty()) entry.set("reused_from", step.reused_run_id);
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace osiris
