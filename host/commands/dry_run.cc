#include "host/commands/dry_run.h"

#include <algorithm>
#include <system_error>

#include "host/commands/state.h"
#include "host/display/format.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

Json texts(const std::vector<std::string>& values) {
  Json out = Json::array();
  for (const std::string& value : values) out.push_back(value);
  return out;
}

Json files(const std::vector<PlanFile>& list) {
  Json out = Json::array();
  for (const PlanFile& file : list) {
    out.push_back(Json::object({{"path", file.path}, {"absolute", file.location}}));
    if (file.is_directory) out.items().back().set("directory", true);
  }
  return out;
}

std::vector<std::string> input_names(const PlanStep& step) {
  std::vector<std::string> names;
  for (const PlanInput& input : step.inputs) names.push_back(input.name);
  return names;
}

const std::vector<std::string>& packages_of(const AdapterInputs& inputs, const PlanStep& step) {
  static const std::vector<std::string> none;
  const auto found = inputs.packages.find(step.id);
  return found == inputs.packages.end() ? none : found->second;
}

Json document(const DryRun& dry_run) {
  Json steps = Json::array();
  for (const PlanStep& step : dry_run.inputs.plan.steps) {
    Json out = Json::object({{"step_id", step.id},
                             {"component", step.component},
                             {"driver", step.driver},
                             {"mode", mode_name(step.mode)},
                             {"needs", texts(step.needs)},
                             {"inputs", texts(input_names(step))},
                             {"files_in", files(step.input_files)},
                             {"files_out", files(step.outputs)},
                             {"packages", texts(packages_of(dry_run.inputs, step))},
                             {"hosts", texts(step.hosts)}});
    if (std::find(dry_run.inputs.stateful.begin(), dry_run.inputs.stateful.end(), step.id) !=
        dry_run.inputs.stateful.end())
      out.set("state", step.state);
    if (!step.connection.empty()) out.set("connection", step.connection);
    if (step.timeout_s > 0) out.set("timeout_s", step.timeout_s);
    if (step.attempts_max > 1)
      out.set("retry", Json::object({{"max_attempts", step.attempts_max}, {"delay_s", step.retry_delay_s}}));
    if (step.shards) out.set("shards", to_json(*step.shards));
    steps.push_back(std::move(out));
  }
  Json out = Json::object({{"status", "success"},
                           {"dry_run", Json(true)},
                           {"message", "Nothing was run"},
                           {"pipeline", dry_run.pipeline.name},
                           {"profile", dry_run.pipeline.profile},
                           {"manifest_hash", dry_run.pipeline.manifest_hash},
                           {"execution_type", dry_run.adapter},
                           {"work_dir", dry_run.work_dir.string()},
                           {"steps", std::move(steps)},
                           {"hosts", texts(dry_run.inputs.hosts)},
                           {"secrets", texts(dry_run.inputs.secret_names)},
                           {"adapter_secrets", texts(dry_run.adapter_secrets)},
                           {"options", dry_run.options.to_json()}});
  if (!dry_run.explanation.document.is_null()) out.set("explanation", dry_run.explanation.document);
  return out;
}

std::string file_line(const char* what, const PlanFile& file, bool input) {
  std::string line = std::string("     ") + what + " " + printable(file.path) + "  (" + printable(file.location) + ")";
  std::error_code code;
  const uint64_t size = std::filesystem::file_size(file.location, code);
  if (file.is_directory) return line + (std::filesystem::exists(file.location, code) ? "  will be replaced\n" : "\n");
  if (input)
    line += code ? "  not there" : "  " + format_bytes(size);
  else if (!code)
    line += "  will be replaced";
  return line + "\n";
}

std::string shards_line(const StepShards& shards) {
  const auto& list = shards.list;
  std::string line = "     runs once for each of " + std::to_string(list.size()) + " shards";
  if (!list.empty())
    line += ": " + printable(list.front().text) + (list.size() > 1 ? " to " + printable(list.back().text) : "");
  line += "\n";
  if (shards.goes_on) line += "     where a shard fails, the others come to their end (on_failure: continue)\n";
  if (shards.is_inconsistent() && !shards.per_shard)
    line += "     ⚠️  its parts are read at different moments (consistency: none)\n";
  return line;
}

std::string text(const DryRun& dry_run) {
  const size_t count = dry_run.inputs.plan.steps.size();
  std::string out =
      "Dry run: nothing is executed and nothing is written.\n\nPipeline: " + printable(dry_run.pipeline.name) + "  (" +
      dry_run.pipeline.manifest_short +
      (dry_run.pipeline.profile.empty() ? "" : ", profile " + dry_run.pipeline.profile) +
      ")\nAdapter:  " + printable(dry_run.adapter) + "\n\nSteps (" + std::to_string(count) + "):\n";
  size_t number = 0;
  for (const PlanStep& step : dry_run.inputs.plan.steps) {
    out += "  " + std::to_string(++number) + ". " + printable(step.id) + "  " + printable(step.component) + " (" +
           std::string(mode_name(step.mode)) + ")\n";
    if (!step.inputs.empty()) out += "     reads relation " + printable(join(input_names(step), ", ")) + "\n";
    if (step.shards) out += shards_line(*step.shards);
    for (const PlanFile& file : step.input_files) out += file_line("reads file", file, true);
    for (const PlanFile& file : step.outputs)
      out += file_line(file.is_directory ? "writes directory" : "writes file", file, false);
    const std::vector<std::string>& packages = packages_of(dry_run.inputs, step);
    if (!packages.empty()) out += "     needs packages " + printable(join(packages, ", ")) + "\n";
    if (std::find(dry_run.inputs.stateful.begin(), dry_run.inputs.stateful.end(), step.id) !=
        dry_run.inputs.stateful.end())
      out += step.state.is_null() ? std::string("     has no state: reads from the beginning\n")
                                  : "     goes on from " + printable(state_text(step.state)) + "\n";
    if (!step.connection.empty()) out += "     uses connection " + printable(step.connection) + "\n";
    if (!step.hosts.empty()) out += "     contacts " + printable(join(step.hosts, ", ")) + "\n";
  }
  const auto list = [](const std::vector<std::string>& values) {
    return values.empty() ? std::string("none") : printable(join(values, ", "));
  };
  out += "\nHosts contacted: " + list(dry_run.inputs.hosts) +
         "\nSecrets used, by name: " + list(dry_run.inputs.secret_names) + "\n";
  if (!dry_run.adapter_secrets.empty())
    out += "Secrets the adapter may ask for: " + list(dry_run.adapter_secrets) + "\n";
  for (const std::string& fact : dry_run.explanation.facts) out += printable(fact) + "\n";
  for (const std::string& warning : dry_run.explanation.warnings) out += "⚠️  " + printable(warning) + "\n";
  for (const ResolvedOption& option : dry_run.options.options)
    if (option.source != OptionSource::kDefault)
      out += "Option " + option.spec.flag + ": " + printable(join(shown_values(option), ", ")) + "  (from " +
             printable(source_text(option)) + ")\n";
  return out;
}

}  // namespace

int show_dry_run(const CommandContext& context, const DryRun& dry_run) {
  if (context.json)
    print_json(context, document(dry_run));
  else
    print_text(context, text(dry_run));
  return to_int(ExitCode::kOk);
}

}  // namespace osiris
