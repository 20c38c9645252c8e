#include "host/run/adapter_run.h"

#include "host/adapters/isolated_adapter.h"
#include "host/run/release_held.h"
#include "protocol/base/wipe.h"

namespace osiris {

namespace {

// To what collect has told, if it told anything.
void add_released(StagesResult& result, const Json& released) {
  if (released.size() == 0) return;
  Json all = result.artifacts["released"].is_array() ? result.artifacts["released"] : Json::array();
  for (const Json& each : released.items()) all.push_back(each);
  if (!result.artifacts.is_object()) result.artifacts = Json::object();
  result.artifacts.set("released", std::move(all));
}

}  // namespace

AdapterRequest request_for(const AdapterInputs& inputs, std::string run_id, const Json& settings,
                           const std::filesystem::path& work_dir, const WorkerBinary& worker) {
  AdapterRequest request;
  request.run_id = std::move(run_id);
  request.manifest_json = to_json(inputs.plan).dump();
  request.connections_json = inputs.connections_json.dump();
  request.settings_json = settings.dump();
  request.secret_names = inputs.secret_names;
  request.work_dir = work_dir;
  request.worker_path = worker.path;
  request.worker_sha256 = worker.sha256;
  return request;
}

Status lend_own_secrets(const LoadedAdapter& adapter, const Environment& environment, SecretStore& secrets) {
  for (const SecretSpec& secret : secret_specs(*adapter.type)) {
    if (auto value = environment.get_filled(secret.name)) {
      secrets.add(secret.name, SecretString(*std::move(value)));
    } else if (secret.required) {
      return Error(
          Code::kInvalidArgument,
          "adapter " + std::string(adapter.id()) + " needs the secret " + secret.name + ", which is not set",
          "set " + secret.name + " in the environment or in .env" + (secret.help.empty() ? "" : ": " + secret.help));
    }
  }
  return {};
}

Status AdapterRun::lend(const AdapterInputs& inputs, const RunMeans& means) {
  for (const std::string& value : means.options.sensitive_values()) {
    masking_.learn(value);
    if (const size_t equals = value.find('='); equals != std::string::npos) masking_.learn(value.substr(equals + 1));
  }
  for (const std::string& name : inputs.secret_names) {
    if (name.starts_with("env/")) {
      if (auto value = means.environment.get(name.substr(4))) secrets_.add(name, SecretString(*std::move(value)));
    } else {
      OSIRIS_ASSIGN(SecretString value, means.connections.secret_value(name));
      secrets_.add(name, std::move(value));
    }
  }
  return lend_own_secrets(means.adapter, means.environment, secrets_);
}

StagesResult AdapterRun::run(const RunMeans& means, AdapterRequest request) {
  const LoadedAdapter& adapter = means.adapter;
  RunEvents events({log_, tally_, resources_, secrets_, say, says_events, hashes, shards}, std::string(adapter.id()));
  Stages stages(*adapter.type, events, log_, clock_);
  stages.accepted = accepted;
  {
    std::lock_guard lock(mutex_);
    events_ = &events;
    stages_ = &stages;
  }
  if (const StopReason early = early_stop_.load(); early != StopReason::kNone) events.request_stop(early);
  const std::string settings = request.settings_json;
  StagesResult result = stages.run(means.options.settings(), std::move(request));
  if (adapter.isolated && adapter.isolated->has_lost_a_process())
    add_released(result, release_held(adapter, means.options, settings, resources_, events));
  {
    std::lock_guard lock(mutex_);
    events_ = nullptr;
    stages_ = nullptr;
  }
  misbehaviours_ = events.misbehaviours();
  for (const Json& resource : result.artifacts["released"].items())
    if (resource["kept"].as_bool()) resources_.keep(resource["kind"].as_string(), resource["id"].as_string());
  return result;
}

void AdapterRun::stop(StopReason reason) {
  StopReason none = StopReason::kNone;
  early_stop_.compare_exchange_strong(none, reason);
  std::lock_guard lock(mutex_);
  if (events_) events_->request_stop(reason);
  if (stages_) stages_->cancel();
}

}  // namespace osiris
