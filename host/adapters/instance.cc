#include "host/adapters/instance.h"

#include "host/adapters/abi_text.h"
#include "host/adapters/extensions.h"
#include "host/adapters/guarded_call.h"
#include "host/adapters/option_values.h"
#include "protocol/base/clock.h"
#include "protocol/base/error_detail.h"

namespace osiris {
namespace {

const char* status_text(osiris_status status) {
  switch (status) {
    case OSIRIS_OK:
      return "OK";
    case OSIRIS_RUN_FAILED:
      return "RUN_FAILED";
    case OSIRIS_CANCELLED:
      return "CANCELLED";
    case OSIRIS_DEADLINE:
      return "DEADLINE";
    case OSIRIS_INVALID_ARGUMENT:
      return "INVALID_ARGUMENT";
    case OSIRIS_INVALID_STATE:
      return "INVALID_STATE";
    case OSIRIS_UNSUPPORTED:
      return "UNSUPPORTED";
    case OSIRIS_NOT_FOUND:
      return "NOT_FOUND";
    case OSIRIS_UNAUTHENTICATED:
      return "UNAUTHENTICATED";
    case OSIRIS_UNAVAILABLE:
      return "UNAVAILABLE";
    case OSIRIS_EXHAUSTED:
      return "EXHAUSTED";
    case OSIRIS_INTERNAL:
      return "INTERNAL";
    default:
      return nullptr;
  }
}

std::string status_name(osiris_status status) {
  const char* text = status_text(status);
  return (text ? std::string(text) + " (" : "unknown status (") + std::to_string(status) + ")";
}

// What the ABI calls the document -> the schema it must name.
std::string schema_of(std::string_view document) { return "osiris." + std::string(document) + "/1"; }

struct AbiRequest {
  explicit AbiRequest(const AdapterRequest& request)
      : compiled_dir(request.compiled_dir.string()),
        session_dir(request.session_dir.string()),
        work_dir(request.work_dir.string()),
        worker_path(request.worker_path.string()) {
    abi.size = sizeof abi;
    abi.attempt = request.attempt;
    abi.run_id = abi_str(request.run_id);
    abi.manifest_json = abi_str(request.manifest_json);
    abi.connections_json = abi_str(request.connections_json);
    abi.prepared_json = abi_str_or_absent(request.prepared_json);
    abi.compiled_dir = abi_str(compiled_dir);
    abi.session_dir = abi_str(session_dir);
    abi.work_dir = abi_str(work_dir);
    abi.worker_path = abi_str_or_absent(worker_path);
    abi.worker_sha256 = abi_str_or_absent(request.worker_sha256);
    abi.settings_json = abi_str_or_absent(request.settings_json);
    if (request.deadline_monotonic_ns)
      abi.deadline_unix_ns = unix_from_monotonic(request.deadline_monotonic_ns, system_clock());
    abi.grace_ns = kCallGraceNs;
  }
  std::string compiled_dir, session_dir, work_dir, worker_path;
  osiris_request abi{};
};

struct AbiQuery {
  explicit AbiQuery(const ResourceQuery& query) : filter(query.filter.is_object() ? query.filter.dump() : "") {
    abi.size = sizeof abi;
    abi.settings_json = abi_str_or_absent(query.settings_json);
    abi.filter_json = abi_str_or_absent(filter);
    abi.kind = abi_str_or_absent(query.kind);
    abi.id = abi_str_or_absent(query.id);
    abi.grace_ns = kCallGraceNs;
  }
  std::string filter;
  osiris_resource_query abi{};
};

}  // namespace

bool owns_remote_resources(const osiris_adapter_type& type) { return resources_of(type) != nullptr; }

void begin_early(const osiris_adapter_type& type, const std::filesystem::path& worker_path,
                 const std::filesystem::path& work_dir, const std::vector<std::string>& drivers) {
  const osiris_early* early = early_of(type);
  if (!early) return;
  install_terminate_handler();
  std::vector<osiris_str> names;
  for (const std::string& driver : drivers) names.push_back(abi_str(driver));
  osiris_early_run run{};
  run.size = sizeof run;
  run.driver_count = static_cast<uint32_t>(names.size());
  run.worker_path = abi_str(worker_path.native());
  run.work_dir = abi_str(work_dir.native());
  run.drivers = names.data();
  guarded_void(abi_copy(type.id) + " " + abi_copy(type.version), "begin", early->begin, &type, &run);
}

AdapterInstance::AdapterInstance(const osiris_adapter_type& type, HostServices& services)
    : type_(type), services_(services) {}

std::string AdapterInstance::who() const { return abi_copy(type_.id) + " " + abi_copy(type_.version); }

Result<std::unique_ptr<AdapterInstance>> AdapterInstance::create(const osiris_adapter_type& type,
                                                                 AdapterEvents& events) {
  install_terminate_handler();
  std::set<std::string, std::less<>> secrets;
  for (const SecretSpec& secret : secret_specs(type)) secrets.insert(secret.name);
  const std::string who = abi_copy(type.id) + " " + abi_copy(type.version);
  auto& services = HostServices::make(who, events, std::move(secrets));
  std::unique_ptr<AdapterInstance> instance(new AdapterInstance(type, services));
  osiris_adapter* self = nullptr;
  const StageOutcome outcome = instance->call(
      "create", nullptr, [&] { return guarded_status(who, "create", type.create, &type, services.table(), &self); });
  if (outcome.ok()) instance->self_ = self;
  if (!outcome.ok() || !self) {
    const Error error =
        outcome.ok() ? instance->misbehaved("create", "returned OK without an instance") : outcome.status.error();
    instance->destroy();
    return error;
  }
  return instance;
}

AdapterInstance::~AdapterInstance() { destroy(); }

void AdapterInstance::destroy() {
  {
    const std::lock_guard lock(cancel_mutex_);
    if (state_ == State::kDestroyed) return;
    state_ = State::kDestroyed;
  }
  if (self_) {
    // Its events count until it returns; what it calls `fail` for has no reader.
    services_.begin_call("destroy", nullptr);
    guarded_void(who(), "destroy", type_.destroy, self_);
    if (const auto record = services_.end_call(); record.failure)
      services_.misbehaving("destroy called fail, which has no effect: " + record.failure->message);
  }
  services_.close();
}

void AdapterInstance::cancel() {
  const std::lock_guard lock(cancel_mutex_);
  if (state_ != State::kDestroyed && self_) guarded_void(who(), "cancel", type_.cancel, self_);
}

Error AdapterInstance::misbehaved(const char* stage, const std::string& what) {
  services_.misbehaving(what);
  return Error(Code::kInternal, "adapter misbehaving: " + who() + ", " + stage + ": " + what,
               "report it to the adapter's author");
}

Status AdapterInstance::expect(const char* stage, State at_least, State at_most) const {
  if (state_ >= at_least && state_ <= at_most) return {};
  static constexpr const char* kStates[] = {"created",  "configured", "validated", "prepared",
                                            "executed", "collected",  "destroyed"};
  return Error(Code::kInvalidState,
               std::string("host misbehaving: ") + stage + " of an adapter instance that is " +
                   kStates[static_cast<int>(state_)],
               "report it as a bug of osiris");
}

template <class Call>
StageOutcome AdapterInstance::call(const char* stage, const char* document, Call call) {
  if (!services_.begin_call(stage, document)) {
    StageOutcome outcome;
    outcome.status =
        Error(Code::kInvalidState,
              std::string("host misbehaving: ") + stage + " while another call of the instance is in progress",
              "report it as a bug of osiris");
    return outcome;
  }
  const GuardedStatus returned = call();
  HostServices::CallRecord record = services_.end_call();
  if (returned.thrown) {
    StageOutcome outcome;
    outcome.status = misbehaved(stage, "threw an exception across the C interface: " + *returned.thrown);
    return outcome;
  }
  return conclude(stage, document, returned.status, std::move(record));
}

StageOutcome AdapterInstance::conclude(const char* stage, const char* document, osiris_status status,
                                       HostServices::CallRecord record) {
  StageOutcome outcome;
  if (record.document) {
    outcome.document_text = *std::move(record.document);
    outcome.document = *parse_json(outcome.document_text);  // deliver() has parsed it before
  }
  if (status == OSIRIS_OK && record.failure) {
    // Success is never claimed over a stated failure.
    outcome.status = misbehaved(stage, "called fail and returned OK; it had said: " + record.failure->message);
    return outcome;
  }
  if (status != OSIRIS_OK) {
    const bool known = status_text(status) != nullptr;
    if (!known) services_.misbehaving("returned the " + status_name(status) + ", taken as INTERNAL");
    const Code code = known ? static_cast<Code>(status) : Code::kInternal;
    if (!record.failure) {
      const Error error = misbehaved(stage, "returned " + status_name(status) + " without calling fail");
      outcome.status = Error(code, error.message, error.hint);
    } else {
      if (record.failure->code != status)
        services_.misbehaving("told fail " + status_name(record.failure->code) + " and returned " +
                              status_name(status));
      const std::string prefix = status == OSIRIS_RUN_FAILED ? "" : "adapter " + who() + ", " + stage + ": ";
      outcome.status = error_of_detail(code, prefix + record.failure->message, record.failure->hint,
                                       std::move(record.failure->detail));
    }
  }
  if (document) check_document(stage, document, status, outcome);
  return outcome;
}

void AdapterInstance::check_document(const char* stage, const char* document, osiris_status status,
                                     StageOutcome& outcome) {
  const bool is_result = std::string_view(document) == "result";
  const bool due = status == OSIRIS_OK || (is_result && status == OSIRIS_RUN_FAILED);
  std::string problem;
  if (outcome.document.is_null()) {
    if (due) problem = "returned " + status_name(status) + " without delivering '" + document + "'";
  } else if (const std::string& schema = outcome.document["schema"].as_string(); schema != schema_of(document)) {
    problem = "delivered '" + std::string(document) + "' with schema '" + schema + "', expected '" +
              schema_of(document) + "'";
  } else if (is_result && due) {
    const bool success = outcome.document["status"].as_string() == "success";
    if (success != (status == OSIRIS_OK))
      problem = "returned " + status_name(status) + " with a result whose status is '" +
                outcome.document["status"].as_string() + "'";
  }
  if (problem.empty()) return;
  if (!outcome.ok()) problem += "; it had said: " + outcome.status.error().message;
  outcome.status = misbehaved(stage, problem);
}

Status AdapterInstance::configure(const std::vector<std::pair<std::string, std::string>>& settings) {
  OSIRIS_TRY(expect("configure", State::kCreated, State::kCreated));
  std::vector<osiris_setting> abi;
  for (const auto& [name, value] : settings) abi.push_back({abi_str(name), abi_str(value)});
  const StageOutcome outcome = call("configure", nullptr, [&] {
    return guarded_status(who(), "configure", type_.configure, self_, abi.data(), abi.size());
  });
  if (outcome.ok()) state_ = State::kConfigured;
  return outcome.status;
}

Status AdapterInstance::validate(const AdapterRequest& request) {
  OSIRIS_TRY(expect("validate", State::kConfigured, State::kPrepared));
  services_.allow_secrets(request.secret_names);
  const AbiRequest abi(request);
  const StageOutcome outcome =
      call("validate", nullptr, [&] { return guarded_status(who(), "validate", type_.validate, self_, &abi.abi); });
  if (outcome.ok() && state_ == State::kConfigured) state_ = State::kValidated;
  return outcome.status;
}

StageOutcome AdapterInstance::prepare(const AdapterRequest& request) {
  if (Status order = expect("prepare", State::kValidated, State::kPrepared); !order.ok()) return {order, {}, {}};
  services_.allow_secrets(request.secret_names);
  const AbiRequest abi(request);
  StageOutcome outcome =
      call("prepare", "prepared", [&] { return guarded_status(who(), "prepare", type_.prepare, self_, &abi.abi); });
  if (outcome.ok()) state_ = State::kPrepared;
  return outcome;
}

StageOutcome AdapterInstance::execute(const AdapterRequest& request) {
  if (Status order = expect("execute", State::kPrepared, State::kPrepared); !order.ok()) return {order, {}, {}};
  services_.allow_secrets(request.secret_names);
  const AbiRequest abi(request);
  state_ = State::kExecuted;
  return call("execute", "result", [&] { return guarded_status(who(), "execute", type_.execute, self_, &abi.abi); });
}

StageOutcome AdapterInstance::collect(const AdapterRequest& request) {
  if (Status order = expect("collect", State::kExecuted, State::kExecuted); !order.ok()) return {order, {}, {}};
  const AbiRequest abi(request);
  state_ = State::kCollected;
  return call("collect", "artifacts", [&] { return guarded_status(who(), "collect", type_.collect, self_, &abi.abi); });
}

bool has_explanation(const osiris_adapter_type& type) { return explain_of(type) != nullptr; }

StageOutcome AdapterInstance::explain(const AdapterRequest& request) {
  if (Status order = expect("explain", State::kValidated, State::kPrepared); !order.ok()) return {order, {}, {}};
  const osiris_explain* table = explain_of(type_);
  if (!table) return {Error(Code::kUnsupported, "adapter " + who() + " explains nothing"), {}, {}};
  services_.allow_secrets(request.secret_names);
  const AbiRequest abi(request);
  return call("explain", "explanation",
              [&] { return guarded_status(who(), "explain", table->explain, self_, &abi.abi); });
}

bool AdapterInstance::has_resources() const { return resources_of(type_) != nullptr; }

StageOutcome AdapterInstance::list_resources(const ResourceQuery& query) {
  if (Status order = expect("list", State::kConfigured, State::kConfigured); !order.ok()) return {order, {}, {}};
  const osiris_resources* table = resources_of(type_);
  if (!table) return {Error(Code::kUnsupported, "adapter " + who() + " owns nothing that could be listed"), {}, {}};
  const AbiQuery abi(query);
  return call("list", "resources", [&] { return guarded_status(who(), "list", table->list, self_, &abi.abi); });
}

StageOutcome AdapterInstance::release_resource(const ResourceQuery& query) {
  if (Status order = expect("release", State::kConfigured, State::kConfigured); !order.ok()) return {order, {}, {}};
  const osiris_resources* table = resources_of(type_);
  if (!table) return {Error(Code::kUnsupported, "adapter " + who() + " owns nothing that could be released"), {}, {}};
  const AbiQuery abi(query);
  return call("release", "released", [&] { return guarded_status(who(), "release", table->release, self_, &abi.abi); });
}

}  // namespace osiris
