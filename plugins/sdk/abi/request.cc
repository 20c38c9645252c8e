#include "plugins/sdk/abi/request.h"

#include <set>

#include "plugins/sdk/abi/host.h"

namespace osiris::sdk {
namespace {

// An absent document is an empty object.
Result<Json> read_document(std::string_view name, std::string_view text) {
  if (text.empty()) return Json::object();
  Result<Json> json = parse_json(text);
  if (!json) return json.error().within("the request's " + std::string(name));
  if (!json->is_object())
    return Error(Code::kInvalidArgument, "the request's " + std::string(name) + " is no JSON object");
  return json;
}

}  // namespace

std::vector<std::string> RunRequest::connection_secrets() const {
  std::set<std::string> names;
  for (const auto& [reference, connection] : connections["connections"].members())
    for (const auto& [field, name] : plan_connection_from_json(reference, connection).secrets) names.insert(name);
  return {names.begin(), names.end()};
}

Status RunRequest::set_manifest(Json json) {
  Result<Plan> read = plan_from_json(json);
  if (!read) return read.error().within("the request's manifest");
  plan = *std::move(read);
  manifest = std::move(json);
  return {};
}

Result<RunRequest> RunRequest::with_manifest(Json json) const {
  RunRequest other;
  OSIRIS_TRY(other.set_manifest(std::move(json)));
  static_cast<RunTerms&>(other) = *this;
  return other;
}

std::vector<std::string> RunRequest::step_ids() const {
  std::vector<std::string> ids;
  for (const PlanStep& step : plan.steps) ids.push_back(step.id);
  return ids;
}

std::vector<std::string> RunRequest::drivers() const {
  std::set<std::string> names;
  for (const PlanStep& step : plan.steps)
    if (step.kept.use != StepUse::kDone) names.insert(step.driver);
  return {names.begin(), names.end()};
}

rpc::PrepareParams RunRequest::prepare_params() const {
  rpc::PrepareParams params;
  params.run_id = run_id;
  params.session_dir = session_dir.string();
  params.work_dir = work_dir.string();
  params.plan = manifest;
  params.connections = connections["connections"];
  params.settings = rpc::settings_from_json(settings);
  params.specs_sha256 = settings["specs_sha256"].as_string();
  params.worker_version = settings["worker_version"].as_string();
  return params;
}

Result<RunRequest> read_request(const osiris_request* from, const Clock& clock) {
  if (!from || !OSIRIS_HAS(from, deadline_unix_ns))
    return Error(Code::kInvalidArgument, "the host passed a request that ends before its 1.0 fields do");
  return read_request(plugin::Request(*from), clock);
}

Result<RunRequest> read_request(const plugin::Request& from, const Clock& clock) {
  RunRequest request;
  if (from.deadline_unix_ns) request.deadline_monotonic_ns = monotonic_from_unix(from.deadline_unix_ns, clock);
  request.run_id = from.run_id;
  OSIRIS_ASSIGN(Json manifest, read_document("manifest", from.manifest_json));
  OSIRIS_ASSIGN(request.connections, read_document("connections", from.connections_json));
  OSIRIS_ASSIGN(request.settings, read_document("settings", from.settings_json));
  if (!from.prepared_json.empty()) {
    OSIRIS_ASSIGN(request.prepared, read_document("prepared document", from.prepared_json));
  }
  request.session_dir = from.session_dir;
  request.work_dir = from.work_dir;
  request.worker_path = from.worker_path;
  request.worker_sha256 = from.worker_sha256;
  if (request.run_id.empty()) return Error(Code::kInvalidArgument, "the request has no run id");
  OSIRIS_TRY(request.set_manifest(std::move(manifest)));
  return request;
}

}  // namespace osiris::sdk
