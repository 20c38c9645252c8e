// The table of the adapter `e2b`, for <osiris/adapter.h>.
#include <osiris/adapter.h>
#include <osiris/ext/explain.h>
#include <osiris/ext/resources.h>

#include <cstring>
#include <iterator>
#include <new>

#include "plugins/e2b/adapter.h"

#ifndef OSIRIS_VERSION
#error "the build defines OSIRIS_VERSION"
#endif

namespace {

using osiris::e2b::E2bAdapter;

E2bAdapter& self(osiris_adapter* adapter) { return *reinterpret_cast<E2bAdapter*>(adapter); }

// Our functions return errors as values; what still throws is a failed allocation, which ends the process as noexcept says.
osiris_status create(const osiris_host* host, osiris_adapter** out) noexcept {
  auto* adapter = new (std::nothrow) E2bAdapter(host);
  if (!adapter) return osiris::sdk::Host(host).fail(osiris::Error(osiris::Code::kExhausted, "out of memory"));
  *out = reinterpret_cast<osiris_adapter*>(adapter);
  return OSIRIS_OK;
}

osiris_status configure(osiris_adapter* adapter, const osiris_setting* settings, size_t count) noexcept {
  return self(adapter).configure(settings, count);
}
osiris_status validate(osiris_adapter* adapter, const osiris_request* request) noexcept { return self(adapter).validate(request); }
osiris_status prepare(osiris_adapter* adapter, const osiris_request* request) noexcept { return self(adapter).prepare(request); }
osiris_status execute(osiris_adapter* adapter, const osiris_request* request) noexcept { return self(adapter).execute(request); }
osiris_status collect(osiris_adapter* adapter, const osiris_request* request) noexcept { return self(adapter).collect(request); }
void cancel(osiris_adapter* adapter) noexcept { self(adapter).cancel(); }
void destroy(osiris_adapter* adapter) noexcept { delete &self(adapter); }

osiris_status list(osiris_adapter* adapter, osiris_str filter) noexcept { return self(adapter).list_resources(osiris::sdk::view(filter)); }
osiris_status release(osiris_adapter* adapter, osiris_str kind, osiris_str id) noexcept {
  return self(adapter).release_resource(osiris::sdk::view(kind), osiris::sdk::view(id));
}
constexpr osiris_resources kResources = {.size = sizeof(osiris_resources), .reserved = 0, .list = list, .release = release};

osiris_status explain(osiris_adapter* adapter, const osiris_request* request) noexcept { return self(adapter).explain(request); }
constexpr osiris_explain kExplain = {.size = sizeof(osiris_explain), .reserved = 0, .explain = explain};

const void* extension(const char* id) noexcept {
  if (std::strcmp(id, OSIRIS_RESOURCES_V1) == 0) return &kResources;
  if (std::strcmp(id, OSIRIS_EXPLAIN_V1) == 0) return &kExplain;
  return nullptr;
}

constexpr osiris_str kSecrets[] = {OSIRIS_STR("E2B_API_KEY")};

const osiris_adapter_type* adapter_type() {
  static const osiris_adapter_type type = [] {
    osiris_adapter_type t{};
    t.size = sizeof t;
    const auto table = osiris::e2b::option_table();
    t.option_count = table.count;
    t.options = table.options;
    t.id = OSIRIS_STR("e2b");
    t.name = OSIRIS_STR("E2B");
    t.version = OSIRIS_STR(OSIRIS_VERSION);
    t.summary = OSIRIS_STR("runs the worker in an E2B cloud sandbox");
    t.secrets = kSecrets;
    t.secret_count = std::size(kSecrets);
    t.create = create;
    t.configure = configure;
    t.validate = validate;
    t.prepare = prepare;
    t.execute = execute;
    t.collect = collect;
    t.cancel = cancel;
    t.destroy = destroy;
    t.extension = extension;
    return t;
  }();
  return &type;
}

}  // namespace

extern "C" const osiris_module* OSIRIS_ADAPTER_MAIN(uint32_t) noexcept {
  static const osiris_adapter_type* const adapters[] = {adapter_type()};
  static const osiris_module module = {
      .size = sizeof(osiris_module), .abi = OSIRIS_ABI_VERSION, .min_host_abi = OSIRIS_ABI(1, 0), .adapter_count = 1, .adapters = adapters};
  return &module;
}
