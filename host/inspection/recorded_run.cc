#include "host/inspection/recorded_run.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "host/run/recorded_output.h"
#include "host/yaml/node.h"
#include "protocol/base/file.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr const char* kManifest = "manifest.yaml";

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

// A scalar of one line, as PyYAML's emitter writes texts; nullopt: it is written so that a parser has to read it.
std::optional<std::string> text_of_scalar(std::string_view scalar) {
  constexpr size_t kNotFolded = 100;  // the emitter breaks lines after column 120
  if (scalar.empty() || scalar.size() > kNotFolded || scalar.front() == '"') return std::nullopt;
  if (scalar.front() != '\'') return std::string(scalar);
  std::string text;
  for (size_t i = 1; i < scalar.size(); ++i) {
    if (static_cast<unsigned char>(scalar[i]) >= 0x80) return std::nullopt;  // line ends of Unicode are folded
    if (scalar[i] == '\'' && ++i < scalar.size() && scalar[i] != '\'') return std::nullopt;
    if (i == scalar.size()) return text;
    text += scalar[i];
  }
  return std::nullopt;
}

// Of a manifest, line by line. The lines of a step begin with "- " and "  ", and deeper ones belong to a value of it,
// whatever they say: manifests are written by host/compat/pyyaml_emitter.h alone. nullopt: ask the parser.
std::optional<std::vector<RecordedStepName>> names_in(std::string_view manifest) {
  constexpr std::string_view kSteps = "\nsteps:\n", kId = "id: ", kComponent = "component: ";
  const size_t begin = manifest.find(kSteps);
  if (begin == std::string_view::npos) return std::nullopt;
  std::vector<RecordedStepName> names;
  const auto is_whole = [](const RecordedStepName& name) { return !name.id.empty() && !name.component.empty(); };
  for (size_t at = begin + kSteps.size(), end; (end = manifest.find('\n', at)) != std::string_view::npos;
       at = end + 1) {
    std::string_view line = manifest.substr(at, end - at);
    if (line.empty()) continue;  // of a text with several lines
    if (line.starts_with("- "))
      names.emplace_back();
    else if (!line.starts_with("  "))
      break;
    if (names.empty()) return std::nullopt;
    line.remove_prefix(2);
    const bool is_id = line.starts_with(kId);
    if (!is_id && !line.starts_with(kComponent)) continue;
    auto text = text_of_scalar(line.substr(is_id ? kId.size() : kComponent.size()));
    if (!text) return std::nullopt;
    (is_id ? names.back().id : names.back().component) = *std::move(text);
  }
  if (!std::all_of(names.begin(), names.end(), is_whole)) return std::nullopt;
  return names;
}

Json parsed_steps(std::string_view manifest) {
  Diagnostics unread;
  Json document = parse_yaml(manifest, unread).to_json();
  return document["steps"];
}

}  // namespace

std::vector<RecordedStepName> read_recorded_names(const fs::path& session) {
  const auto manifest = read_file(session / kManifest, YamlLimits().bytes_max);
  if (!manifest.ok()) return {};
  if (auto names = names_in(*manifest)) return *std::move(names);
  std::vector<RecordedStepName> names;
  const Json steps = parsed_steps(*manifest);
  for (const Json& step : steps.items()) names.push_back({step["id"].as_string(), step["component"].as_string()});
  return names;
}

std::vector<RecordedStep> read_recorded_plan(const fs::path& session) {
  std::vector<RecordedStep> steps;
  const auto manifest = read_file(session / kManifest, YamlLimits().bytes_max);
  const Json entries = manifest.ok() ? parsed_steps(*manifest) : Json();
  for (const Json& entry : entries.items()) {
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
