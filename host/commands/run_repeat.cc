#include "host/commands/run_repeat.h"

#include "host/commands/run_records.h"
#include "host/commands/version.h"
#include "host/display/format.h"
#include "host/run/worker_binary.h"

namespace osiris {
namespace {

Status check_words(const RepeatOptions& options) {
  if (!options.only.empty() && (!options.from.empty() || !options.until.empty()))
    return Error(Code::kInvalidArgument, "--only names the one step that runs: it does not go with --from and --until",
                 "leave one of them out");
  if (!options.no_cache) return {};
  for (const auto& [is_given, flag] : {std::pair{options.resumes, "--resume"},
                                       {options.keeps, "--keep-outputs"},
                                       {!options.from.empty(), "--from"},
                                       {!options.only.empty(), "--only"}})
    if (is_given)
      return Error(Code::kInvalidArgument, std::string(flag) + " uses what is kept, and --no-cache forbids it",
                   "leave one of them out");
  return {};
}

}  // namespace

Result<std::unique_ptr<KeptRun>> decide_kept_run(const CommandContext& context, const Workspace& workspace,
                                                 const CompiledPipeline& pipeline, const AdapterInputs& inputs,
                                                 const RepeatOptions& options) {
  OSIRIS_TRY(check_words(options));
  RepeatRequest request;
  request.from = options.from;
  request.until = options.until;
  request.only = options.only;
  request.resumes = options.resumes || !options.from.empty() || !options.only.empty();
  request.uses_cache = !options.no_cache;
  request.keeps = request.uses_cache && (options.keeps || options.resumes || pipeline.keep_outputs);
  std::string base_run_id;
  if (!options.run.empty() && !options.names_file()) {
    OSIRIS_ASSIGN(const RunRecord record, find_run(context, options.run));
    if (record.pipeline_slug != pipeline.id)
      return Error(
          Code::kInvalidArgument,
          "run " + record.run_id + " is of pipeline '" + record.pipeline_slug + "', and not of '" + pipeline.id + "'",
          "osiris runs list --pipeline " + pipeline.id);
    base_run_id = record.run_id;
  }
  const auto worker =
      find_worker(context.executable_directory, context.process_environment, workspace.project.cache_dir());
  const std::string version = std::string(kVersion) + " " + (worker.ok() ? worker->sha256 : std::string());
  return KeptRun::decide({workspace.project, pipeline, workspace.registry, context.environment, version,
                          std::move(request), std::move(base_run_id)},
                         inputs, system_clock());
}

std::string repeat_text(const KeptRun& kept, bool resumes) {
  const Repeat& repeat = kept.repeat();
  const size_t steps = repeat.steps.size() - repeat.count(StepFate::kLeftOut);
  const size_t reused = repeat.count(StepFate::kTaken) + repeat.count(StepFate::kDone);
  if (resumes && !kept.base()) return "No run of this pipeline has left anything to go on from: every step runs\n";
  if (!resumes && reused == 0) return {};
  return (resumes ? "Resuming " + printable(kept.base()->run_id) + ": " : std::string()) + std::to_string(reused) +
         " of " + counted(steps, "step") + " need not run\n";
}

Json repeat_document(const KeptRun& kept) {
  Json runs = Json::array(), taken = Json::array(), done = Json::array(), left_out = Json::array();
  for (const StepDecision& step : kept.repeat().steps)
    (step.fate == StepFate::kRuns    ? runs
     : step.fate == StepFate::kTaken ? taken
     : step.fate == StepFate::kDone  ? done
                                     : left_out)
        .push_back(step.id);
  return Json::object({{"run_id", kept.base() ? Json(kept.base()->run_id) : Json()},
                       {"runs", std::move(runs)},
                       {"taken", std::move(taken)},
                       {"done", std::move(done)},
                       {"left_out", std::move(left_out)}});
}

}  // namespace osiris
