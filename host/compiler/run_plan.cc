#include "host/compiler/run_plan.h"

#include <set>
#include <unordered_map>

#include "host/compiler/connection_check.h"
#include "host/compiler/step_config.h"
#include "host/compiler/step_files.h"
#include "protocol/model/step_naming.h"

namespace osiris {
namespace {

// host[:port] of a URL; empty when it is none.
std::string host_of_url(std::string_view url, int default_port) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  const bool plain_http = url.substr(0, scheme) == "http";
  url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  if (const size_t at = url.rfind('@'); at != std::string_view::npos) url.remove_prefix(at + 1);
  if (url.empty()) return {};
  const size_t colon = url.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && url.find(']', colon) == std::string_view::npos && colon + 1 < url.size();
  return has_port ? std::string(url) : std::string(url) + ":" + std::to_string(plain_http ? 80 : default_port);
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.as_string() : value.is_null() ? std::string() : value.dump();
}

class Planner {
 public:
  Planner(const CompiledPipeline& pipeline, const CompileInputs& inputs, const RunPlanOptions& options)
      : pipeline_(pipeline), inputs_(inputs), options_(options) {}

  Result<RunPlan> run() {
    std::unordered_map<std::string, const CompiledStep*> by_id;
    for (const CompiledStep& step : pipeline_.steps) by_id[step.id] = &step;
    Json steps = Json::array();
    for (const CompiledStep& step : pipeline_.steps) {
      const ComponentSpec* spec = inputs_.registry.find(step.component);
      if (!spec) return Error(Code::kInvalidArgument, "Unknown component: '" + step.component + "'");
      PlannedStep planned;
      planned.step = &step;
      name_inputs(step, by_id, planned);
      OSIRIS_ASSIGN(const Json fields, plan_connection(step, *spec, planned));
      StepFiles files = find_step_files(*spec, step.cfg, fields, options_.work_dir);
      planned.input_files = std::move(files.reads);
      planned.outputs = std::move(files.writes);
      for (const std::string& key : spec->installs)
        for (const Json& package : step.cfg[key].items()) planned.packages.push_back(package.as_string());
      if (spec->network) plan_network(*spec->network, step, *spec, fields, planned);
      steps.push_back(document_of(planned));
      plan_.steps.push_back(std::move(planned));
    }
    plan_.manifest_json = Json::object({{"manifest", pipeline_.manifest},
                                        {"steps", std::move(steps)},
                                        {"pipeline_id", pipeline_.id},
                                        {"pipeline_name", pipeline_.name},
                                        {"profile", pipeline_.profile.empty() ? Json() : Json(pipeline_.profile)},
                                        {"manifest_hash", pipeline_.manifest_hash}});
    Json env = Json::array(), secrets = Json::array();
    for (const std::string& name : options_.env_names) {
      env.push_back(name);
      secret_names_.insert("env/" + name);
    }
    for (const std::string& name : secret_names_) secrets.push_back(name);
    plan_.secret_names.assign(secret_names_.begin(), secret_names_.end());
    plan_.hosts.assign(hosts_.begin(), hosts_.end());
    plan_.connections_json = Json::object(
        {{"connections", std::move(connections_)}, {"env", std::move(env)}, {"secret_names", std::move(secrets)}});
    return std::move(plan_);
  }

 private:
  static void name_inputs(const CompiledStep& step, const std::unordered_map<std::string, const CompiledStep*>& by_id,
                          PlannedStep& planned) {
    std::vector<std::string> sources;
    for (const std::string& need : step.needs)
      if (by_id.at(need)->mode != "write") sources.push_back(need);
    for (auto& [name, id] : relation_names(sources)) {
      planned.inputs[name] = id;
      planned.input_names.push_back(name);
    }
  }

  // Fills planned.connection and the connection's entry; returns the non-secret fields (null without a connection).
  Result<Json> plan_connection(const CompiledStep& step, const ComponentSpec& spec, PlannedStep& planned) {
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
    planned.connection = ref->text();
    if (!step.overrides.empty()) planned.connection += "#" + step.id;  // an entry of its own: other steps keep theirs
    Json secrets = Json::object();
    for (const auto& [field, name] : resolved.secret_names) {
      secrets.set(field, name);
      secret_names_.insert(name);
    }
    if (known_connections_.insert(planned.connection).second)
      connections_.members().emplace_back(planned.connection, Json::object({{"family", ref->family},
                                                                            {"alias", ref->alias},
                                                                            {"fields", resolved.fields},
                                                                            {"secrets", std::move(secrets)}}));
    return std::move(resolved.fields);
  }

  void plan_network(const NetworkUse& network, const CompiledStep& step, const ComponentSpec& spec, const Json& fields,
                    PlannedStep& planned) {
    auto field = [&](const std::string& name) -> std::string {
      if (name.empty() || spec.is_secret(name)) return {};
      const Json* value = fields.find(name);
      return text_of(value ? *value : step.cfg[name]);
    };
    std::string host = host_of_url(field(network.url_field), network.default_port);
    if (host.empty()) {
      const std::string name = field(network.host_field), port = field(network.port_field);
      host = name.empty() ? network.default_host : name;
      if (!host.empty()) host += ":" + (port.empty() ? std::to_string(network.default_port) : port);
    }
    if (host.empty()) return;
    planned.hosts.push_back(host);
    hosts_.insert(host);
  }

  static Json files_document(const std::vector<StepFile>& files, const char* place) {
    Json list = Json::array();
    for (const StepFile& file : files)
      list.push_back(Json::object({{"path", file.path}, {place, file.absolute.string()}}));
    return list;
  }

  static Json document_of(const PlannedStep& planned) {
    const CompiledStep& step = *planned.step;
    Json needs = Json::array(), inputs = Json::object();
    for (const std::string& need : step.needs) needs.push_back(need);
    for (const std::string& name : planned.input_names)
      inputs.set(name, Json::object({{"from_step", planned.inputs.at(name)}}));
    Json document = Json::object({{"id", step.id},
                                  {"component", step.component},
                                  {"driver", step.driver},
                                  {"mode", step.mode},
                                  {"needs", std::move(needs)},
                                  {"cfg_path", step.cfg_path},
                                  {"cfg", step.cfg},
                                  {"inputs", std::move(inputs)},
                                  {"outputs", files_document(planned.outputs, "target")},
                                  {"input_files", files_document(planned.input_files, "source")}});
    if (!planned.connection.empty()) document.set("connection", planned.connection);
    if (!planned.hosts.empty()) {
      Json hosts = Json::array();
      for (const std::string& host : planned.hosts) hosts.push_back(host);
      document.set("hosts", std::move(hosts));
    }
    if (step.timeout_s) document.set("timeout_s", *step.timeout_s);
    if (step.retry)
      document.set("retry",
                   Json::object({{"max_attempts", step.retry->max_attempts}, {"delay_s", step.retry->delay_s}}));
    return document;
  }

  const CompiledPipeline& pipeline_;
  const CompileInputs& inputs_;
  const RunPlanOptions& options_;
  RunPlan plan_;
  Json connections_ = Json::object();
  std::set<std::string> known_connections_, secret_names_, hosts_;
};

}  // namespace

Result<RunPlan> make_run_plan(const CompiledPipeline& pipeline, const CompileInputs& inputs,
                              const RunPlanOptions& options) {
  return Planner(pipeline, inputs, options).run();
}

}  // namespace osiris
