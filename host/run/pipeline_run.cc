#include "host/run/pipeline_run.h"

#include "host/run/output_hashes.h"
#include "host/run/output_proof.h"
#include "host/run/reused_steps.h"
#include "host/run/shard_proof.h"
#include "host/run/shard_record.h"
#include "host/run/worker_binary.h"
#include "protocol/base/categories.h"

namespace osiris {
namespace {

std::vector<WatchedStep> watched_steps(const Plan& plan) {
  std::vector<WatchedStep> steps;
  for (const PlanStep& step : plan.steps)
    steps.push_back({step.id, step.driver, std::string(mode_name(step.mode)), step.kept.runs()});
  return steps;
}

SessionOptions session_of(const RunInputs& inputs) {
  const CompiledPipeline& pipeline = inputs.pipeline;
  SessionOptions options;
  options.tokens.pipeline_slug = pipeline.id;
  options.tokens.profile = pipeline.profile;
  options.tokens.manifest_hash = pipeline.manifest_hash;
  options.tokens.manifest_short = pipeline.manifest_short;
  options.pipeline_id = pipeline.id;
  options.adapter = std::string(inputs.means.adapter.id());
  options.build_manifest = pipeline.compiled_dir / "manifest.yaml";
  options.started = inputs.started;
  options.debug = inputs.debug;
  return options;
}

RunReport report_of(const RunInputs& inputs, const Session& session) {
  RunReport report;
  report.run_id = session.run_id();
  report.session_dir = session.directory();
  report.compiled_dir = inputs.pipeline.compiled_dir;
  report.aiop_dir = session.aiop_directory();
  report.pipeline_id = inputs.pipeline.id;
  report.pipeline_name = inputs.pipeline.name;
  report.profile = inputs.pipeline.profile;
  report.manifest_hash = inputs.pipeline.manifest_hash;
  report.manifest_short = inputs.pipeline.manifest_short;
  report.adapter = std::string(inputs.means.adapter.id());
  report.started_at = format_iso8601_micros(inputs.started.unix_ns);
  report.phase = "execute";
  report.options = inputs.means.options.to_json();
  report.compile_seconds = inputs.compile_seconds;
  return report;
}

void log_error(RunLog& log, const RunReport& report) {
  if (!report.error) return;
  const Error& error = *report.error;
  Json fields = Json::object({{"error", error.message}, {"message", error.message}, {"phase", report.phase}});
  if (!error.hint.empty()) fields.set("hint", error.hint);
  // What the adapter knows beside: the class of the error, the request's id, whether it was tried again.
  if (error.detail.is_object()) fields.set("detail", error.detail);
  Json details = Json::object({{"event", "error"},
                               {"error_code", error.category.empty() ? category::kSystemError : error.category},
                               {"category", error.category.substr(0, error.category.find('.'))},
                               {"message", error.message},
                               {"source", report.adapter}});
  for (const StepState& step : report.steps)
    if (step.phase == StepPhase::kFailed && !fields.contains("step_id")) {
      fields.set("step_id", step.plan.id);
      details.set("step_id", step.plan.id);
    }
  if (error.code != Code::kStepFailed) log.event("adapter_execution_error", Json::object({{"error", error.message}}));
  log.event("execution_error_mapped", Json::object({{"error_details", std::move(details)}}));
  log.event("run_error", std::move(fields));
  log.log(LogLevel::kError, "osiris.run", error.message + (error.hint.empty() ? "" : " (" + error.hint + ")"));
}

// The error of a run that no stage called failed.
Error missing_proof(const RunProofs& proofs, const std::string& adapter, const RunLog& log) {
  if (proofs.steps_completed < proofs.steps_total)
    return Error(Code::kInternal, "adapter " + adapter + " reported success, but only " +
                                      std::to_string(proofs.steps_completed) + " of " +
                                      std::to_string(proofs.steps_total) + " steps were seen to complete");
  if (proofs.shards_error) return *proofs.shards_error;
  if (proofs.outputs_error) return *proofs.outputs_error;
  return log.write_error().value_or(Error(Code::kInternal, "the session's events are not complete"));
}

// Everything that is written once the verdict is known. What cannot be written turns a success into a failure.
void close_session(Session& session, RunReport& report, const RunProofs& proofs, RunLog& log, const Masking& masking) {
  log.metric("adapter_execution_duration", report.execute_seconds, Json::object({{"unit", "seconds"}}));
  log.metric("execution_duration", report.execute_seconds, Json::object({{"unit", "seconds"}}));
  log.metric("adapter_exit_code", static_cast<int>(report.verdict.exit_code), Json::object({{"unit", "code"}}));
  log.metric("total_duration", report.total_seconds, Json::object({{"unit", "seconds"}}));
  if (report.verdict.ok)
    log.event("run_complete", Json::object({{"pipeline_id", report.pipeline_id},
                                            {"steps_executed", uint64_t{proofs.steps_completed}},
                                            {"total_duration", report.total_seconds},
                                            {"adapter_execution", report.execute_seconds}}));
  else
    log_error(log, report);
  std::optional<Error> first;
  const auto keep = [&](const Status& status) {
    if (!status.ok() && !first) first = status.error();
  };
  keep(session.write_artifact_index(report.outputs));
  keep(write_summary(report, masking));
  keep(session.write_status(status_document(proofs, report.verdict)));
  if (!report.cost.is_null()) session.set_cost(report.cost);
  keep(session.finish(outcome_name(report.verdict.exit_code), report.verdict.exit_code, report.total_rows));
  if (const auto error = log.write_error()) keep(Status(*error));
  if (!first) return;
  if (report.verdict.ok) {
    report.verdict = {false, exit_code_for(*first, ErrorSource::kService), "missing_events_jsonl"};
    report.error = first->within("the pipeline ran, but its session could not be written");
  } else {
    report.warnings.push_back("the session could not be written completely: " + first->message);
  }
}

// What the steps of a run that ended well are to be given next time. A state that cannot be kept makes the run a failed
// one: its rows are written, and will be read again.
void keep_state(const RunInputs& inputs, RunReport& report, RunLog& log) {
  Json kept = Json::array();
  for (const StepState& step : report.steps) {
    if (!step.state.is_object()) continue;
    for (const PlanStep& planned : inputs.sent.plan.steps) {
      if (planned.id != step.plan.id) continue;
      inputs.state->set(step.plan.id, planned.component, step.state, report.run_id);
      kept.push_back(step.plan.id);
    }
  }
  if (kept.size() == 0) return;
  if (const Status committed = inputs.state->commit(); !committed.ok()) {
    report.verdict = {false, exit_code_for(committed.error(), ErrorSource::kService), "execution_failed"};
    report.error = committed.error().within("the pipeline ran, but its state could not be kept");
    return;
  }
  log.event("state_committed", Json::object({{"steps", std::move(kept)}}));
}

void warn_of_steps(const Plan& plan, RunReport& report) {
  for (const StepState& step : report.steps)
    for (const CheckResult& check : step.checks)
      if (check.warned())
        report.warnings.push_back("step " + step.plan.id + ": check " + check.name + ": " + check.message);
  for (const PlanStep& step : plan.steps)
    if (step.mode == StepMode::kExtract && step.shards && step.shards->is_inconsistent())
      report.warnings.push_back("step " + step.id + ": its parts were read at different moments (consistency: none)");
}

// After the proof: what did not run wrote nothing that could be proved.
void end_kept(KeptRun& kept, RunReport& report) {
  const bool hurries =
      report.error && (report.error->code == Code::kCancelled || report.error->code == Code::kDeadline);
  kept.finish(report.steps, hurries);
  for (Artifact& output : kept.reused_outputs()) report.outputs.push_back(std::move(output));
  for (std::string& warning : kept.take_warnings()) report.warnings.push_back(std::move(warning));
}

// Which adapter runs, down to the bytes of its library.
Json selected_adapter(const LoadedAdapter& adapter, const Project& project, const RunReport& report) {
  const std::string id(adapter.id());
  const auto sha256 = adapter.library.empty()
                          ? Result<std::string>(std::string())
                          : cached_sha256(adapter.library, project.cache_dir() / (id + ".adapter.json"));
  return Json::object({{"adapter", adapter.id()},
                       {"session_id", report.run_id},
                       {"version", adapter.version()},
                       {"sha256", sha256.ok() ? *sha256 : std::string()},
                       {"build", adapter.build},
                       {"options", report.options}});
}

}  // namespace

std::string PipelineRun::unreleased_text() const {
  return describe_unreleased(adapter_run_.resources().unreleased(), adapter_);
}

StagesResult PipelineRun::run_stages(const RunInputs& inputs, Session& session, OutputHashes& hashes) {
  StagesResult result;
  Status recorded = session.materialize(inputs.pipeline);
  if (recorded.ok()) recorded = adapter_run_.shards->write();
  if (!recorded.ok()) {
    result.error = recorded.error();
    result.source = ErrorSource::kService;
    return result;
  }
  if (inputs.cannot_start) {
    result.error = inputs.cannot_start;
    result.source = ErrorSource::kInput;
    return result;
  }
  log_.event("run_start", Json::object({{"pipeline_id", inputs.pipeline.id},
                                        {"profile", inputs.pipeline.profile},
                                        {"manifest_path", "manifest.yaml"}}));
  if (runs_nothing(inputs.sent.plan)) {
    tell_reused_steps(inputs.sent.plan, log_, tally_);
    return result;
  }
  AdapterRequest request =
      request_for(inputs.sent, session.run_id(), inputs.means.settings, inputs.means.work_dir, inputs.means.worker);
  request.compiled_dir = inputs.pipeline.compiled_dir;
  request.session_dir = session.directory();
  request.deadline_monotonic_ns = inputs.deadline_monotonic_ns;
  adapter_run_.say = say;
  adapter_run_.says_events = inputs.debug;
  adapter_run_.hashes = &hashes;
  return adapter_run_.run(inputs.means, std::move(request));
}

Result<RunReport> PipelineRun::run(const RunInputs& inputs) {
  adapter_ = std::string(inputs.means.adapter.id());
  const Status lent = adapter_run_.lend(inputs.sent, inputs.means);
  if (!lent.ok() && !runs_nothing(inputs.sent.plan)) return lent.error();
  OSIRIS_ASSIGN(const std::unique_ptr<Session> session,
                Session::open(inputs.means.project, session_of(inputs), log_, clock_));

  RunReport report = report_of(inputs, *session);
  tally_.plan(watched_steps(inputs.sent.plan));
  // From before anything is asked for: a resource that is being made already belongs to a run that lives.
  auto alive = inputs.means.user_state.begin(report.run_id);
  const bool has_remote = owns_remote_resources(*inputs.means.adapter.type);
  const std::string unregistered = alive.ok()
                                       ? ""
                                       : "this run is not registered (" + alive.error().message +
                                             "): if it dies, `osiris resources reap` leaves what it holds to its lease";
  if (!alive.ok()) log_.log(LogLevel::kWarning, "osiris.run", unregistered);
  log_.event("adapter_selected", selected_adapter(inputs.means.adapter, inputs.means.project, report));
  if (inputs.kept) inputs.kept->begin(report.run_id, report.session_dir);
  OutputHashes hashes(planned_outputs(inputs.sent.plan), clock_);
  ShardRecord shards(inputs.sent.plan, report.session_dir);
  adapter_run_.shards = &shards;
  const StagesResult result = run_stages(inputs, *session, hashes);

  adapter_run_.shards = nullptr;
  report.error = result.error;
  report.steps = tally_.steps();
  report.total_rows = tally_.total_rows();
  report.outputs = result.outputs();
  report.execute_seconds = result.execute_seconds;
  report.total_seconds = inputs.started.seconds_until_now(clock_);
  for (const Json& resource : result.artifacts["released"].items())
    if (resource["kind"].as_string() != "process")  // of this machine: it is gone with the run
      report.released.push_back(resource);
  if (const auto cost = tally_.cost()) report.cost = cost->document;
  report.unreleased = adapter_run_.resources().unreleased();
  report.warnings = adapter_run_.misbehaviours();
  warn_of_steps(inputs.sent.plan, report);
  if (has_remote && !unregistered.empty()) report.warnings.push_back(unregistered);
  const Status shards_kept = shards.finish(report.steps);

  RunProofs proofs;
  proofs.adapter = adapter_;
  proofs.sandbox_id = adapter_run_.resources().first_id(inputs.means.adapter.manifest.resource_kind);
  proofs.session_path = adapter_;
  proofs.error = result.error;
  proofs.error_source = result.source;
  proofs.steps_total = tally_.total();
  proofs.steps_completed = tally_.completed();
  const bool all_completed = !result.error && proofs.steps_completed >= proofs.steps_total;
  if (all_completed)
    if (const Status proved = prove_shards(inputs.sent.plan, report.steps); !proved.ok())
      proofs.shards_error = proved.error().within("adapter " + adapter_);
  if (all_completed)
    if (const Status proved = prove_outputs(hashes.planned(), report.steps, report.outputs, &hashes); !proved.ok())
      proofs.outputs_error = proved.error().within("adapter " + adapter_);
  if (all_completed && !shards_kept.ok() && !proofs.shards_error)
    proofs.shards_error = shards_kept.error().within("shards.json");
  proofs.events_complete = !log_.write_error();
  report.verdict = decide_verdict(proofs);
  if (!report.verdict.ok && !report.error) report.error = missing_proof(proofs, adapter_, log_);
  if (report.verdict.ok && inputs.state) keep_state(inputs, report, log_);
  if (inputs.kept) end_kept(*inputs.kept, report);
  close_session(*session, report, proofs, log_, masking_);
  if (alive.ok() && has_remote && may_hold(adapter_run_.resources(), report.verdict.exit_code, report.error))
    alive->leave();
  return report;
}

Result<RunReport> record_failed_compile(const Project& project, const std::filesystem::path& file,
                                        const std::string& profile, const std::string& adapter, const Error& error,
                                        const StartTime& started, RunLog& log, const Masking& masking,
                                        const Clock& clock) {
  SessionOptions options;
  // A manifest is in build/pipelines/<profile>/<pipeline>/<hash>/.
  const std::filesystem::path named = std::filesystem::absolute(file);
  options.pipeline_id =
      slugify(file.filename() == "manifest.yaml" ? named.parent_path().parent_path().filename().string()
                                                 : file.stem().string());
  if (options.pipeline_id.empty()) options.pipeline_id = "unnamed";
  options.tokens.pipeline_slug = options.pipeline_id;
  options.tokens.profile = profile;
  options.tokens.manifest_short = "compile";
  options.adapter = adapter;
  options.started = started;
  OSIRIS_ASSIGN(const std::unique_ptr<Session> session, Session::open(project, options, log, clock));
  RunReport report;
  report.run_id = session->run_id();
  report.session_dir = session->directory();
  report.aiop_dir = session->aiop_directory();
  report.pipeline_id = options.pipeline_id;
  report.pipeline_name = file.filename().string();
  report.profile = profile;
  report.adapter = adapter;
  report.started_at = format_iso8601_micros(started.unix_ns);
  report.phase = "compile";
  report.error = error;
  report.total_seconds = started.seconds_until_now(clock);
  RunProofs proofs;
  proofs.adapter = adapter;
  proofs.session_path = adapter;
  proofs.error = error;
  report.verdict = decide_verdict(proofs);
  close_session(*session, report, proofs, log, masking);
  return report;
}

}  // namespace osiris
