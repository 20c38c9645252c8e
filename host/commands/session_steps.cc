#include "host/commands/session_steps.h"

#include <array>

#include "protocol/base/file.h"

namespace osiris {
namespace {

// The most telling first.
constexpr std::array kRowMetrics = {"rows_written", "rows_out", "rows_processed", "rows_read"};

struct Observed {
  SessionStep step;
  std::string started, ended;  // time stamps; ended empty: not yet
  std::array<std::optional<uint64_t>, kRowMetrics.size()> rows;
};

// Comparable as text: "2025-11-23T05:42:53.123456", whatever stands behind it.
std::string time_of(const Json& record) { return record["ts"].as_string().substr(0, 26); }

class Reader {
 public:
  void event(const Json& event) {
    const std::string& name = event["event"].as_string();
    if (name == "adapter_selected") result_.adapter = event["adapter"].as_string();
    const std::string& id = event["step_id"].as_string();
    if (id.empty()) return;
    if (name == "step_start") {
      Observed& step = of(id);
      step.started = time_of(event);
      step.ended.clear();
      step.step.status = "running";
    } else if (name == "step_complete") {
      end(event, "complete");
      if (const Json& rows = event["rows_processed"]; rows.is_int()) of(id).step.rows = rows.as_uint();
    } else if (name == "step_failed" || name == "step_error") {
      end(event, event["error_type"].as_string() == "cancelled" ? "cancelled" : "failed");
      of(id).step.error = event["error"].as_string();
    } else if (name == "step_skipped") {
      end(event, "skipped");
    }
  }

  void metric(const Json& metric) {
    for (size_t i = 0; i < kRowMetrics.size(); ++i) {
      if (metric["metric"].as_string() != kRowMetrics[i] || !metric["value"].is_number()) continue;
      if (Observed* step = step_of(metric)) step->rows[i] = static_cast<uint64_t>(metric["value"].as_double());
    }
  }

  SessionSteps result() && {
    for (Observed& step : steps_) {
      for (const auto& rows : step.rows)
        if (!step.step.rows) step.step.rows = rows;
      result_.steps.push_back(std::move(step.step));
    }
    return std::move(result_);
  }

 private:
  Observed& of(const std::string& id) {
    for (Observed& known : steps_)
      if (known.step.id == id) return known;
    steps_.emplace_back().step.id = id;
    return steps_.back();
  }

  void end(const Json& event, const char* status) {
    Observed& step = of(event["step_id"].as_string());
    step.ended = time_of(event);
    step.step.status = status;
    if (const Json& seconds = event["duration"]; seconds.is_number())
      step.step.duration_s = seconds.as_double();
    else if (const Json& ms = event["duration_ms"]; ms.is_number())
      step.step.duration_s = ms.as_double() / 1e3;
  }

  Observed* step_of(const Json& metric) {
    const Json& named = metric["step_id"].is_string() ? metric["step_id"] : metric["tags"]["step"];
    if (named.is_string()) return &of(named.as_string());
    const std::string when = time_of(metric);
    Observed* only = nullptr;
    for (Observed& step : steps_) {
      if (step.started.empty() || when < step.started || (!step.ended.empty() && when > step.ended)) continue;
      if (only) return nullptr;
      only = &step;
    }
    return only;
  }

  std::vector<Observed> steps_;
  SessionSteps result_;
};

}  // namespace

Result<SessionSteps> read_session_steps(const std::filesystem::path& session) {
  Reader reader;
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
  for (const SessionStep& step : steps)
    out.push_back(Json::object({{"step_id", step.id},
                                {"status", step.status},
                                {"rows", step.rows ? Json(*step.rows) : Json()},
                                {"duration_s", step.duration_s ? Json(*step.duration_s) : Json()}}));
  return out;
}

}  // namespace osiris
