// The table of the adapter `local`: its options and its functions, for <osiris/adapter.h>.
#include <osiris/adapter.h>

#include <iterator>
#include <new>

#include "plugins/local/adapter.h"

#ifndef OSIRIS_VERSION
#error "the build defines OSIRIS_VERSION"
#endif

namespace {

using osiris::local::LocalAdapter;

LocalAdapter& self(osiris_adapter* adapter) { return *reinterpret_cast<LocalAdapter*>(adapter); }

// Our functions return errors as values; what still throws is a failed allocation, which ends the process as noexcept
// says.
osiris_status create(const osiris_host* host, osiris_adapter** out) noexcept {
  auto* adapter = new (std::nothrow) LocalAdapter(host);
  if (!adapter) return osiris::sdk::Host(host).fail(osiris::Error(osiris::Code::kExhausted, "out of memory"));
  *out = reinterpret_cast<osiris_adapter*>(adapter);
  return OSIRIS_OK;
}

osiris_status configure(osiris_adapter* adapter, const osiris_setting* settings, size_t count) noexcept {
  return self(adapter).configure(settings, count);
}
osiris_status validate(osiris_adapter* adapter, const osiris_request* request) noexcept {
  return self(adapter).validate(request);
}
osiris_status prepare(osiris_adapter* adapter, const osiris_request* request) noexcept {
  return self(adapter).prepare(request);
}
osiris_status execute(osiris_adapter* adapter, const osiris_request* request) noexcept {
  return self(adapter).execute(request);
}
osiris_status collect(osiris_adapter* adapter, const osiris_request* request) noexcept {
  return self(adapter).collect(request);
}
void cancel(osiris_adapter* adapter) noexcept { self(adapter).cancel(); }
void destroy(osiris_adapter* adapter) noexcept { delete &self(adapter); }

constexpr osiris_option option(uint32_t type, uint32_t flags, osiris_str name, osiris_str value_name,
                               osiris_str default_value, osiris_str help) {
  osiris_option option{};
  option.size = sizeof option;
  option.type = type;
  option.flags = flags;
  option.name = name;
  option.help = help;
  option.value_name = value_name;
  option.default_value = default_value;
  return option;
}

constexpr osiris_str kNone = {nullptr, 0};
constexpr osiris_option kEnv =
    option(OSIRIS_PAIR, OSIRIS_REPEATED | OSIRIS_SENSITIVE, OSIRIS_STR("env"), OSIRIS_STR("NAME=VALUE"), kNone,
           OSIRIS_STR("A variable for the steps that start processes."));
constexpr osiris_option kEnvFrom = option(OSIRIS_PATH, OSIRIS_REPEATED, OSIRIS_STR("env-from"), OSIRIS_STR("FILE"),
                                          kNone, OSIRIS_STR("A file of NAME=VALUE lines with such variables."));
constexpr osiris_option kPassEnv =
    option(OSIRIS_ENV, OSIRIS_REPEATED, OSIRIS_STR("pass-env"), OSIRIS_STR("NAME"), kNone,
           OSIRIS_STR("A variable of your own environment to lend to such steps."));
constexpr osiris_option kInstallDeps =
    option(OSIRIS_BOOL, 0, OSIRIS_STR("install-deps"), kNone, OSIRIS_STR("false"),
           OSIRIS_STR("Install what a step's requirements name, into an environment of its own, cached."));
constexpr osiris_option kGrace = [] {
  osiris_option grace = option(OSIRIS_FLOAT, 0, OSIRIS_STR("grace"), OSIRIS_STR("SECONDS"), OSIRIS_STR("0.7"),
                               OSIRIS_STR("How long running steps may take to stop when the run is cancelled."));
  grace.minimum = OSIRIS_STR("0");
  grace.maximum = OSIRIS_STR("600");
  return grace;
}();
constexpr const osiris_option* kOptions[] = {&kEnv, &kEnvFrom, &kPassEnv, &kInstallDeps, &kGrace};

constexpr osiris_adapter_type kAdapter = {
    .size = sizeof(osiris_adapter_type),
    .option_count = std::size(kOptions),
    .id = OSIRIS_STR("local"),
    .name = OSIRIS_STR("Local"),
    .version = OSIRIS_STR(OSIRIS_VERSION),
    .summary = OSIRIS_STR("runs the worker as a child process on this machine"),
    .options = kOptions,
    .secrets = nullptr,
    .secret_count = 0,
    .create = create,
    .configure = configure,
    .validate = validate,
    .prepare = prepare,
    .execute = execute,
    .collect = collect,
    .cancel = cancel,
    .destroy = destroy,
    .extension = nullptr,
};
constexpr const osiris_adapter_type* kAdapters[] = {&kAdapter};
constexpr osiris_module kModule = {
    .size = sizeof(osiris_module),
    .abi = OSIRIS_ABI_VERSION,
    .min_host_abi = OSIRIS_ABI(1, 0),
    .adapter_count = std::size(kAdapters),
    .adapters = kAdapters,
};

}  // namespace

extern "C" const osiris_module* OSIRIS_ADAPTER_MAIN(uint32_t) noexcept { return &kModule; }
