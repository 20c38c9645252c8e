#include "host/inspection/recorded_run.h"

#include <algorithm>

#include "host/run/recorded_output.h"
#include "host/yaml/node.h"
#include "protocol/base/file.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

// Of the adapters alone: how they got a worker and gave it back.
constexpr std::string_view kOfAdapters[] = {
    "worker_started",      "resource_acquired", "resource_released",    "resource_cost",    "sandbox_created",
    "sandbox_killed",      "sandbox_kept",      "package_uploaded",     "template_built",   "sandbox_replaced",
    "artifacts_collected", "egress_rules",      "dependency_installed", "adapter_selected", "service_selected"};
constexpr std::string_view kOfOneRun[] = {"ts",       "session",        "session_id",        "session_dir",
                                          "run_id",   "duration",       "duration_ms",       "duration_seconds",
                                          "end_time", "total_duration", "adapter_execution", "pid",
                                          "source"};

template <size_t N>
bool is_one_of(const std::string_view (&names)[N], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

Json without_what_is_of_one_run(const Json& value) {
  if (!value.is_object()) return value;
  Json kept = Json::object();
  for (const auto& [key, member] : value.members())
    if (!is_one_of(kOfOneRun, key)) kept.set(key, without_what_is_of_one_run(member));
  return kept;
}

Status read_events(const fs::path& file, RecordedEvents& events) {
  const Status read = for_each_line(file, [&](std::string_view line) {
    const auto event = parse_json(line);
    if (!event.ok() || is_one_of(kOfAdapters, (*event)["event"].as_string())) return;
    const std::string text = without_what_is_of_one_run(*event).dump_canonical();
    const std::string& step = (*event)["step_id"].as_string();
    (step.empty() ? events.run : events.steps[step]).push_back(text);
  });
  std::sort(events.run.begin(), events.run.end());
  return read;
}

}  // namespace

std::vector<RecordedStep> read_recorded_plan(const fs::path& session) {
  std::vector<RecordedStep> steps;
  if (std::error_code code; !fs::is_regular_file(session / "manifest.yaml", code)) return steps;
  Diagnostics unread;
  const Json manifest = parse_yaml_file((session / "manifest.yaml").string(), unread).to_json();
  for (const Json& entry : manifest["steps"].items()) {
    RecordedStep step{entry["id"].as_string(), entry["component"].as_string(), {}, {}};
    for (const Json& need : entry["needs"].items()) step.needs.push_back(need.as_string());
    const auto text = read_file(session / "cfg" / (step.id + ".json"));
    if (auto config = text.ok() ? parse_json(*text) : Result<Json>(text.error()); config.ok())
      step.config = *std::move(config);
    steps.push_back(std::move(step));
  }
  return steps;
}

Result<RecordedRun> read_recorded_run(const RunRecord& record) {
  const fs::path session = record.run_logs_path;
  if (std::error_code code; !fs::is_directory(session, code))
    return Error(Code::kNotFound, "the session of " + record.run_id + " is not there any more: " + session.string(),
                 "osiris clean removes old ones; osiris logs list shows what is there");
  RecordedRun run;
  run.record = record;
  run.plan = read_recorded_plan(session);
  OSIRIS_ASSIGN(SessionSteps steps, read_session_steps(session));
  run.steps = std::move(steps.steps);
  run.adapter = steps.adapter;
  OSIRIS_TRY(read_events(session / "events.jsonl", run.events));
  run.outputs = recorded_outputs(session);
  return run;
}

}  // namespace osiris
