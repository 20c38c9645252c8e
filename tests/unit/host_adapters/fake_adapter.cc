#include "tests/unit/host_adapters/fake_adapter.h"

struct osiris_adapter {
  const osiris_host* host;
};

namespace osiris::fakes {
namespace {

constexpr const char* kPrepared = R"({"schema":"osiris.prepared/1","files":[]})";
constexpr const char* kResult = R"({"schema":"osiris.result/1","status":"success","steps":[],"total_rows":0})";
constexpr const char* kArtifacts = R"({"schema":"osiris.artifacts/1","files":[],"released":[]})";

osiris_status create(const osiris_adapter_type* type, const osiris_host* host, osiris_adapter** out) noexcept {
  ++behaviour().creates;
  behaviour().created_by = type;
  *out = new osiris_adapter{host};
  return OSIRIS_OK;
}
osiris_status configure(osiris_adapter* self, const osiris_setting* settings, size_t n) noexcept {
  for (size_t i = 0; i < n; ++i)
    behaviour().settings.emplace_back(abi_copy(settings[i].name), abi_copy(settings[i].value));
  return behaviour().configure ? behaviour().configure(self->host) : OSIRIS_OK;
}
osiris_status validate(osiris_adapter* self, const osiris_request* request) noexcept {
  behaviour().requests.push_back(*request);
  return behaviour().validate ? behaviour().validate(self->host) : OSIRIS_OK;
}
osiris_status prepare(osiris_adapter* self, const osiris_request*) noexcept {
  return behaviour().prepare ? behaviour().prepare(self->host) : deliver(self->host, "prepared", kPrepared);
}
osiris_status execute(osiris_adapter* self, const osiris_request*) noexcept {
  return behaviour().execute ? behaviour().execute(self->host) : deliver(self->host, "result", kResult);
}
osiris_status collect(osiris_adapter* self, const osiris_request*) noexcept {
  return behaviour().collect ? behaviour().collect(self->host) : deliver(self->host, "artifacts", kArtifacts);
}
void cancel(osiris_adapter*) noexcept { ++behaviour().cancels; }
void destroy(osiris_adapter* self) noexcept {
  ++behaviour().destroys;
  delete self;
}

osiris_status list(osiris_adapter* self, const osiris_resource_query* query) noexcept {
  return deliver(self->host, "resources",
                 R"({"schema":"osiris.resources/1","resources":[],"filter":)" + abi_copy(query->filter_json) +
                     R"(,"settings":)" + abi_copy(query->settings_json) + "}");
}
osiris_status release(osiris_adapter* self, const osiris_resource_query* query) noexcept {
  if (abi_view(query->id) == "stuck") return fail(self->host, OSIRIS_UNAVAILABLE, "the far side does not answer");
  return deliver(self->host, "released",
                 R"({"schema":"osiris.released/1","released":[{"kind":")" + abi_copy(query->kind) + R"(","id":")" +
                     abi_copy(query->id) + R"(","verified":true}]})");
}
const osiris_resources kResources = {sizeof(osiris_resources), 0, list, release};
osiris_status explain(osiris_adapter* self, const osiris_request*) noexcept {
  return deliver(self->host, "explanation",
                 R"({"schema":"osiris.explanation/1","facts":[{"topic":"far side","text":"is asked"}]})");
}
const osiris_explain kExplain = {sizeof(osiris_explain), 0, explain};
const void* extension(const osiris_adapter_type*, const char* id) noexcept {
  if (std::string_view(id) == OSIRIS_EXPLAIN_V1) return &kExplain;
  return std::string_view(id) == OSIRIS_RESOURCES_V1 ? &kResources : nullptr;
}

}  // namespace

Behaviour& behaviour() {
  static Behaviour instance;
  return instance;
}

GoodTables::GoodTables() : options{&option}, secrets{&secret}, types{&type} {
  behaviour() = {};
  option.size = sizeof option;
  option.type = OSIRIS_DURATION;
  option.name = OSIRIS_STR("patience");
  option.help = OSIRIS_STR("how long to wait");
  option.default_value = OSIRIS_STR("60");
  secret.size = sizeof secret;
  secret.name = OSIRIS_STR("FAKE_KEY");
  secret.help = OSIRIS_STR("opens the fake");
  type.size = sizeof type;
  type.option_count = 1;
  type.id = OSIRIS_STR("fake");
  type.name = OSIRIS_STR("Fake");
  type.version = OSIRIS_STR("1.0.0");
  type.summary = OSIRIS_STR("made in memory");
  type.options = options;
  type.secrets = secrets;
  type.secret_count = 1;
  type.create = create;
  type.configure = configure;
  type.validate = validate;
  type.prepare = prepare;
  type.execute = execute;
  type.collect = collect;
  type.cancel = cancel;
  type.destroy = destroy;
  type.extension = extension;
  module.size = sizeof module;
  module.abi = OSIRIS_ABI_VERSION;
  module.min_host_abi = OSIRIS_ABI(1, 0);
  module.adapter_count = 1;
  module.adapters = types;
}

osiris_status deliver(const osiris_host* host, const char* name, const std::string& json) {
  return host->deliver(host, name, abi_str(json));
}

osiris_status fail(const osiris_host* host, osiris_status code, const std::string& message, const std::string& detail) {
  osiris_error error{};
  error.size = sizeof error;
  error.code = code;
  error.message = abi_str(message);
  error.hint = OSIRIS_STR("try again");
  error.detail_json = abi_str(detail);
  host->fail(host, &error);
  return code;
}

}  // namespace osiris::fakes
