// osiris why: would a step run again, and because of what.
#include "host/commands/commands.h"
#include "host/commands/parameters.h"
#include "host/commands/run_options.h"
#include "host/commands/run_repeat.h"
#include "host/commands/standalone_adapter.h"
#include "host/display/format.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

struct Options {
  std::string step, run;
  RunOptions of_run;
  FlagValues adapter_flags;
};

void add_options(CLI::App& command, Options& options) {
  command.add_option("step", options.step, "step")->required()->type_name("STEP");
  command.add_option("file", options.of_run.file, "OML file or compiled manifest (default: what was compiled last)")
      ->type_name("FILE");
  command.add_option("--run", options.run, "compared with this run (default: the newest of the pipeline)")
      ->type_name("RUN");
  command.add_option("-p,--profile", options.of_run.profile, "profile to run with")->type_name("NAME");
  command.add_option("--param", options.of_run.params, "parameter of the pipeline, repeatable")
      ->type_name("K=V")
      ->allow_extra_args(false);
  command.add_flag("--allow-mock", options.of_run.allow_mock)->group("");
}

std::string_view fate_name(StepFate fate) {
  return fate == StepFate::kRuns ? "runs" : fate == StepFate::kTaken ? "taken" : "done";
}

std::string text(const StepDecision& step, const RunKeys* base) {
  const std::string head = step.fate == StepFate::kRuns ? " would run again" : " would not run again";
  std::string out = "Step " + printable(step.id) + head + (base ? " after " + printable(base->run_id) : "") + ": " +
                    printable(step.reason) + "\n";
  if (step.entry)
    out += "Kept: " + counted(step.entry->rows_out, "row") + ", " + format_bytes(step.entry->size_bytes) + ", " +
           printable(step.entry->file.string()) + "\n";
  return out;
}

Json document(const StepDecision& step, const RunKeys* base) {
  Json parts = Json::object();
  for (const auto& [name, value] : step.parts) parts.members().emplace_back(name, value);
  return Json::object({{"status", "success"},
                       {"step", step.id},
                       {"would", fate_name(step.fate)},
                       {"reason", step.reason},
                       {"run_id", base ? Json(base->run_id) : Json()},
                       {"key", step.key},
                       {"parts", std::move(parts)},
                       {"kept", step.entry ? Json::object({{"path", step.entry->file.string()},
                                                           {"size_bytes", step.entry->size_bytes},
                                                           {"rows", step.entry->rows_out},
                                                           {"run_id", step.entry->run_id}})
                                           : Json()}});
}

// Also of steps before it: why a step runs often stands there.
int show(const CommandContext& context, const KeptRun& kept, const std::string& id) {
  const StepDecision* step = kept.repeat().find(id);
  if (!step) {
    std::vector<std::string> ids;
    for (const StepDecision& each : kept.repeat().steps) ids.push_back(each.id);
    return fail(context,
                Error(Code::kNotFound, "the pipeline has no step '" + id + "'", "its steps: " + join(ids, ", ")));
  }
  if (context.json) {
    print_json(context, document(*step, kept.base()));
    return to_int(ExitCode::kOk);
  }
  print_text(context, text(*step, kept.base()));
  for (const auto& [name, source] : step->sources)
    if (const StepDecision* before = kept.repeat().find(source); before && before->fate == StepFate::kRuns)
      print_text(context, "  step " + printable(source) + ": " + printable(before->reason) + "\n");
  return to_int(ExitCode::kOk);
}

int run(const CommandContext& context, const AdapterFlags& adapters, const Options& options) {
  if (!adapters.adapter().ok()) return fail_adapter(context, adapters.adapter().error());
  const auto workspace = load_workspace(context);
  if (!workspace.ok()) return fail(context, workspace.error());
  RunOptions of_run = options.of_run;
  of_run.last_compile = of_run.file.empty();
  const auto file = pipeline_file(context, workspace->project, of_run);
  if (!file.ok()) return fail(context, file.error());
  const auto params = parse_parameters(of_run.params);
  if (!params.ok()) return fail(context, params.error());
  CompileOptions compile;
  compile.file = *file;
  compile.profile = of_run.profile;
  compile.params = *params;
  compile.connections = ConnectionCheck::kResolves;
  compile.work_dir = context.place.directory;
  compile.allow_hidden = of_run.allow_mock;
  const CompileResult compiled = compile_or_load(compile, workspace->inputs(context));
  print_diagnostics(context, compiled.diagnostics);
  if (!compiled.ok()) return fail(context, does_not_compile(file->string(), compiled.diagnostics));
  const auto adapter_options =
      resolve_adapter_options(context, workspace->project, *adapters.adapter(), options.adapter_flags);
  if (!adapter_options.ok()) return fail(context, adapter_options.error());
  AdapterInputOptions wanted;
  wanted.work_dir = context.place.directory;
  wanted.env_names = adapter_options->env_names();
  const auto inputs = make_adapter_inputs(*compiled.pipeline, workspace->inputs(context), wanted);
  if (!inputs.ok()) return fail(context, inputs.error());
  RepeatOptions repeat;
  repeat.resumes = true;
  repeat.run = options.run;
  const auto kept = decide_kept_run(context, *workspace, *compiled.pipeline, *inputs, repeat);
  if (!kept.ok()) return fail(context, kept.error());
  for (const std::string& warning : (*kept)->take_warnings()) print_warning(context, warning);
  return show(context, **kept, options.step);
}

}  // namespace

void add_why_command(const CommandTable& table) {
  table.add_with_adapter<Options>("why", "Explain why a step would run again, or would not",
                                  {"osiris why load pipeline.yaml", "osiris why load --run orders/12"}, add_options,
                                  run);
}

}  // namespace osiris
