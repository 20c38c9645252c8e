// osiris graph FILE: the steps of a pipeline and who reads whose rows.
#include "host/display/graph.h"
#include "host/commands/commands.h"
#include "host/commands/parameters.h"

namespace osiris {
namespace {

struct Options {
  std::string file, profile, format = "mermaid";
  std::vector<std::string> params;
  bool allow_mock = false;
};

void add_options(CLI::App& command, Options& options) {
  command.add_option("file", options.file, "pipeline")->required()->type_name("FILE");
  command.add_option("--format", options.format, "mermaid (the default), dot or svg")
      ->check(CLI::IsMember({"mermaid", "dot", "svg"}))
      ->type_name("NAME");
  command.add_option("-p,--profile", options.profile, "profile to compile for")->type_name("NAME");
  command.add_option("--param", options.params, "parameter, repeatable")->type_name("K=V")->allow_extra_args(false);
  command.add_flag("--allow-mock", options.allow_mock)->group("");
}

Json as_json(const CompiledPipeline& pipeline) {
  Json steps = Json::array();
  for (const CompiledStep& step : pipeline.steps) {
    Json needs = Json::array();
    for (const std::string& need : step.needs) needs.push_back(need);
    steps.push_back(Json::object(
        {{"id", step.id}, {"component", step.component}, {"mode", step.mode}, {"needs", std::move(needs)}}));
  }
  return Json::object({{"pipeline", pipeline.name}, {"steps", std::move(steps)}});
}

int run(const CommandContext& context, const Options& options) {
  const auto params = parse_parameters(options.params);
  if (!params.ok()) return fail(context, params.error());
  const auto workspace = load_workspace(context);
  if (!workspace.ok()) return fail(context, workspace.error());
  CompileOptions compile;
  compile.file = options.file;
  compile.profile = options.profile;
  compile.params = *params;
  compile.allow_hidden = options.allow_mock;
  compile.work_dir = context.place.directory;
  const CompileResult result = compile_or_load(compile, workspace->inputs(context));
  if (!result.ok()) {
    print_diagnostics(context, result.diagnostics);
    return fail(context, does_not_compile(options.file, result.diagnostics),
                Json::object({{"errors", findings_json(result.diagnostics.errors())}}));
  }
  if (context.json) {
    print_json(context, as_json(*result.pipeline));
    return to_int(ExitCode::kOk);
  }
  std::vector<GraphStep> steps;
  for (const CompiledStep& step : result.pipeline->steps) steps.push_back({step.id, step.component, step.needs});
  print_text(context, options.format == "dot"   ? graph_as_dot(result.pipeline->name, steps)
                      : options.format == "svg" ? graph_as_svg(result.pipeline->name, steps)
                                                : graph_as_mermaid(steps));
  return to_int(ExitCode::kOk);
}

}  // namespace

void add_graph_command(const CommandTable& table) {
  table.add<Options>("graph", "Show which steps read whose rows",
                     {"osiris graph pipeline.yaml", "osiris graph pipeline.yaml --format svg"}, add_options, run);
}

}  // namespace osiris
