// osiris state: what incremental steps go on from, shown, set and reset. A pipeline is named by its file or by its
// name.
#include "host/commands/state.h"

#include <system_error>

#include "host/commands/commands.h"
#include "host/compiler/manifest.h"
#include "host/display/format.h"
#include "host/run/pipeline_state.h"
#include "protocol/base/file.h"
#include "protocol/base/utf8.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr size_t kShownBytes = 160;

struct Options {
  std::string pipeline, step, value, profile;
  bool all = false;
};

void add_pipeline(CLI::App& command, Options& options, bool required) {
  auto* pipeline = command.add_option("pipeline", options.pipeline, "pipeline file, or a pipeline's name");
  pipeline->type_name("PIPELINE");
  if (required) pipeline->required();
  command.add_option("-p,--profile", options.profile, "profile")->type_name("NAME");
}

void add_show_options(CLI::App& command, Options& options) { add_pipeline(command, options, false); }

void add_set_options(CLI::App& command, Options& options) {
  add_pipeline(command, options, true);
  command.add_option("step", options.step, "step")->required()->type_name("STEP");
  command
      .add_option("value", options.value, "value that the next run reads from on, or a whole state as a JSON object")
      ->required()
      ->type_name("VALUE");
}

void add_reset_options(CLI::App& command, Options& options) {
  add_pipeline(command, options, true);
  command.add_option("step", options.step, "only this step")->type_name("STEP");
  command.add_flag("--all", options.all, "all steps of the pipeline");
}

// A pipeline as its file names it, and the file's steps with their components.
struct NamedPipeline {
  std::string id;
  std::map<std::string, std::string> components;
};

Result<NamedPipeline> named_pipeline(const CommandContext& context, const std::string& word) {
  const fs::path file = context.cwd / word;
  std::error_code code;
  if (!fs::is_regular_file(file, code)) {
    if (word.ends_with(".yaml") || word.ends_with(".yml"))
      return Error(Code::kNotFound, "Pipeline file not found: " + word);
    return NamedPipeline{pipeline_id_of(word), {}};
  }
  const PipelineFile read = read_pipeline_file(file);
  if (!read.diagnostics.ok()) return read.diagnostics.to_error();
  NamedPipeline named;
  const YamlNode* name = read.root.find("name");
  const YamlNode* pipeline = read.is_manifest() ? read.root.find("pipeline") : nullptr;
  if (pipeline && pipeline->find("id"))
    named.id = pipeline->find("id")->text();
  else if (name)
    named.id = pipeline_id_of(name->text());
  if (named.id.empty()) return Error(Code::kInvalidArgument, word + " has no name", "a pipeline file has a `name:`");
  if (const YamlNode* steps = read.root.find("steps"))
    for (const YamlNode& step : steps->items)
      if (const YamlNode *id = step.find("id"), *component = step.find("component"); id && component)
        named.components[id->text()] = component->text();
  return named;
}

Json document(const PipelineState& state) {
  Json steps = Json::object();
  for (const auto& [id, record] : state.steps())
    steps.set(id, Json::object({{"component", record.component},
                                {"state", record.state},
                                {"run_id", record.run_id},
                                {"committed_at", record.committed_at}}));
  return Json::object({{"pipeline", state.pipeline()},
                       {"profile", state.profile()},
                       {"path", state.file().string()},
                       {"steps", std::move(steps)}});
}

// The state files that the options name; of all pipelines where they name none.
Result<std::vector<PipelineState>> states(const CommandContext& context, const Project& project,
                                          const Options& options) {
  std::vector<PipelineState> found;
  if (!options.pipeline.empty()) {
    OSIRIS_ASSIGN(const NamedPipeline named, named_pipeline(context, options.pipeline));
    OSIRIS_ASSIGN(PipelineState state,
                  PipelineState::read(project, named.id, project.profile_or_default(options.profile)));
    found.push_back(std::move(state));
    return found;
  }
  for (const fs::path& file : state_files(project)) {
    OSIRIS_ASSIGN(const std::string text, read_file(file));
    const auto json = parse_json(text);
    if (!json.ok()) return json.error().within(file.string());
    const std::string& profile = (*json)["profile"].as_string();
    if (!options.profile.empty() && profile != options.profile) continue;
    OSIRIS_ASSIGN(PipelineState state, PipelineState::read(project, (*json)["pipeline"].as_string(), profile));
    found.push_back(std::move(state));
  }
  return found;
}

int show(const CommandContext& context, const Options& options) {
  const auto project = load_project(context);
  if (!project.ok()) return fail(context, project.error());
  const auto found = states(context, *project, options);
  if (!found.ok()) return fail(context, found.error());
  if (context.json) {
    Json out = Json::array();
    for (const PipelineState& state : *found) out.push_back(document(state));
    print_json(context, options.pipeline.empty() ? out : out.items().front());
    return to_int(ExitCode::kOk);
  }
  Table table({{"Pipeline"}, {"Profile"}, {"Step"}, {"Goes on from"}, {"Kept"}, {"Run ID"}});
  for (const PipelineState& state : *found)
    for (const auto& [id, record] : state.steps())
      table.row({printable(state.pipeline()), printable(state.profile()), printable(id),
                 printable(state_text(record.state)), printable(record.committed_at.substr(0, 19)),
                 printable(record.run_id)});
  print_text(context, table.empty() ? "No state is kept.\n" : table.text());
  return to_int(ExitCode::kOk);
}

int changed(const CommandContext& context, const PipelineState& state, const std::string& news) {
  if (context.json)
    print_json(context, document(state));
  else
    print_news(context, news);
  return to_int(ExitCode::kOk);
}

// `change` gives what to tell the user, once it is kept.
template <class Change>
int with_state(const CommandContext& context, const Options& options, Change change) {
  const bool forgets_all = options.all;
  const auto project = load_project(context);
  if (!project.ok()) return fail(context, project.error());
  const auto named = named_pipeline(context, options.pipeline);
  if (!named.ok()) return fail(context, named.error());
  const std::string profile = project->profile_or_default(options.profile);
  auto state = forgets_all ? PipelineState::hold_damaged(*project, named->id, profile)
                           : PipelineState::hold(*project, named->id, profile);
  if (!state.ok()) return fail(context, state.error());
  const Result<std::string> news = change(*named, *state);
  if (!news.ok()) return fail(context, news.error());
  if (const Status kept = state->commit(); !kept.ok()) return fail(context, kept.error());
  return changed(context, *state, *news);
}

int set(const CommandContext& context, const Options& options) {
  return with_state(context, options, [&](const NamedPipeline& named, PipelineState& state) -> Result<std::string> {
    const auto kept = state.steps().find(options.step);
    const auto written = named.components.find(options.step);
    if (kept == state.steps().end() && written == named.components.end())
      return Error(Code::kNotFound, "there is no step '" + options.step + "' in " + options.pipeline,
                   named.components.empty() ? "name the pipeline by its file: then its steps are known" : "");
    const auto json = parse_json(options.value);
    const bool is_whole = json.ok() && json->is_object();
    state.set(options.step, written != named.components.end() ? written->second : kept->second.component,
              is_whole ? *json : Json::object({{"value", options.value}}), "");
    return "Step " + printable(options.step) + " goes on from " +
           printable(state_text(state.steps().at(options.step).state)) + "\n";
  });
}

int reset(const CommandContext& context, const Options& options) {
  if (options.step.empty() != options.all)
    return fail(context, Error(Code::kInvalidArgument, "name a step, or say --all",
                               "osiris state reset " + options.pipeline + " --all"));
  return with_state(context, options, [&](const NamedPipeline&, PipelineState& state) -> Result<std::string> {
    std::vector<std::string> steps;
    for (const auto& [id, record] : state.steps())
      if (options.all || id == options.step) steps.push_back(id);
    if (steps.empty() && !options.all)
      return Error(Code::kNotFound, "no state of a step '" + options.step + "' is kept", "osiris state show");
    for (const std::string& id : steps) state.forget(id);
    if (!state.damage().empty())
      return "Every step will begin anew; what was there is kept as " + printable(state.file().string()) + ".damaged\n";
    return counted(steps.size(), "step") + " will begin anew\n";
  });
}

}  // namespace

std::string state_text(const Json& state) {
  const Json& value = state["value"];
  if (value.is_string() || value.is_number()) {
    const size_t taken = state["taken"].size();
    return state["column"].as_string_or("value") + " >= " + (value.is_string() ? value.as_string() : value.dump()) +
           (taken == 0 ? "" : ", " + counted(taken, "row") + " of that value taken");
  }
  const std::string text = state.dump();
  return text.size() <= kShownBytes ? text : valid_utf8(text.substr(0, kShownBytes)) + "…";
}

void add_state_commands(const CommandTable& table) {
  CLI::App* state = table.app.add_subcommand("state", "What incremental steps go on from");
  state->require_subcommand(1);
  table.add<Options>("show", "Show what is kept, of one pipeline or of all",
                     {"osiris state show", "osiris state show pipeline.yaml"}, add_show_options, show, state);
  table.add<Options>("set", "Let a step go on from a value", {"osiris state set pipeline.yaml read-orders 2025-01-31"},
                     add_set_options, set, state);
  table.add<Options>("reset", "Forget what is kept: the next run reads from the beginning",
                     {"osiris state reset pipeline.yaml read-orders", "osiris state reset pipeline.yaml --all"},
                     add_reset_options, reset, state);
}

}  // namespace osiris
