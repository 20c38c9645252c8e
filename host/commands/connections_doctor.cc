#include "host/commands/connections_doctor.h"

#include <algorithm>
#include <mutex>

#include "host/commands/explanation.h"
#include "host/commands/interruptible.h"
#include "host/commands/run_options.h"
#include "host/commands/standalone_adapter.h"
#include "host/compiler/adapter_inputs.h"
#include "host/compiler/connection_check.h"
#include "host/display/format.h"
#include "host/run/unrecorded_run.h"
#include "protocol/base/categories.h"
#include "protocol/base/clock.h"

namespace osiris {
namespace {

constexpr double kCheckTimeout_s = 10;

struct Options {
  std::string family, alias, reference, timeout;
  bool allow_mock = false;
  FlagValues adapter_flags;
};

struct CheckResult {
  std::string status;  // success, failure, skipped
  double latency_ms = 0;
  std::string message, hint, category;     // category: auth, network, permission, timeout, config, unsupported, unknown
  Explanation explanation;                 // what the adapter says of the way to the connection
  std::vector<std::string> warnings = {};  // what is odd about the entry in the file
};

std::string category_of(const std::string& taxonomy, Code code) {
  if (taxonomy == category::kConnectionAuthFailed || code == Code::kUnauthenticated) return "auth";
  if (taxonomy == category::kConnectionTimeout || taxonomy == category::kRuntimeTimeout || code == Code::kDeadline)
    return "timeout";
  if (taxonomy == category::kConnectionFailed || taxonomy == category::kConnectionNotFound ||
      code == Code::kUnavailable)
    return "network";
  if (taxonomy.ends_with("permission_denied")) return "permission";
  if (taxonomy.starts_with("config.") || taxonomy == category::kConnectionInvalidConfig) return "config";
  if (code == Code::kUnsupported) return "unsupported";
  return "unknown";
}

// A pipeline of one step that moves nothing: the worker calls the driver's check instead of running it.
CompiledPipeline check_pipeline(const ComponentSpec& spec, const ConnectionRef& ref) {
  CompiledStep step;
  step.id = "check";
  step.component = spec.name;
  step.driver = spec.driver;
  step.mode = spec.modes.empty() ? "extract" : spec.modes.front();
  step.cfg_path = "cfg/check.json";
  step.cfg = Json::object({{"component", spec.name}, {"connection", ref.text()}, {"mode", step.mode}});
  step.timeout_s = kCheckTimeout_s;
  CompiledPipeline pipeline;
  pipeline.name = pipeline.id = "connections-doctor";
  pipeline.manifest = Json::object({{"name", pipeline.name}});
  pipeline.manifest_hash = std::string(64, '0');
  pipeline.steps.push_back(std::move(step));
  return pipeline;
}

class Doctor {
 public:
  Doctor(const CommandContext& context, const Workspace& workspace, const LoadedAdapter& adapter,
         const ResolvedOptions& options, const WorkerBinary& worker, bool allow_mock)
      : context_(context),
        workspace_(workspace),
        adapter_(adapter),
        options_(options),
        worker_(worker),
        allow_mock_(allow_mock) {}

  // Not after stop().
  CheckResult examine(const ConnectionRef& ref, int64_t deadline_monotonic_ns) {
    const ComponentSpec* spec = component_for(ref.family);
    if (!spec) return {"skipped", 0, "No test available for family " + ref.family, "", "unsupported", {}};
    const Diagnostics entry = check_connection(ref, workspace_.connections, workspace_.registry);
    CheckResult finding = entry.ok() ? checked(*spec, ref, deadline_monotonic_ns) : failure(entry.to_error());
    for (const Diagnostic& warning : entry.warnings())
      if (warning.type != "unresolved_connection") finding.warnings.push_back(warning.to_text());
    return finding;
  }

  // [any thread]
  void stop(StopReason reason) {
    const std::lock_guard lock(mutex_);
    stop_reason_ = reason;
    if (current_) current_->stop(reason);
  }
  std::optional<Error> stopped() const {
    const std::lock_guard lock(mutex_);
    return stop_reason_ == StopReason::kNone ? std::nullopt : std::optional(stopped_error(stop_reason_));
  }
  // [any thread]
  std::string unreleased_text() const {
    const std::lock_guard lock(mutex_);
    return current_ ? current_->unreleased_text() : std::string();
  }
  // None: all is well.
  const std::optional<Error>& first_failure() const { return first_failure_; }

 private:
  CheckResult checked(const ComponentSpec& spec, const ConnectionRef& ref, int64_t deadline_monotonic_ns) {
    auto finding = run_check(spec, ref, deadline_monotonic_ns);
    return finding.ok() ? *std::move(finding) : failure(finding.error());
  }

  const ComponentSpec* component_for(const std::string& family) const {
    for (const ComponentSpec* spec : workspace_.registry.all(allow_mock_))
      if (spec->family() == family && !spec->driver.empty()) return spec;
    return nullptr;
  }

  Result<CheckResult> run_check(const ComponentSpec& spec, const ConnectionRef& ref, int64_t deadline_monotonic_ns) {
    const CompiledPipeline pipeline = check_pipeline(spec, ref);
    AdapterInputOptions plan_options;
    plan_options.work_dir = context_.place.directory;
    plan_options.env_names = options_.env_names();
    OSIRIS_ASSIGN(AdapterInputs inputs, make_adapter_inputs(pipeline, workspace_.inputs(context_), plan_options));
    inputs.plan.steps[0].check = true;

    const UserState user_state(context_.environment);
    Json settings = adapter_settings(context_, workspace_.registry, user_state);
    if (allow_mock_) settings.set("allow_mock", Json(true));
    UnrecordedRun check({workspace_.project, workspace_.connections, context_.environment, adapter_, options_,
                         user_state, worker_, context_.place.directory, std::move(settings)});
    Explanation explanation;
    check.accepted = [&](AdapterInstance& adapter, const AdapterRequest& accepted) {
      if (!has_explanation(*adapter_.type)) return;
      auto asked = ask_explanation(adapter, accepted, options_);
      if (asked.ok()) explanation = *std::move(asked);
    };
    begin(check);
    const auto result = check.run(inputs, "doctor", deadline_monotonic_ns);
    end();
    OSIRIS_TRY(result);
    if (const std::string unreleased = check.unreleased_text(); !unreleased.empty())
      print_err(context_, printable(unreleased, true));
    for (const std::string& misbehaviour : check.misbehaviours())
      print_warning(context_, check.masking().text(misbehaviour));
    CheckResult finding = finding_of(*result, check.steps());
    finding.message = check.masking().text(finding.message);
    finding.hint = check.masking().text(finding.hint);
    finding.explanation = std::move(explanation);
    return finding;
  }

  CheckResult finding_of(const StagesResult& result, const std::vector<StepState>& steps) {
    const double latency_ms = steps.empty() ? 0 : steps[0].duration_s * 1e3;
    if (!result.error)
      return {"success", latency_ms, "Connection works (" + std::string(adapter_.id()) + ")", "", "", {}};
    CheckResult finding = failure(*result.error);
    // What the driver said is nearer to the connection than what the run made of it.
    if (result.stage == "execute" && !steps.empty() && !steps[0].error.empty())
      finding = {"failure",
                 0,
                 steps[0].error,
                 steps[0].hint,
                 category_of(steps[0].category, code_from_name(steps[0].error_type)),
                 {}};
    finding.latency_ms = latency_ms;
    return finding;
  }

  CheckResult failure(const Error& error) {
    if (!first_failure_) first_failure_ = error;
    return {"failure", 0, error.message, error.hint, category_of(error.category, error.code), {}};
  }

  void begin(UnrecordedRun& check) {
    const std::lock_guard lock(mutex_);
    current_ = &check;
    if (stop_reason_ != StopReason::kNone) check.stop(stop_reason_);
  }
  void end() {
    const std::lock_guard lock(mutex_);
    current_ = nullptr;
  }

  const CommandContext& context_;
  const Workspace& workspace_;
  const LoadedAdapter& adapter_;
  const ResolvedOptions& options_;
  const WorkerBinary& worker_;
  const bool allow_mock_;
  std::optional<Error> first_failure_;
  mutable std::mutex mutex_;  // the two below
  UnrecordedRun* current_ = nullptr;
  StopReason stop_reason_ = StopReason::kNone;
};

Result<std::vector<ConnectionRef>> chosen_connections(const Connections& connections, const Options& options) {
  if (!options.reference.empty()) {
    OSIRIS_ASSIGN(const ConnectionRef ref, parse_connection_ref(options.reference));
    OSIRIS_TRY(connections.exists(ref));
    return std::vector<ConnectionRef>{ref};
  }
  std::vector<ConnectionRef> refs;
  for (const std::string& family : connections.families())
    for (const std::string& alias : connections.aliases(family))
      if ((options.family.empty() || options.family == family) && (options.alias.empty() || options.alias == alias))
        refs.push_back({family, alias});
  if (refs.empty() && !(options.family.empty() && options.alias.empty()))
    return Error(Code::kNotFound, "there is no such connection", "osiris connections list shows all");
  return refs;
}

std::string line_of(const ConnectionRef& ref, const CheckResult& finding) {
  const char* icon = finding.status == "success" ? "✓" : finding.status == "skipped" ? "○" : "✗";
  char latency[32];
  std::snprintf(latency, sizeof latency, " (%.1fms)", finding.latency_ms);
  std::string line = std::string(icon) + " " + printable(ref.family) + "." + printable(ref.alias) +
                     (finding.latency_ms > 0 ? latency : "") + ": " +
                     printable(excerpt(finding.message, "--json gives all")) + "\n";
  if (!finding.hint.empty()) line += "   💡 " + printable(excerpt(finding.hint, "--json gives all")) + "\n";
  for (const std::string& fact : finding.explanation.facts) line += "   " + printable(fact) + "\n";
  for (const std::string& warning : finding.warnings) line += "   ⚠️  " + printable(warning) + "\n";
  for (const std::string& warning : finding.explanation.warnings) line += "   ⚠️  " + printable(warning) + "\n";
  return line;
}

Json entry_of(const CheckResult& finding) {
  Json entry =
      Json::object({{"status", finding.status}, {"latency_ms", finding.latency_ms}, {"message", finding.message}});
  if (!finding.category.empty()) entry.set("category", finding.category);
  if (!finding.hint.empty()) entry.set("hint", finding.hint);
  if (!finding.warnings.empty()) {
    Json& warnings = entry.set("warnings", Json::array());
    for (const std::string& warning : finding.warnings) warnings.push_back(Json(warning));
  }
  if (!finding.explanation.document.is_null()) entry.set("explanation", finding.explanation.document);
  return entry;
}

ExitCode exit_code_of(const Doctor& examiner) {
  if (const auto stopped = examiner.stopped()) return exit_code_for(*stopped, ErrorSource::kRun);
  const auto& failure = examiner.first_failure();
  return failure ? exit_code_for(*failure, ErrorSource::kService) : ExitCode::kOk;
}

int doctor(const CommandContext& context, const AdapterFlags& adapters, const Options& options) {
  const int64_t started_ns = system_clock().monotonic_ns();
  if (!adapters.adapter().ok()) return fail_adapter(context, adapters.adapter().error());
  const LoadedAdapter& adapter = *adapters.adapter();
  double timeout_s = 0;
  if (!options.timeout.empty()) {
    const auto parsed = duration_of_flag("--timeout", options.timeout);
    if (!parsed.ok()) return fail(context, parsed.error());
    timeout_s = *parsed;
  }
  RunOptions as_run;  // --timeout means the same to a check
  as_run.timeout = options.timeout;
  as_run.adapter_flags = options.adapter_flags;
  const auto flags = effective_flags(adapter, as_run);
  if (!flags.ok()) return fail(context, flags.error());
  const auto workspace = load_workspace(context);
  if (!workspace.ok()) return fail(context, workspace.error());
  const auto resolved = resolve_adapter_options(context, workspace->project, adapter, *flags);
  if (!resolved.ok()) return fail(context, resolved.error());
  const auto limit_s = run_timeout_s(*resolved, timeout_s);
  if (!limit_s.ok()) return fail(context, limit_s.error());
  const auto worker =
      find_worker(context.executable_directory, context.process_environment, workspace->project.cache_dir());
  if (!worker.ok()) return fail(context, worker.error());
  const auto refs = chosen_connections(workspace->connections, options);
  if (!refs.ok()) return fail(context, refs.error());
  const auto linkage = worker_linkage(worker->path);
  if (!linkage.ok()) return fail(context, linkage.error());
  if (!refs->empty())
    print_text(context, "Worker: " + printable(worker->path.string()) + " (" + linkage->sentence() + ")\n");
  Doctor examiner(context, *workspace, adapter, *resolved, *worker, options.allow_mock);
  const int64_t deadline_ns = deadline_after(started_ns, *limit_s);
  const auto interrupts = begin_interruptible(
      context, {[&](StopReason reason) { examiner.stop(reason); }, [&] { return examiner.unreleased_text(); }},
      deadline_ns);
  if (!interrupts.ok()) return fail(context, interrupts.error());
  Json results = Json::object();
  for (const ConnectionRef& ref : *refs) {
    if (examiner.stopped()) break;
    const CheckResult finding = examiner.examine(ref, deadline_ns);
    print_text(context, line_of(ref, finding));
    if (!results.contains(ref.family)) results.set(ref.family, Json::object());
    results.find(ref.family)->set(ref.alias, entry_of(finding));
  }
  if (context.json)
    print_json(context,
               Json::object({{"adapter", adapters.id()},
                             {"worker", Json::object({{"path", worker->path.string()}, {"linkage", linkage->name()}})},
                             {"results", std::move(results)}}));
  else if (refs->empty())
    print_text(context, "No connections to check.\n");
  return to_int(exit_code_of(examiner));
}

void add_options(CLI::App& command, Options& options) {
  command.add_option("--family", options.family, "only connections of this family")->type_name("NAME");
  command.add_option("--alias", options.alias, "only connections with this alias")->type_name("NAME");
  command.add_option("--connection-id", options.reference, "only this connection")->type_name("@FAMILY.ALIAS");
  command.add_option("--timeout", options.timeout, "stop after this time (90, 15m, 1h30m)")->type_name("DURATION");
  command.add_flag("--allow-mock", options.allow_mock)->group("");
}

}  // namespace

void add_doctor_command(const CommandTable& table, CLI::App& parent) {
  table.add_with_adapter<Options>("doctor", "Check that connections work, from where the adapter runs pipelines",
                                  {"osiris connections doctor"}, add_options, doctor, &parent);
}

}  // namespace osiris
