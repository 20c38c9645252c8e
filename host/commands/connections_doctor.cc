#include "host/commands/connections_doctor.h"

#include <algorithm>

#include "host/commands/adapter_session.h"
#include "host/commands/explanation.h"
#include "host/compiler/run_plan.h"
#include "host/display/format.h"
#include "host/project/run_index.h"
#include "host/run/worker_binary.h"
#include "protocol/base/categories.h"
#include "protocol/base/clock.h"
#include "protocol/base/file.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

constexpr double kCheckTimeout_s = 10;

struct Options {
  std::string family, alias, reference;
  bool allow_mock = false;
  FlagValues flags;
};

struct Finding {
  std::string status;  // success, failure, skipped
  double latency_ms = 0;
  std::string message, hint, category;  // category: auth, network, permission, timeout, config, unsupported, unknown
  Explanation explanation;              // what the adapter says of the way to the connection
};

std::string category_of(const std::string& taxonomy, Code code) {
  if (taxonomy == category::kConnectionAuthFailed || code == Code::kUnauthenticated) return "auth";
  if (taxonomy == category::kConnectionTimeout || taxonomy == category::kRuntimeTimeout || code == Code::kDeadline) return "timeout";
  if (taxonomy == category::kConnectionFailed || taxonomy == category::kConnectionNotFound || code == Code::kUnavailable) return "network";
  if (taxonomy.ends_with("permission_denied")) return "permission";
  if (taxonomy.starts_with("config.") || taxonomy == category::kConnectionInvalidConfig) return "config";
  if (code == Code::kUnsupported) return "unsupported";
  return "unknown";
}

Finding failure(const Error& error) { return {"failure", 0, error.message, error.hint, category_of(error.category, error.code), {}}; }

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
  Doctor(const CommandContext& context, const Workspace& workspace, const LoadedAdapter& adapter, const ResolvedOptions& options,
         const WorkerBinary& worker, bool allow_mock)
      : context_(context), workspace_(workspace), adapter_(adapter), options_(options), worker_(worker), allow_mock_(allow_mock) {}

  Finding examine(const ConnectionRef& ref) {
    const ComponentSpec* spec = component_for(ref.family);
    if (!spec) return {"skipped", 0, "No test available for family " + ref.family, "", "unsupported", {}};
    auto finding = run_check(*spec, ref);
    return finding.ok() ? *std::move(finding) : failure(finding.error());
  }

 private:
  const ComponentSpec* component_for(const std::string& family) const {
    for (const ComponentSpec* spec : workspace_.registry.all(allow_mock_))
      if (spec->family() == family && !spec->driver.empty()) return spec;
    return nullptr;
  }

  Result<Finding> run_check(const ComponentSpec& spec, const ConnectionRef& ref) {
    const CompiledPipeline pipeline = check_pipeline(spec, ref);
    RunPlanOptions plan_options;
    plan_options.work_dir = context_.cwd;
    plan_options.env_names = options_.env_names();
    OSIRIS_ASSIGN(RunPlan plan, make_run_plan(pipeline, workspace_.inputs(context_), plan_options));
    plan.plan.steps[0].check = true;

    OSIRIS_ASSIGN(const auto session, AdapterSession::open(context_, adapter_, options_));
    for (const std::string& name : plan.secret_names) {
      if (name.starts_with("env/")) continue;
      OSIRIS_ASSIGN(const std::string value, workspace_.connections.secret_value(name));
      session->secrets().add(name, value);
    }
    const std::string id = "doctor-" + make_ulid(system_clock().unix_ns());
    const fs::path directory = workspace_.project.sessions_dir() / id;
    OSIRIS_TRY(make_directories(directory / "cfg"));
    OSIRIS_TRY(write_file_atomically(directory / "cfg/check.json", pipeline.steps[0].cfg.dump_canonical()));
    const UserState user_state(context_.environment);
    auto alive = user_state.begin(id);  // so that a sandbox of this check is a leftover if osiris dies; without it its lease ends it
    Finding finding = run_stages(*session, plan, id, directory, adapter_settings(context_, workspace_.registry, user_state));
    if (alive.ok() && finding.status == "failure") alive->leave();
    std::error_code ignored;
    fs::remove_all(directory, ignored);
    finding.message = session->masking().text(finding.message);
    return finding;
  }

  Finding run_stages(AdapterSession& session, const RunPlan& plan, const std::string& id, const fs::path& directory, Json settings) {
    AdapterRequest request;
    request.run_id = id;
    request.manifest_json = to_json(plan.plan).dump();
    request.connections_json = plan.connections_json.dump();
    if (allow_mock_) settings.set("allow_mock", Json(true));
    request.settings_json = settings.dump();
    request.secret_names = plan.secret_names;
    request.compiled_dir = request.session_dir = directory;
    request.work_dir = context_.cwd;
    request.worker_path = worker_.path;
    request.worker_sha256 = worker_.sha256;
    AdapterInstance& adapter = session.instance();
    if (const Status status = adapter.validate(request); !status.ok()) return failure(status.error());
    Explanation explanation;
    if (has_explanation(*adapter_.type)) {
      auto asked = ask_explanation(adapter, request, options_);
      if (asked.ok()) explanation = *std::move(asked);
    }
    const auto with_explanation = [&](Finding finding) {
      finding.explanation = explanation;
      return finding;
    };
    const StageOutcome prepared = adapter.prepare(request);
    if (!prepared.ok()) return with_explanation(failure(prepared.status.error()));
    request.prepared_json = prepared.document_text;
    const StageOutcome executed = adapter.execute(request);
    const StageOutcome collected = adapter.collect(request);
    adapter.destroy();
    const auto steps = session.tally().steps();
    const double latency_ms = steps.empty() ? 0 : steps[0].duration_s * 1e3;
    if (executed.ok()) return with_explanation({"success", latency_ms, "Connection works (" + std::string(adapter_.id()) + ")", "", "", {}});
    Finding finding = failure(executed.status.error());
    if (!steps.empty() && !steps[0].error.empty())
      finding = {"failure", 0, steps[0].error, steps[0].hint, category_of(steps[0].category, code_from_name(steps[0].error_type)), {}};
    finding.latency_ms = latency_ms;
    return with_explanation(std::move(finding));
  }

  const CommandContext& context_;
  const Workspace& workspace_;
  const LoadedAdapter& adapter_;
  const ResolvedOptions& options_;
  const WorkerBinary& worker_;
  const bool allow_mock_;
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

std::string line_of(const ConnectionRef& ref, const Finding& finding) {
  const char* icon = finding.status == "success" ? "✓" : finding.status == "skipped" ? "○" : "✗";
  char latency[32];
  std::snprintf(latency, sizeof latency, " (%.1fms)", finding.latency_ms);
  std::string line = std::string(icon) + " " + printable(ref.family) + "." + printable(ref.alias) + (finding.latency_ms > 0 ? latency : "") +
                     ": " + printable(excerpt(finding.message, "--json gives all")) + "\n";
  if (!finding.hint.empty()) line += "   💡 " + printable(excerpt(finding.hint, "--json gives all")) + "\n";
  for (const std::string& fact : finding.explanation.facts) line += "   " + printable(fact) + "\n";
  for (const std::string& warning : finding.explanation.warnings) line += "   ⚠️  " + printable(warning) + "\n";
  return line;
}

int doctor(const CommandContext& context, const AdapterFlags& adapters, const Options& options) {
  if (!adapters.adapter().ok()) return fail_adapter(context, adapters.adapter().error());
  const auto workspace = load_workspace(context);
  if (!workspace.ok()) return fail(context, workspace.error());
  const auto resolved = resolve_adapter_options(context, workspace->project, *adapters.adapter(), options.flags);
  if (!resolved.ok()) return fail(context, resolved.error());
  const auto worker = find_worker(context.executable_directory, context.process_environment, workspace->project.cache_dir());
  if (!worker.ok()) return fail(context, worker.error());
  const auto refs = chosen_connections(workspace->connections, options);
  if (!refs.ok()) return fail(context, refs.error());
  const auto linkage = worker_linkage(worker->path);
  if (!linkage.ok()) return fail(context, linkage.error());
  if (!refs->empty()) print_text(context, "Worker: " + printable(worker->path.string()) + " (" + linkage->sentence() + ")\n");
  Doctor examiner(context, *workspace, *adapters.adapter(), *resolved, *worker, options.allow_mock);
  Json results = Json::object();
  bool all_well = true;
  for (const ConnectionRef& ref : *refs) {
    const Finding finding = examiner.examine(ref);
    all_well = all_well && finding.status != "failure";
    print_text(context, line_of(ref, finding));
    if (!results.contains(ref.family)) results.set(ref.family, Json::object());
    Json entry = Json::object({{"status", finding.status}, {"latency_ms", finding.latency_ms}, {"message", finding.message}});
    if (!finding.category.empty()) entry.set("category", finding.category);
    if (!finding.hint.empty()) entry.set("hint", finding.hint);
    if (!finding.explanation.document.is_null()) entry.set("explanation", finding.explanation.document);
    results.find(ref.family)->set(ref.alias, std::move(entry));
  }
  if (context.json)
    print_json(context, Json::object({{"adapter", adapters.id()}, {"worker", Json::object({{"path", worker->path.string()}, {"linkage", linkage->name()}})}, {"results", std::move(results)}}));
  else if (refs->empty())
    print_text(context, "No connections to check.\n");
  return to_int(all_well ? ExitCode::kOk : ExitCode::kAdapterFailed);
}

}  // namespace

void add_doctor_command(const CommandTable& table, CLI::App& parent) {
  auto options = std::make_shared<Options>();
  CLI::App* command = parent.add_subcommand("doctor", "Check that connections work, from where the adapter runs pipelines");
  command->add_option("--family", options->family, "only connections of this family")->type_name("NAME");
  command->add_option("--alias", options->alias, "only connections with this alias")->type_name("NAME");
  command->add_option("--connection-id", options->reference, "only this connection")->type_name("@FAMILY.ALIAS");
  command->add_flag("--allow-mock", options->allow_mock)->group("");
  table.adapter_flags.add_to(*command, options->flags);
  Chosen* chosen = &table.chosen;
  const CommandContext* context = &table.context;
  const AdapterFlags* adapters = &table.adapter_flags;
  command->callback([=] { *chosen = [=] { return doctor(*context, *adapters, *options); }; });
}

}  // namespace osiris
