#include "host/compiler/adapter_inputs.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "host/compiler/connection_check.h"
#include "host/compiler/dsn_server.h"
#include "host/compiler/file_address.h"
#include "host/compiler/path_checks.h"
#include "host/compiler/shard_list.h"
#include "host/compiler/sharded_steps.h"
#include "host/compiler/step_config.h"
#include "host/compiler/step_files.h"
#include "protocol/model/step_naming.h"

namespace osiris {
namespace {

std::string text_of(const Json& value) {
  return value.is_string() ? value.as_string() : value.is_null() ? std::string() : value.dump();
}

class AdapterInputsBuilder {
 public:
  AdapterInputsBuilder(const CompiledPipeline& pipeline, const CompileInputs& inputs,
                       const AdapterInputOptions& options)
      : pipeline_(pipeline), inputs_(inputs), options_(options) {}

  Result<AdapterInputs> run() {
    std::unordered_map<std::string, const CompiledStep*> by_id;
    for (const CompiledStep& step : pipeline_.steps) by_id[step.id] = &step;
    for (const CompiledStep& step : pipeline_.steps) {
      const ComponentSpec* spec = inputs_.registry.find(step.component);
      if (!spec) return Error(Code::kInvalidArgument, "Unknown component: '" + step.component + "'");
      OSIRIS_ASSIGN(PlanStep planned, plan_step(step, *spec, by_id));
      result_.plan.steps.push_back(std::move(planned));
      if (spec->keeps_state(step.cfg)) result_.stateful.push_back(step.id);
      for (const std::string& key : spec->installs)
        for (const Json& package : step.cfg[key].items()) result_.packages[step.id].push_back(package.as_string());
    }
    OSIRIS_TRY(check_files());
    result_.plan.manifest = pipeline_.manifest;
    result_.plan.pipeline_id = pipeline_.id;
    result_.plan.pipeline_name = pipeline_.name;
    result_.plan.profile = pipeline_.profile;
    result_.plan.manifest_hash = pipeline_.manifest_hash;
    Json env = Json::array(), secrets = Json::array();
    for (const std::string& name : options_.env_names) {
      env.push_back(name);
      secret_names_.insert("env/" + name);
    }
    for (const std::string& name : secret_names_) secrets.push_back(name);
    result_.secret_names.assign(secret_names_.begin(), secret_names_.end());
    result_.hosts.assign(hosts_.begin(), hosts_.end());
    result_.connections_json = Json::object(
        {{"connections", std::move(connections_)}, {"env", std::move(env)}, {"secret_names", std::move(secrets)}});
    return std::move(result_);
  }

 private:
  Result<PlanStep> plan_step(const CompiledStep& step, const ComponentSpec& spec,
                             const std::unordered_map<std::string, const CompiledStep*>& by_id) {
    PlanStep planned;
    planned.id = step.id;
    planned.component = step.component;
    planned.driver = step.driver;
    planned.mode = step_mode(step.mode);
    planned.needs = step.needs;
    planned.cfg_path = step.cfg_path;
    planned.cfg = step.cfg;
    planned.timeout_s = step.timeout_s.value_or(0);
    planned.materialize = step.materialize;
    if (step.retry) {
      planned.attempts_max = static_cast<uint64_t>(step.retry->max_attempts);
      planned.retry_delay_s = step.retry->delay_s;
    }
    name_inputs(step, by_id, planned);
    for (const CompiledCheck& each : step.checks) planned.checks.push_back(each.check);
    for (std::string& source : sources_of_checks(planned))
      if (std::find(planned.needs.begin(), planned.needs.end(), source) == planned.needs.end())
        planned.needs.push_back(std::move(source));
    const auto resolved = plan_connection(step, spec, planned);
    if (!resolved.ok() && !options_.without_connections) return resolved.error();
    const Json fields = resolved.ok() ? *resolved : Json();
    OSIRIS_TRY(plan_shards(step, spec, fields, planned));
    OSIRIS_ASSIGN(const StepFiles files, plan_files(step, spec, fields, planned));
    for (const auto* addresses : {&files.addresses, &files.written_addresses})
      for (const StepFile& file : *addresses)
        if (const std::string host = host_of_address(file.path, fields); !host.empty()) add_host(host, planned);
    if (spec.network) plan_network(*spec.network, step, spec, fields, planned);
    return planned;
  }

  // The list is settled here: what runs afterwards goes by it, whatever the directories hold by then.
  Status plan_shards(const CompiledStep& step, const ComponentSpec& spec, const Json& fields, PlanStep& planned) {
    std::vector<Json> rules;
    for (const std::string& need : step.needs)
      if (const auto found = rules_.find(need); found != rules_.end()) rules.push_back(found->second);
    OSIRIS_ASSIGN(const Json rule,
                  rule_of_step(step.id, step.foreach ? &*step.foreach : nullptr, step.per_shard, rules));
    if (rule.is_null()) return {};
    rules_[step.id] = rule;
    StepShards shards;
    shards.rule = rule;
    shards.per_shard = step.per_shard;
    shards.binds_value = binds_shard(spec, step.cfg);
    if (step.foreach) shards.parallel_max = step.foreach->parallel_max;
    if (step.foreach) shards.goes_on = step.foreach->goes_on;
    const auto same = std::find_if(result_.plan.steps.begin(), result_.plan.steps.end(),
                                   [&](const PlanStep& other) { return other.shards && other.shards->rule == rule; });
    if (step.foreach) {
      OSIRIS_ASSIGN(shards.list,
                    settled_shards(*step.foreach, step.id, start_of_paths(spec, fields, options_.work_dir)));
      if (same != result_.plan.steps.end() && !(same->shards->list == shards.list))
        return Error(Code::kInvalidArgument,
                     "Steps '" + same->id + "' and '" + step.id + "' have the same foreach and find different files",
                     "their paths start in different directories: write the directory into the pattern");
      if (same != result_.plan.steps.end() && same->shards->goes_on != shards.goes_on)
        return Error(Code::kInvalidArgument,
                     "Steps '" + same->id + "' and '" + step.id + "' have the same foreach and another on_failure",
                     "write the same on_failure into both");
    } else {
      shards.list = same->shards->list;
      shards.parallel_max = same->shards->parallel_max;
      shards.goes_on = same->shards->goes_on;
    }
    // Those with the same rule, each of the list with its own; others whole.
    for (PlanInput& input : planned.inputs) {
      const auto source = rules_.find(input.from_step);
      input.in_shards = step.per_shard && source != rules_.end();
    }
    planned.shards = std::move(shards);
    return {};
  }

  // Fills the files that the step reads and writes.
  Result<StepFiles> plan_files(const CompiledStep& step, const ComponentSpec& spec, const Json& fields,
                               PlanStep& planned) {
    StepFiles files;
    if (planned.shards) {
      OSIRIS_ASSIGN(ShardedFiles sharded,
                    files_of_shards(step.id, spec, step.cfg, fields, options_.work_dir, *planned.shards));
      planned.input_files = std::move(sharded.inputs);
      files = std::move(sharded.files);
    } else {
      files = find_step_files(spec, step.cfg, fields, options_.work_dir);
      OSIRIS_ASSIGN(const std::vector<StepFile> reads, planned_reads(spec, files));
      planned.input_files = plan_files(reads);
    }
    planned.outputs = plan_files(files.writes);
    files_.push_back({step.id, "step '" + step.id + "'", nullptr, files});
    return files;
  }

  // Once more what compiling looked at, now that the files of shards are known.
  Status check_files() {
    if (rules_.empty()) return {};
    Diagnostics findings(pipeline_.source.string());
    FileConflicts conflicts(options_.work_dir, findings);
    for (FileConflicts::Step& step : files_) {
      check_paths(step, false, findings);
      conflicts.add(std::move(step));
    }
    conflicts.check();
    if (findings.ok()) return {};
    const Diagnostic& first = findings.errors().front();
    return Error(Code::kInvalidArgument, first.message, first.hint);
  }

  static StepMode step_mode(std::string_view mode) {
    for (const StepMode known : {StepMode::kExtract, StepMode::kWrite})
      if (mode == mode_name(known)) return known;
    return StepMode::kTransform;
  }

  static std::vector<PlanFile> plan_files(const std::vector<StepFile>& files) {
    std::vector<PlanFile> planned;
    for (const StepFile& file : files)
      planned.push_back({file.path, file.absolute.string(), file.pattern, file.is_directory});
    return planned;
  }

  static void name_inputs(const CompiledStep& step, const std::unordered_map<std::string, const CompiledStep*>& by_id,
                          PlanStep& planned) {
    std::vector<std::string> sources;
    for (const std::string& need : step.needs)
      if (by_id.at(need)->mode != "write") sources.push_back(need);
    for (auto& [name, id] : relation_names(sources)) planned.inputs.push_back({name, id});
  }

  // Fills planned.connection and the connection's entry; returns the non-secret fields (null without a connection).
  Result<Json> plan_connection(const CompiledStep& step, const ComponentSpec& spec, PlanStep& planned) {
    std::optional<ConnectionRef> ref;
    if (const Json* written = step.cfg.find("connection")) {
      OSIRIS_ASSIGN(ref, parse_connection_ref(written->as_string()));
    } else {
      OSIRIS_ASSIGN(ref, default_connection(spec, inputs_.connections));
    }
    if (!ref) return Json();
    OSIRIS_ASSIGN(ResolvedConnection resolved, resolve_for(spec, *ref, inputs_.connections));
    for (const std::string& field : step.overrides) {
      resolved.fields.set(field, step.cfg[field]);
      resolved.secret_names.erase(field);
    }
    if (spec.network) OSIRIS_TRY(find_server_of_dsn(*spec.network, resolved));
    planned.connection = ref->text();
    if (!step.overrides.empty()) planned.connection += "#" + step.id;  // an entry of its own: other steps keep theirs
    for (const auto& [field, name] : resolved.secret_names) secret_names_.insert(name);
    if (known_connections_.insert(planned.connection).second)
      connections_.members().emplace_back(
          planned.connection,
          to_json(PlanConnection{ref->family, ref->alias, resolved.fields, std::move(resolved.secret_names), {}}));
    return std::move(resolved.fields);
  }

  // Where a connection string leads, as fields that may be seen: rules for the network and addresses come of them.
  Status find_server_of_dsn(const NetworkUse& network, ResolvedConnection& resolved) {
    for (const std::string& field : network.dsn_fields) {
      const auto secret = resolved.secret_names.find(field);
      if (secret == resolved.secret_names.end()) continue;
      OSIRIS_ASSIGN(const SecretString dsn, inputs_.connections.secret_value(secret->second));
      const DsnServer server = server_of_dsn(dsn.view());
      if (!server.host.empty()) {
        resolved.fields.set(network.dsn_host_field, server.host);
        resolved.fields.set(network.dsn_port_field, int64_t{server.port});
      }
      return {};
    }
    return {};
  }

  void plan_network(const NetworkUse& network, const CompiledStep& step, const ComponentSpec& spec, const Json& fields,
                    PlanStep& planned) {
    auto field = [&](const std::string& name) -> std::string {
      if (name.empty() || spec.is_secret(name)) return {};
      const Json* value = fields.find(name);
      return text_of(value ? *value : step.cfg[name]);
    };
    for (const Json& listed : step.cfg[network.hosts_field].items())
      add_host(with_port(listed.as_string(), network), planned);
    if (const std::string server = field(network.dsn_host_field), port = field(network.dsn_port_field); !server.empty())
      add_host(server + ":" + (port.empty() ? "5432" : port), planned);
    std::string host = host_of_url(field(network.url_field), network.default_port);
    if (host.empty()) {
      std::string name = field(network.host_field);
      if (!name.empty()) name += network.host_suffix;
      const std::string port = field(network.port_field);
      const auto chosen = network.choices.find(field(network.choice_field));
      host = !name.empty() ? name : chosen != network.choices.end() ? chosen->second : network.default_host;
      if (!host.empty()) host += ":" + (port.empty() ? std::to_string(network.default_port) : port);
    }
    if (!host.empty()) add_host(host, planned);
  }

  void add_host(const std::string& host, PlanStep& planned) {
    if (std::find(planned.hosts.begin(), planned.hosts.end(), host) != planned.hosts.end()) return;  // of another shard
    planned.hosts.push_back(host);
    hosts_.insert(host);
  }

  // "[::1]:80" and "db.example.org:80" have one; "db.example.org" and "[::1]" get the default.
  static std::string with_port(const std::string& host, const NetworkUse& network) {
    const size_t bracket = host.rfind(']');
    const bool has_port = host.find(':', bracket == std::string::npos ? 0 : bracket) != std::string::npos;
    return has_port ? host : host + ":" + std::to_string(network.default_port);
  }

  const CompiledPipeline& pipeline_;
  const CompileInputs& inputs_;
  const AdapterInputOptions& options_;
  AdapterInputs result_;
  Json connections_ = Json::object();
  std::map<std::string, Json> rules_;  // of the steps with shards
  std::vector<FileConflicts::Step> files_;
  std::set<std::string> known_connections_, secret_names_, hosts_;
};

}  // namespace

Result<AdapterInputs> make_adapter_inputs(const CompiledPipeline& pipeline, const CompileInputs& inputs,
                                          const AdapterInputOptions& options) {
  return AdapterInputsBuilder(pipeline, inputs, options).run();
}

}  // namespace osiris
