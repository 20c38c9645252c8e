#include "host/commands/look.h"

#include "host/adapters/discovery.h"
#include "host/commands/interruptible.h"
#include "host/commands/standalone_adapter.h"
#include "host/display/format.h"
#include "host/run/unrecorded_run.h"
#include "protocol/base/file.h"

namespace osiris {
namespace {

constexpr std::string_view kLocal = "local";

// The step that failed first has its own words for it.
void take_failure(const UnrecordedRun& run, LookOutcome& outcome) {
  for (const StepState& step : run.steps()) {
    if (step.phase != StepPhase::kFailed || step.error.empty()) continue;
    outcome.failed_step = step.plan.id;
    outcome.step_error = run.masking().text(step.error);
    if (outcome.error->code == Code::kStepFailed && outcome.error->message.find(step.error) == std::string::npos)
      outcome.error = Error(Code::kStepFailed, "step " + step.plan.id + ": " + step.error, step.hint, step.category);
    break;
  }
  outcome.error->message = run.masking().text(outcome.error->message);
  outcome.error->hint = run.masking().text(outcome.error->hint);
}

Result<StagesResult> run_plan(const LookThrough& through, const AdapterInputs& plan, UnrecordedRun& run) {
  OSIRIS_ASSIGN(const auto interrupts, begin_interruptible(through.context,
                                                           {[&](StopReason reason) { run.stop(reason); },
                                                            [&] { return run.unreleased_text(); }},
                                                           through.deadline_monotonic_ns));
  return run.run(plan, "look", through.deadline_monotonic_ns);
}

}  // namespace

LookOutcome run_look(const LookThrough& through, const AdapterInputs& plan) {
  const CommandContext& context = through.context;
  const Project& project = through.workspace.project;
  LookOutcome outcome;
  const auto worker = find_worker(context.executable_directory, context.process_environment, project.cache_dir());
  if (!worker.ok()) {
    outcome.error = worker.error();
    outcome.source = ErrorSource::kInput;
    return outcome;
  }
  const UserState user_state(context.environment);
  Json settings = adapter_settings(context, through.workspace.registry, user_state);
  if (through.allow_mock) settings.set("allow_mock", Json(true));
  UnrecordedRun run({project, through.workspace.connections, context.environment, through.adapter, through.options,
                     user_state, *worker, context.place.directory, std::move(settings)});
  const auto result = run_plan(through, plan, run);
  if (!result.ok()) {
    outcome.error = of_own_files(result.error());
    return outcome;
  }
  if (const std::string unreleased = run.unreleased_text(); !unreleased.empty())
    print_err(context, printable(unreleased, true));
  for (const std::string& misbehaviour : run.misbehaviours()) print_warning(context, run.masking().text(misbehaviour));
  if (!result->error) return outcome;
  outcome.error = result->error;
  outcome.source = result->source;
  take_failure(run, outcome);
  return outcome;
}

Result<std::unique_ptr<LocalLook>> LocalLook::open(const CommandContext& context) {
  OSIRIS_ASSIGN(Workspace workspace, load_workspace(context));
  OSIRIS_ASSIGN(LoadedAdapter adapter,
                load_adapter_interruptibly(context, kLocal, search_directories(process_search_inputs({}))));
  OSIRIS_ASSIGN(ResolvedOptions options, resolve_adapter_options(context, workspace.project, adapter, {}));
  return std::unique_ptr<LocalLook>(
      new LocalLook(context, std::move(workspace), std::move(adapter), std::move(options)));
}

LookOutcome LocalLook::run(const AdapterInputs& plan, int64_t deadline_monotonic_ns) const {
  return run_look({context_, workspace_, adapter_, options_, deadline_monotonic_ns}, plan);
}

Result<Json> read_answer(const std::filesystem::path& file) {
  OSIRIS_ASSIGN(const std::string text, read_file(file));
  return parse_json(text);
}

}  // namespace osiris
