#include "host/pages/run_history.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "host/pages/notices.h"
#include "host/run/recorded_output.h"
#include "host/yaml/node.h"
#include "protocol/base/file.h"
#include "protocol/base/rfc3339.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr size_t kNoticesShown = 200;
// Different names of events, metrics and phases: what a run has is a few dozen; a broken adapter may have any number.
constexpr size_t kNamesMax = 500;

// Events that tell nothing that the page shows: most lines of a large record, a script's own above all. They are
// counted without being read.
constexpr std::string_view kOnlyCounted[] = {"script_event",          "cfg_opened",      "artifact_created",
                                             "artifacts_dir_created", "inputs_resolved", "config_meta_stripped",
                                             "cfg_materialized"};

// The text after `key` up to the next quotation mark, in a line as osiris writes it; empty: it has another form.
std::string_view text_after(std::string_view line, std::string_view key) {
  const size_t at = line.find(key);
  if (at == std::string_view::npos) return {};
  line.remove_prefix(at + key.size());
  return line.substr(0, line.find('"'));
}

std::string spaced(std::string text) {
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

// The numbers and words of an event that tell how much was done.
std::string detail_of(const Json& event) {
  std::string text;
  for (const auto& [key, value] : event.members()) {
    if (key == "ts" || key == "session" || key == "event" || key.starts_with("duration")) continue;
    if (!value.is_number() && !value.is_string() && !value.is_bool()) continue;
    text += (text.empty() ? "" : ", ") + spaced(key) + " " + (value.is_string() ? value.as_string() : value.dump());
  }
  return text;
}

class HistoryReader {
 public:
  explicit HistoryReader(RunHistory& history) : history_(history) {}

  // A line of events.jsonl; what is no event is passed over.
  void event_line(std::string_view line) {
    const std::string_view name = text_after(line, "\"event\":\"");
    if (std::count(std::begin(kOnlyCounted), std::end(kOnlyCounted), name)) {
      count(std::string(name), text_after(line, "\"ts\":\""));
    } else if (const auto event = parse_json(line); event.ok()) {
      this->event(*event);
    }
  }

  void event(const Json& event) {
    const std::string& name = event["event"].as_string();
    const double at_s = count(name, event["ts"].as_string());
    steps_.event(event);
    notices_.event(event, at_s);
    if (name == "adapter_selected") {
      history_.adapter_version = event["version"].as_string();
      history_.options = event["options"];
    } else if (name == "step_reused") {
      reused_.insert(event["step_id"].as_string());
    } else if (name == "step_complete") {
      if (reused_.contains(event["step_id"].as_string())) return;  // this run has not done its rows
      history_.rows.push_back({at_s, static_cast<double>(event["rows_processed"].as_uint())});
    } else if (name == "output_written") {
      history_.bytes.push_back({at_s, static_cast<double>(event["size_bytes"].as_uint())});
    } else if (event["step_id"].as_string().empty()) {
      resource(name, event, at_s);
      phase(name, event, at_s);
    }
  }

  void metric(const Json& metric) {
    steps_.metric(metric);
    if (!metric["value"].is_number() || metric.contains("step_id") || metric["tags"].contains("step")) return;
    const std::string& name = metric["metric"].as_string();
    const Sample sample{history_.seconds_at(metric["ts"].as_string()), metric["value"].as_double()};
    if (name == "worker_memory_bytes") history_.memory_bytes.push_back(sample);
    if (name == "worker_spill_bytes") history_.spill_bytes.push_back(sample);
    if (name == "worker_cpu_ms") history_.cpu_ms.push_back(sample);
    if (history_.totals.size() < kNamesMax || history_.totals.count(name)) history_.totals[name] = sample.value;
  }

  void log_line(std::string_view line) { notices_.log_line(line); }

  void finish() {
    SessionSteps steps = std::move(steps_).result();
    history_.steps = std::move(steps.steps);
    history_.adapter = history_.record.runtime_env.empty() ? steps.adapter : history_.record.runtime_env;
    add_up(history_.rows);
    add_up(history_.bytes);
    for (RunPhase& phase : history_.phases)
      if (!phase.has_ended) phase.end_s = history_.length_s;
    std::stable_sort(history_.phases.begin(), history_.phases.end(),
                     [](const RunPhase& a, const RunPhase& b) { return a.start_s < b.start_s; });
    std::tie(history_.notices, history_.notices_left_out) = std::move(notices_).result(kNoticesShown);
  }

 private:
  double count(const std::string& name, std::string_view time) {
    if (history_.began_unix_ns == 0) history_.began_unix_ns = parse_rfc3339(time).value_or(0);
    const double at_s = history_.seconds_at(time);
    history_.length_s = std::max(history_.length_s, at_s);
    if (history_.event_counts.size() < kNamesMax || history_.event_counts.count(name)) ++history_.event_counts[name];
    return at_s;
  }

  // Single amounts as their sum so far. A record's lines are not in the order of their times: steps run side by side.
  static void add_up(std::vector<Sample>& amounts) {
    std::stable_sort(amounts.begin(), amounts.end(), [](const Sample& a, const Sample& b) { return a.at_s < b.at_s; });
    for (size_t i = 1; i < amounts.size(); ++i) amounts[i].value += amounts[i - 1].value;
  }

  void resource(const std::string& name, const Json& event, double at_s) {
    if (name == "resource_acquired") {
      history_.resources.push_back({event["kind"].as_string(), event["id"].as_string(), event["expires"].as_string(),
                                    event["cleanup"].as_string(), at_s, std::nullopt, false, false});
    } else if (name == "resource_released") {
      for (HeldResource& held : history_.resources)
        if (held.id == event["id"].as_string() && held.kind == event["kind"].as_string()) {
          held.released_s = at_s;
          held.is_verified = event["verified"].as_bool();
        }
    }
  }

  // "x_start" and "x_complete" are the two ends of one phase; an event with a duration is a whole one, at its end.
  void phase(const std::string& name, const Json& event, double at_s) {
    if (history_.phases.size() >= kNamesMax) return;
    if (name.ends_with("_start") && name != "run_start") {
      const std::string what = name.substr(0, name.size() - 6);
      open_[what] = history_.phases.size();
      history_.phases.push_back({spaced(what), at_s, at_s, false, ""});
    } else if (const size_t end = name.rfind('_'); end != std::string::npos && open_.count(name.substr(0, end)) &&
                                                   (name.ends_with("_complete") || name.ends_with("_error"))) {
      RunPhase& phase = history_.phases[open_[name.substr(0, end)]];
      phase.end_s = at_s;
      phase.has_ended = true;
      if (name.ends_with("_error") || event["success"] == Json(false)) phase.detail = "failed";
    } else if (event["duration_ms"].is_number()) {
      history_.phases.push_back(
          {spaced(name), std::max(0.0, at_s - event["duration_ms"].as_double() / 1e3), at_s, true, detail_of(event)});
    }
  }

  RunHistory& history_;
  SessionStepsReader steps_;
  NoticeCollector notices_;
  std::unordered_map<std::string, size_t> open_;
  std::unordered_set<std::string> reused_;
};

// A record that is not there is no error: an interrupted run has fewer.
template <class Visit>
Status each_line_if_there(const fs::path& file, Visit visit) {
  const Status read = for_each_line(file, visit);
  return read.ok() || read.error().code == Code::kNotFound ? Status() : read;
}

Json document_at(const fs::path& file) {
  const auto text = read_file(file);
  if (!text.ok()) return {};
  auto document = parse_json(*text);
  return document.ok() ? *std::move(document) : Json();
}

void read_manifest(const fs::path& file, RunHistory& history) {
  if (std::error_code code; !fs::is_regular_file(file, code)) return;
  Diagnostics unread;
  const Json manifest = parse_yaml_file(file.string(), unread).to_json();
  history.title = manifest["name"].as_string();
  std::unordered_map<std::string, bool> known;
  for (const Json& entry : manifest["steps"].items()) {
    GraphStep step{entry["id"].as_string(), entry["component"].as_string(), {}};
    for (const Json& need : entry["needs"].items())
      if (known.count(need.as_string())) step.needs.push_back(need.as_string());
    known[step.id] = true;
    history.graph.push_back(std::move(step));
  }
}

// Steps of the manifest that nothing was heard of are shown too, and all of them in its order.
void order_steps(RunHistory& history) {
  if (history.graph.empty()) return;
  std::unordered_map<std::string, size_t> places;
  for (size_t i = 0; i < history.steps.size(); ++i) places[history.steps[i].id] = i;
  std::vector<SessionStep> ordered;
  for (const GraphStep& planned : history.graph) {
    const auto found = places.find(planned.id);
    if (found == places.end()) {
      SessionStep waiting;
      waiting.id = planned.id;
      waiting.status = "waiting";
      ordered.push_back(std::move(waiting));
    } else {
      ordered.push_back(std::move(history.steps[found->second]));
      places.erase(found);
    }
  }
  for (SessionStep& step : history.steps)
    if (places.count(step.id)) ordered.push_back(std::move(step));
  history.steps = std::move(ordered);
}

void read_released(const Json& summary, RunHistory& history) {
  for (const Json& entry : summary["released"].items())
    for (HeldResource& held : history.resources)
      if (held.id == entry["id"].as_string() && entry["kept"].as_bool()) held.is_kept = true;
}

}  // namespace

double RunHistory::seconds_at(std::string_view time) const {
  const auto unix_ns = parse_rfc3339(time);
  return unix_ns ? std::max(0.0, static_cast<double>(*unix_ns - began_unix_ns) / 1e9) : 0;
}

Result<RunHistory> read_run_history(const RunRecord& record) {
  RunHistory history;
  history.record = record;
  const fs::path session = record.run_logs_path;
  if (std::error_code code; !fs::is_directory(session, code))
    return Error(Code::kNotFound, "the session of " + record.run_id + " is not there any more: " + session.string(),
                 "osiris clean removes old ones; osiris logs list shows what is there");
  HistoryReader reader(history);
  OSIRIS_TRY(each_line_if_there(session / "events.jsonl", [&](std::string_view line) { reader.event_line(line); }));
  OSIRIS_TRY(each_line_if_there(session / "metrics.jsonl", [&](std::string_view line) {
    if (const auto metric = parse_json(line); metric.ok()) reader.metric(*metric);
  }));
  OSIRIS_TRY(each_line_if_there(session / "osiris.log", [&](std::string_view line) { reader.log_line(line); }));
  reader.finish();
  read_manifest(session / "manifest.yaml", history);
  order_steps(history);
  if (history.title.empty()) history.title = record.pipeline_slug;
  history.status = document_at(session / "status.json");
  history.outputs = recorded_outputs(session);
  if (!record.aiop_path.empty()) read_released(document_at(fs::path(record.aiop_path) / "summary.json"), history);
  return history;
}

}  // namespace osiris
