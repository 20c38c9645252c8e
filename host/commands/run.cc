// osiris run: compile or load, then hand it to an adapter and watch.
#include "host/commands/clean.h"
#include "host/commands/commands.h"
#include "host/commands/dry_run.h"
#include "host/commands/interruptible.h"
#include "host/commands/parameters.h"
#include "host/commands/report.h"
#include "host/commands/run_annotations.h"
#include "host/commands/run_options.h"
#include "host/commands/run_outlets.h"
#include "host/commands/run_output.h"
#include "host/commands/run_repeat.h"
#include "host/commands/standalone_adapter.h"
#include "host/compiler/sql_place.h"
#include "host/display/display.h"
#include "host/display/format.h"
#include "host/run/early_run.h"
#include "host/run/junit.h"
#include "host/run/masking.h"
#include "host/run/pipeline_run.h"
#include "host/run/plan_check.h"
#include "host/run/reused_steps.h"
#include "host/run/run_cost.h"
#include "host/run/worker_binary.h"
#include "protocol/base/file_lock.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

// Everything a run is made of before anything happens.
struct PreparedRun {
  Workspace workspace;
  CompileResult compiled;
  FlagValues flags;
  ResolvedOptions options;
  AdapterInputs inputs;
  StartTime started;
  double compile_seconds = 0;
  std::filesystem::path file;
};

class RunCommand {
 public:
  RunCommand(const CommandContext& context, const AdapterFlags& adapters, const RunOptions& options)
      : context_(context), adapters_(adapters), options_(options) {}

  int run() {
    prepared_.started = StartTime::now(system_clock());
    if (const Status status = read_options(); !status.ok()) return usage(status.error());
    if (!adapters_.adapter().ok()) return fail_adapter(context_, adapters_.adapter().error());
    if (const auto exit = compile()) return *exit;
    if (const Status status = plan(); !status.ok()) return usage(status.error());
    if (options_.dry_run) return dry_run();
    const int exit = execute();
    if (ended_) outlets_.run_ended(*ended_, prepared_.compiled.pipeline->hooks);
    return exit;
  }

 private:
  const std::filesystem::path& work_dir() const { return context_.place.directory; }
  int usage(const Error& error) { return fail(context_, error, Json::object({{"phase", "usage"}})); }

  Status read_options() {
    OSIRIS_ASSIGN(params_, parse_parameters(options_.params));
    OSIRIS_ASSIGN(reports_, report_files(options_.reports));
    OSIRIS_TRY(check_destinations(context_, options_, reports_));
    if (!options_.timeout.empty()) {
      OSIRIS_ASSIGN(timeout_s_, duration_of_flag("--timeout", options_.timeout));
    }
    if (!options_.memory_limit.empty()) {
      OSIRIS_ASSIGN(memory_limit_bytes_, memory_limit_bytes(options_.memory_limit));
    }
    OSIRIS_ASSIGN(prepared_.workspace, load_workspace(context_));
    if (!options_.dry_run) OSIRIS_TRY(outlets_.open(prepared_.workspace.project, prepared_.started.unix_ns));
    OSIRIS_ASSIGN(prepared_.file, pipeline_file(context_, prepared_.workspace.project, options_));
    return {};
  }

  // The exit code if the pipeline is wrong.
  std::optional<int> compile() {
    PipelineFile file = read_pipeline_file(prepared_.file);
    if (!options_.dry_run && file.diagnostics.ok()) begin_early_run(file);
    const bool manifest = file.is_manifest();
    Json files = Json::array();
    for (const auto& dotenv : context_.dotenv_files) files.push_back(dotenv.string());
    log_.event("env_loaded", Json::object({{"files", std::move(files)}}));
    Json params = Json::object();
    for (const auto& [name, value] : params_) params.set(name, value);
    log_.event("run_start", Json::object({{"pipeline", prepared_.file.string()},
                                          {"file_type", manifest ? "manifest" : "oml"},
                                          {"profile", options_.profile},
                                          {"params", std::move(params)},
                                          {"output_dir", options_.out},
                                          {"last_compile", options_.last_compile}}));
    log_.event("compile_start", Json::object({{"pipeline", prepared_.file.string()}}));
    CompileOptions compile;
    compile.file = prepared_.file;
    compile.profile = options_.profile;
    compile.params = params_;
    compile.connections = ConnectionCheck::kResolves;
    compile.allow_hidden = options_.allow_mock;
    compile.require_drivers = true;
    compile.work_dir = work_dir();
    prepared_.compiled = compile_or_load(std::move(file), compile, prepared_.workspace.inputs(context_));
    print_diagnostics(context_, prepared_.compiled.diagnostics);
    if (!prepared_.compiled.ok()) return compile_failed();
    if (!options_.dry_run && !manifest) {
      if (const Status written = write_build(*prepared_.compiled.pipeline, prepared_.workspace.project); !written.ok())
        return fail(context_, of_own_files(written.error()), Json::object({{"phase", "compile"}}));
    }
    prepared_.compile_seconds = prepared_.started.seconds_until_now(system_clock());
    log_.event("compile_complete",
               Json::object({{"message", "Compilation successful: " + prepared_.compiled.pipeline->manifest_short},
                             {"manifest_hash", prepared_.compiled.pipeline->manifest_hash},
                             {"duration", prepared_.compile_seconds}}));
    log_.metric("compilation_duration", prepared_.compile_seconds, Json::object({{"unit", "seconds"}}));
    return std::nullopt;
  }

  // Where it is still to be found out what has to run, that may be nothing.
  void begin_early_run(const PipelineFile& file) {
    worker_ = find_worker(context_.executable_directory, context_.process_environment,
                          prepared_.workspace.project.cache_dir());
    if (worker_->ok() && !options_.repeat.asks()) begin_early(*adapters_.adapter(), (*worker_)->path, work_dir(), file);
  }

  int compile_failed() {
    const Diagnostics& diagnostics = prepared_.compiled.diagnostics;
    Error error = diagnostics.to_error();
    Json errors = findings_json(diagnostics.errors());
    for (const Diagnostic& finding : diagnostics.errors())
      log_.log(LogLevel::kError, "osiris.compile", finding.to_text());
    log_.event("compile_error", Json::object({{"error", error.message}, {"errors", errors}}));
    if (options_.dry_run)
      return fail_compile(diagnostics, Json::object({{"phase", "compile"}, {"errors", std::move(errors)}}));
    const auto report = record_failed_compile(prepared_.workspace.project, prepared_.file,
                                              prepared_.workspace.project.profile_or_default(options_.profile),
                                              adapters_.id(), error, prepared_.started, log_, masking_, system_clock());
    Json extra = Json::object({{"phase", "compile"}, {"errors", std::move(errors)}});
    if (const Status written = write_reports(
            context_, reports_,
            {junit_document(prepared_.file.string(), diagnostics, masking_), masked(diagnostics.errors(), masking_)});
        !written.ok())
      print_warning(context_, written.error().message);
    if (report.ok()) {
      extra.set("session_id", report->run_id);
      extra.set("session_dir", report->session_dir.string());
    } else {
      print_warning(context_, "the failed run could not be recorded: " + report.error().message);
    }
    const int code = fail_compile(diagnostics, extra);
    if (report.ok()) {
      write_page_if_asked(context_, prepared_.workspace.project, report->run_id);
      keep_to_max_bytes(context_, prepared_.workspace.project, report->run_id);
    }
    if (report.ok()) print_session(context_, report->session_dir);
    if (report.ok()) outlets_.run_ended(*report, {});
    return code;
  }

  // People have just read the findings; programs get the first one as the message.
  int fail_compile(const Diagnostics& findings, const Json& extra) {
    if (context_.json) return fail(context_, findings.to_error(), extra);
    return fail(context_, does_not_compile(prepared_.file.string(), findings));
  }

  Status plan() {
    const LoadedAdapter& adapter = *adapters_.adapter();
    OSIRIS_ASSIGN(prepared_.flags, effective_flags(adapter, options_));
    OSIRIS_ASSIGN(prepared_.options,
                  resolve_adapter_options(context_, prepared_.workspace.project, adapter, prepared_.flags));
    OSIRIS_ASSIGN(timeout_s_, run_timeout_s(prepared_.options, timeout_s_));
    AdapterInputOptions options;
    options.work_dir = work_dir();
    options.env_names = prepared_.options.env_names();
    OSIRIS_ASSIGN(prepared_.inputs,
                  make_adapter_inputs(*prepared_.compiled.pipeline, prepared_.workspace.inputs(context_), options));
    return {};
  }

  // The line of the pipeline file that a step's SQL failed at.
  void show_sql_place(const StepState& failed) const {
    if (failed.detail[kSqlOffset].is_null()) return;
    for (const CompiledStep& step : prepared_.compiled.pipeline->steps) {
      if (step.id != failed.plan.id) continue;
      Diagnostics place(prepared_.file.string());
      const std::string& text = prepared_.compiled.diagnostics.text();
      place.set_text(text);
      place.error("sql_error", "the SQL of step '" + step.id + "' failed here", "",
                  place_of_sql_error(step, text, failed.detail));
      const Diagnostic& here = place.errors().front();
      print_err(context_, printable(here.to_text() + "\n" + here.excerpt(mask_shapes), true));
    }
  }

  // What the engine says of the SQL; an exit code when it cannot run.
  std::optional<int> check_sql() {
    const auto worker = locate_worker(context_.executable_directory, context_.process_environment);
    if (!worker.ok()) return std::nullopt;
    Diagnostics findings(prepared_.file.string());
    findings.set_text(prepared_.compiled.diagnostics.text());
    check_plan({*prepared_.compiled.pipeline, prepared_.workspace.inputs(context_), work_dir(), *worker}, findings);
    print_diagnostics(context_, findings);
    if (findings.ok()) return std::nullopt;
    return fail_compile(findings, Json::object({{"phase", "compile"}, {"errors", findings_json(findings.errors())}}));
  }

  int dry_run() {
    const CompiledPipeline& pipeline = *prepared_.compiled.pipeline;
    if (const auto state = give_state(prepared_.workspace.project, pipeline, prepared_.inputs, false); !state.ok())
      return fail(context_, state.error(), Json::object({{"phase", "validate"}}));
    if (const auto exit = check_sql()) return *exit;
    if (options_.repeat.asks())
      if (const Status decided = decide_kept(); !decided.ok()) return usage(decided.error());
    const LoadedAdapter& adapter = *adapters_.adapter();
    std::vector<std::string> secrets;
    for (const SecretSpec& secret : secret_specs(*adapter.type)) secrets.push_back(secret.name);
    auto explanation = explain(adapter);
    if (!explanation.ok()) return fail(context_, explanation.error(), Json::object({{"phase", "validate"}}));
    return show_dry_run(context_, {*prepared_.compiled.pipeline, prepared_.inputs, std::string(adapter.id()),
                                   std::move(secrets), prepared_.options, work_dir(), *std::move(explanation)});
  }

  // Of this pipeline's earlier runs; nothing where the index cannot be read.
  Json history_of(const LoadedAdapter& adapter) const {
    const auto records = RunIndex(prepared_.workspace.project.index_dir()).read();
    const CompiledPipeline& pipeline = *prepared_.compiled.pipeline;
    return run_history(records.ok() ? *records : std::vector<RunRecord>(), pipeline.id, pipeline.profile, adapter.id());
  }

  // What the adapter itself says of the run, and whether it would refuse it.
  Result<Explanation> explain(const LoadedAdapter& adapter) {
    if (!has_explanation(*adapter.type) || runs_nothing(prepared_.inputs.plan)) return Explanation();
    OSIRIS_ASSIGN(const auto session, StandaloneAdapter::open(context_, adapter, prepared_.options));
    // No other settings: an owner id would be made for them, and a dry run leaves nothing behind.
    const Json settings = Json::object({{"history", history_of(adapter)}});
    AdapterRequest request = request_for(prepared_.inputs, "dry-run", settings, work_dir(), WorkerBinary());
    request.compiled_dir = prepared_.compiled.pipeline->compiled_dir;
    request.session_dir = prepared_.workspace.project.sessions_dir() / request.run_id;
    OSIRIS_TRY(session->instance().validate(request));
    return ask_explanation(session->instance(), request, prepared_.options);
  }

  // For --verbose: what this run is made of, and where each part of it is.
  std::string circumstances(const Result<WorkerBinary>& worker) const {
    const LoadedAdapter& adapter = *adapters_.adapter();
    const Project& project = prepared_.workspace.project;
    std::string text = "  Project:  " + (project.is_project() ? project.directory().string() : "none") +
                       "\n  Build:    " + prepared_.compiled.pipeline->compiled_dir.string() +
                       "\n  Adapter:  " + std::string(adapter.id()) + " " + std::string(adapter.version()) + "  (" +
                       adapter.library.string() + ")\n";
    if (worker.ok()) text += "  Worker:   " + worker->path.string() + "  (sha256 " + worker->sha256 + ")\n";
    for (const std::filesystem::path& file : context_.dotenv_files) text += "  Variables from " + file.string() + "\n";
    for (const ResolvedOption& option : prepared_.options.options)
      if (option.source != OptionSource::kDefault)
        text += "  Option " + option.spec.flag + ": " + join(shown_values(option), ", ") + "  (from " +
                source_text(option) + ")\n";
    return printable(text, true);
  }

  // What need not run again; the plan says it from here on.
  Status decide_kept() {
    OSIRIS_ASSIGN(kept_, decide_kept_run(context_, prepared_.workspace, *prepared_.compiled.pipeline, prepared_.inputs,
                                         options_.repeat));
    if (!kept_) return {};
    kept_->apply(prepared_.inputs.plan);
    if (const Repeat& repeat = kept_->repeat();
        options_.repeat.resumes || repeat.count(StepFate::kRuns) < repeat.steps.size())
      log_.event("run_resumed", repeat_document(*kept_));
    return {};
  }

  // Held until the process ends.
  Status take_lock() {
    if (!options_.exclusive) return {};
    const std::string& slug = prepared_.compiled.pipeline->file_slug;
    const std::filesystem::path locks = prepared_.workspace.project.index_dir() / "locks";
    OSIRIS_TRY(make_directories(locks));
    OSIRIS_ASSIGN(auto lock, FileLock::try_take(locks / (slug + ".lock")));
    if (!lock)
      return Error(Code::kUnavailable, "another exclusive run of '" + slug + "' is going on",
                   "wait for its end; osiris runs list --status running shows it");
    lock_ = *std::move(lock);
    return {};
  }

  int execute() {
    if (const Status taken = take_lock(); !taken.ok())
      return fail(context_, of_own_files(taken.error()), Json::object({{"phase", "execute"}}));
    const Project& project = prepared_.workspace.project;
    auto state = give_state(project, *prepared_.compiled.pipeline, prepared_.inputs, true);
    if (!state.ok()) return fail(context_, state.error(), Json::object({{"phase", "execute"}}));
    if (const Status decided = decide_kept(); !decided.ok())
      return fail(context_, decided.error(), Json::object({{"phase", "execute"}}));
    const Result<WorkerBinary>& worker = *worker_;
    const UserState user_state(context_.environment);
    StepTally tally(system_clock());
    PipelineRun pipeline_run(log_, masking_, tally, system_clock());
    const int64_t deadline_monotonic_ns = deadline_after(prepared_.started.monotonic_ns, timeout_s_);
    auto interrupts = begin_interruptible(
        context_,
        {[&](StopReason reason) { pipeline_run.stop(reason); }, [&] { return pipeline_run.unreleased_text(); }},
        deadline_monotonic_ns);
    if (!interrupts.ok()) return fail(context_, interrupts.error());

    outlets_.start();
    Json settings = worker_settings(context_, options_, prepared_.workspace.registry, memory_limit_bytes_, user_state);
    outlets_.tell_worker(settings);
    print_news(context_, "Compiling OML... ✓\n");
    if (context_.verbose) print_news(context_, circumstances(worker));
    if (kept_) print_news(context_, repeat_text(*kept_, options_.repeat.resumes));
    print_news(context_, "Executing pipeline...\n");
    const DisplayMode mode = context_.json || context_.quiet ? DisplayMode::kNone
                             : context_.out.interactive      ? DisplayMode::kLive
                                                             : DisplayMode::kPlain;
    Display display(mode, context_.out, tally);
    pipeline_run.say = [&](const std::string& line, bool important) {
      if (important || context_.verbose)
        display.line(printable(excerpt(masking_.text(line), "the session's osiris.log has all")));
    };
    auto report = pipeline_run.run(RunInputs{
        {project, prepared_.workspace.connections, context_.environment, *adapters_.adapter(), prepared_.options,
         user_state, worker.ok() ? *worker : WorkerBinary(), work_dir(), std::move(settings)},
        *prepared_.compiled.pipeline,
        prepared_.inputs,
        worker.ok() ? std::nullopt : std::optional(worker.error()),
        prepared_.started,
        deadline_monotonic_ns,
        prepared_.compile_seconds,
        context_.verbose,
        kept_.get(),
        *state ? &**state : nullptr});
    display.finish();
    if (!report.ok()) return fail(context_, of_own_files(report.error()), Json::object({{"phase", "execute"}}));
    return end(*std::move(report), tally);
  }

  // What follows a run that was recorded: its copies, its reports, what the user reads.
  int end(RunReport report, const StepTally& tally) {
    std::optional<Error> not_copied;
    if (!options_.out.empty()) {
      if (const Status copied = copy_out(report, context_.cwd / options_.out); !copied.ok())
        not_copied = copied.error();
    }
    if (not_copied && report.verdict.ok) {
      report.verdict = {false, exit_code_for(*not_copied), "execution_failed"};
      report.error = not_copied->within("the pipeline ran, but --out failed");
    }
    const std::vector<Diagnostic> findings =
        findings_of_run(report, *prepared_.compiled.pipeline, prepared_.file, masking_);
    const Status written = write_reports(context_, reports_, {junit_document(report, masking_), findings});
    if (!written.ok() && report.verdict.ok) {
      report.verdict = {false, exit_code_for(written.error()), "execution_failed"};
      report.error = Error(written.error()).within("the pipeline ran, but --report failed");
    }
    print_annotations(context_, findings);
    write_page_if_asked(context_, prepared_.workspace.project, report.run_id);
    keep_to_max_bytes(context_, prepared_.workspace.project, report.run_id);
    if (const auto failed = tally.first_failure()) show_sql_place(*failed);
    print_report(context_, report, masking_,
                 options_.out.empty() || not_copied ? "" : "Artifacts copied to: " + options_.out + "/");
    ended_ = std::move(report);
    return to_int(ended_->verdict.exit_code);
  }

  const CommandContext& context_;
  const AdapterFlags& adapters_;
  const RunOptions& options_;
  std::map<std::string, std::string> params_;
  std::vector<ReportFile> reports_;
  FileLock lock_;
  std::unique_ptr<KeptRun> kept_;
  std::optional<Result<WorkerBinary>> worker_;
  double timeout_s_ = 0;
  uint64_t memory_limit_bytes_ = 0;
  PreparedRun prepared_;
  Masking masking_;
  RunLog log_{system_clock(), masking_};
  RunOutlets outlets_{context_, log_, masking_};
  // A run that was recorded. What is to follow it waits until signals and the deadline are nothing of its any more.
  std::optional<RunReport> ended_;
};

int run(const CommandContext& context, const AdapterFlags& adapters, const RunOptions& options) {
  return RunCommand(context, adapters, options).run();
}

}  // namespace

void add_run_command(const CommandTable& table) {
  table.add_with_adapter<RunOptions>(
      "run", "Run a pipeline",
      {"osiris run pipeline.yaml", "osiris run pipeline.yaml --param day=2026-11-28 --dry-run",
       "osiris run pipeline.yaml --adapter local --timeout 15m"},
      add_run_options, run);
}

}  // namespace osiris
