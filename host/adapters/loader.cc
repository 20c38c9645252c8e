#include "host/adapters/loader.h"

#include <algorithm>
#include <cstring>
#include <mutex>

#include "host/adapters/abi_text.h"
#include "host/adapters/guarded_call.h"
#include "host/adapters/isolated_adapter.h"
#include "host/adapters/library_file.h"
#include "host/adapters/module_check.h"
#include "host/adapters/option_values.h"
#include "host/adapters/trusted_libraries.h"
#include "protocol/base/sha256.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

struct StaticAdapter {
  const osiris_adapter_type* type;
  uint32_t abi;
};
std::mutex& static_mutex() {
  static std::mutex mutex;
  return mutex;
}
std::vector<StaticAdapter>& static_adapters() {
  static auto& adapters = *new std::vector<StaticAdapter>();
  return adapters;
}

// `library` and `manifest` are empty for an adapter that is linked statically.
Result<const osiris_module*> checked_module(AdapterMain entry, const std::string& library,
                                            const std::string& manifest) {
  const std::string where = library.empty() ? "static adapter" : library;
  const osiris_host_info info = {sizeof info, kHostAbi, abi_str_or_absent(library), abi_str_or_absent(manifest)};
  const osiris_module* module = entry(&info);
  OSIRIS_TRY(negotiate_abi(module, where));
  const std::vector<std::string> defects = module_defects(*module);
  if (defects.empty()) return module;
  return Error(Code::kInvalidArgument, where + ": refused, adapter misbehaving:\n  " + join(defects, "\n  "),
               "report it to the adapter's author; the rules are in osiris/adapter.h");
}

Json option_json(const OptionSpec& spec) {
  Json json = Json::object({{"name", spec.name},
                            {"flag", spec.flag},
                            {"env", spec.env},
                            {"key", spec.key},
                            {"type", option_type_name(spec.type)},
                            {"value_name", spec.value_name},
                            {"help", spec.help}});
  if (!spec.shared_env.empty()) {
    Json names = Json::array();
    for (const std::string& name : spec.shared_env) names.push_back(name);
    json.set("shared_env", std::move(names));
  }
  if (spec.default_value) json.set("default", *spec.default_value);
  if (spec.minimum) json.set("minimum", *spec.minimum);
  if (spec.maximum) json.set("maximum", *spec.maximum);
  if (!spec.bare_unit.empty()) json.set("bare_unit", spec.bare_unit);
  if (!spec.choices.empty()) {
    Json choices = Json::array();
    for (const std::string& choice : spec.choices) choices.push_back(choice);
    json.set("choices", std::move(choices));
  }
  if (spec.required) json.set("required", true);
  if (spec.repeated) json.set("repeated", true);
  if (spec.deprecated) json.set("deprecated", true);
  if (spec.sensitive) json.set("sensitive", true);
  return json;
}

}  // namespace

namespace {

// Against what the user has recorded. One of the user's own directory that is not recorded runs, with a notice.
Status check_recorded(LoadedAdapter& adapter) {
  const SearchInputs process = process_search_inputs({});
  if (process.privileged) return {};
  OSIRIS_ASSIGN(const TrustedLibraries trusted, TrustedLibraries::read(process.env));
  OSIRIS_ASSIGN(const auto verdict, trusted.judge(adapter.library));
  const std::string library = adapter.library.string();
  if (verdict == TrustedLibraries::Verdict::kChanged)
    return Error(Code::kInvalidArgument, library + " has changed since you trusted it, so it is not loaded",
                 "if you changed it, trust it again: osiris adapters trust " + library);
  if (verdict == TrustedLibraries::Verdict::kUnknown && adapter.manifest.is_users)
    adapter.notice = library + " is not among the libraries that you trust; osiris adapters trust " + library +
                     " records it, and then it runs only unchanged";
  return {};
}

// The manifest is what people see before they run the library: it may not say less, or something else.
Status check_manifest(const LoadedAdapter& adapter) {
  const AdapterManifest& manifest = adapter.manifest;
  const auto refused = [&](const std::string& what) {
    return Error(Code::kInvalidArgument,
                 adapter.library.string() + " is not what its manifest " + manifest.file.string() + " says: " + what,
                 "repair the manifest, or install the adapter again");
  };
  if (manifest.version != adapter.version())
    return refused("the library is version " + std::string(adapter.version()) + ", the manifest says " +
                   manifest.version);
  for (const SecretSpec& secret : secret_specs(*adapter.type))
    if (std::find(manifest.secrets.begin(), manifest.secrets.end(), secret.name) == manifest.secrets.end())
      return refused("it may ask for the secret " + secret.name + ", which needs.secrets does not name");
  return {};
}

}  // namespace

std::string_view LoadedAdapter::id() const { return abi_view(type->id); }
std::string_view LoadedAdapter::version() const { return abi_view(type->version); }

Result<LoadedModule> load_module(const std::filesystem::path& library, const std::filesystem::path& manifest,
                                 const std::string& id) {
  // Constructors and the entry are the adapter's code, too.
  install_terminate_handler();
  const std::string who = id + " (" + library.string() + ")";
  const CallScope note(who, "load");
  OSIRIS_ASSIGN(const AdapterMain entry, load_adapter_main(library));
  OSIRIS_ASSIGN(const osiris_module* module, checked_module(entry, library.string(), manifest.string()));
  std::vector<std::string> ids;
  for (uint32_t i = 0; i < module->adapter_count; ++i) {
    ids.emplace_back(abi_view(module->adapters[i]->id));
    if (ids.back() == id) return LoadedModule{module->adapters[i], module->abi};
  }
  return Error(Code::kNotFound, library.string() + " holds the adapter " + join(ids, ", ") + ", not '" + id + "'",
               "repair the id in " + manifest.string());
}

Result<LoadedAdapter> load_adapter(const AdapterManifest& manifest, bool isolate) {
  LoadedAdapter adapter;
  adapter.manifest = manifest;
  OSIRIS_TRY(check_trusted(manifest.file));
  OSIRIS_TRY(check_trusted(manifest.library));
  std::error_code error;
  adapter.library = std::filesystem::canonical(manifest.library, error);
  if (error)
    return Error(Code::kNotFound, "cannot find " + manifest.library.string() + ": " + error.message(),
                 "install the adapter again");
  // A file of some megabytes: hashed only where a manifest asks for it.
  if (!manifest.sha256.empty()) {
    OSIRIS_ASSIGN(const FileDigest digest, sha256_file(adapter.library));
    if (manifest.sha256 != digest.sha256)
      return Error(Code::kInvalidArgument,
                   adapter.library.string() + " is not the file its manifest " + manifest.file.string() +
                       " names: its SHA-256 is " + digest.sha256 + ", expected " + manifest.sha256,
                   "install the adapter again");
  }
  OSIRIS_TRY(check_recorded(adapter));
  OSIRIS_TRY(check_library_file(adapter.library));
  if (const auto info = library_info(adapter.library)) adapter.build = info->build;
  if (isolate || manifest.isolate) {
    OSIRIS_ASSIGN(adapter.isolated, IsolatedAdapter::load({adapter.library, manifest.file, manifest.id}));
    adapter.type = adapter.isolated->type();
    adapter.abi = adapter.isolated->abi();
  } else {
    OSIRIS_ASSIGN(const LoadedModule module, load_module(adapter.library, manifest.file, manifest.id));
    adapter.type = module.type;
    adapter.abi = module.abi;
  }
  OSIRIS_TRY(check_manifest(adapter));
  return adapter;
}

Result<LoadedAdapter> load_adapter(std::string_view id, const std::vector<SearchDirectory>& places, bool isolate) {
  {
    const std::lock_guard lock(static_mutex());
    for (const StaticAdapter& candidate : static_adapters()) {
      if (abi_view(candidate.type->id) != id) continue;
      LoadedAdapter adapter;
      adapter.type = candidate.type;
      adapter.abi = candidate.abi;
      return adapter;
    }
  }
  OSIRIS_ASSIGN(const AdapterManifest manifest, find_adapter(id, places));
  return load_adapter(manifest, isolate);
}

Status register_static_adapter(AdapterMain entry) {
  OSIRIS_ASSIGN(const osiris_module* module, checked_module(entry, {}, {}));
  const std::lock_guard lock(static_mutex());
  for (uint32_t i = 0; i < module->adapter_count; ++i) {
    for (const StaticAdapter& other : static_adapters())
      if (abi_view(other.type->id) == abi_view(module->adapters[i]->id))
        return Error(Code::kInvalidArgument,
                     "two static adapters are called '" + std::string(abi_view(other.type->id)) + "'");
  }
  for (uint32_t i = 0; i < module->adapter_count; ++i) static_adapters().push_back({module->adapters[i], module->abi});
  return {};
}

std::vector<std::string> static_adapter_ids() {
  const std::lock_guard lock(static_mutex());
  std::vector<std::string> ids;
  for (const StaticAdapter& adapter : static_adapters()) ids.emplace_back(abi_view(adapter.type->id));
  return ids;
}

Json describe_adapter(const LoadedAdapter& adapter) {
  const osiris_adapter_type& type = *adapter.type;
  Json json = Json::object({{"id", abi_view(type.id)},
                            {"name", abi_view(type.name)},
                            {"version", abi_view(type.version)},
                            {"summary", abi_view(type.summary)},
                            {"abi", abi_version_text(adapter.abi)}});
  json.set("library", adapter.library.empty() ? Json("linked into osiris") : Json(adapter.library.string()));
  if (!adapter.library.empty())
    if (const auto digest = sha256_file(adapter.library); digest.ok()) json.set("sha256", digest->sha256);
  if (!adapter.build.empty()) json.set("build", adapter.build);
  if (!adapter.manifest.file.empty()) {
    json.set("manifest", adapter.manifest.file.string());
    json.set("publisher", adapter.manifest.publisher);
    json.set("licence", adapter.manifest.licence);
    json.set("url", adapter.manifest.url);
    json.set("network", adapter.manifest.network);
  }
  Json secrets = Json::array(), options = Json::array();
  for (const SecretSpec& secret : secret_specs(type)) {
    Json entry = Json::object({{"name", secret.name}, {"help", secret.help}});
    if (secret.required) entry.set("required", true);
    secrets.push_back(std::move(entry));
  }
  for (const OptionSpec& spec : option_specs(type))
    if (!spec.hidden) options.push_back(option_json(spec));
  json.set("secrets", std::move(secrets));
  json.set("options", std::move(options));
  return json;
}

}  // namespace osiris
