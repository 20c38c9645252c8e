#include "host/adapters/module_check.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <set>

#include "host/adapters/abi_text.h"
#include "host/adapters/option_values.h"
#include "protocol/base/secret_names.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris {
namespace {

// Where the 1.0 part of a struct ends. These stay what they are when the structs grow.
#define OSIRIS_END_OF(type, field) (offsetof(type, field) + sizeof(type::field))
constexpr size_t kModuleEnd = OSIRIS_END_OF(osiris_module, adapters);
constexpr size_t kAdapterEnd = OSIRIS_END_OF(osiris_adapter_type, destroy);
constexpr size_t kOptionEnd = OSIRIS_END_OF(osiris_option, shared_env);
constexpr size_t kSecretEnd = OSIRIS_END_OF(osiris_secret, help);
#undef OSIRIS_END_OF

// Nothing honest is larger: a count or length beyond these is garbage, and following it would read wild memory.
constexpr size_t kStructSizeMax = 1 << 16;
constexpr size_t kTextBytesMax = 1 << 16;
constexpr size_t kAdaptersMax = 64;
constexpr size_t kListItemsMax = 1024;

class Defects {
 public:
  explicit Defects(std::string where) : where_(std::move(where)) {}
  void add(const std::string& what) { found_.push_back(where_ + ": " + what); }
  void set_where(std::string where) { where_ = std::move(where); }

  // False if the struct cannot be read.
  bool check_size(uint32_t size, size_t end) {
    if (size == 0) return add("size is 0; the adapter must set it"), false;
    if (size < end)
      return add("size is " + std::to_string(size) + ", the 1.0 fields need " + std::to_string(end)), false;
    if (size > kStructSizeMax) return add("size is " + std::to_string(size) + ", which no version has"), false;
    return true;
  }

  // The text, or empty after reporting what is wrong with it.
  std::string_view text(osiris_str value, const std::string& field, bool required = false) {
    if (!value.data && value.len != 0) {
      add(field + " has a length of " + std::to_string(value.len) + " and no data");
    } else if (value.len > kTextBytesMax) {
      add(field + " claims " + std::to_string(value.len) + " bytes");
    } else if (required && value.len == 0) {
      add(field + " is missing");
    } else if (!is_valid_utf8(abi_view(value))) {
      add(field + " is not UTF-8");
    } else {
      return abi_view(value);
    }
    return {};
  }

  bool list(const void* items, size_t count, const std::string& field) {
    if (count > kListItemsMax) return add(field + " claims " + std::to_string(count) + " items"), false;
    if (count > 0 && !items) return add(field + " is NULL but has a count of " + std::to_string(count)), false;
    return count > 0;
  }

  std::vector<std::string> take() { return std::move(found_); }

 private:
  std::string where_;
  std::vector<std::string> found_;
};

bool is_option_name(std::string_view name) {
  if (name.empty() || name[0] < 'a' || name[0] > 'z' || name.back() == '-') return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

void check_canonical_texts(const osiris_option& option, const OptionSpec& spec, Defects& defects) {
  OptionSpec unbounded = spec;  // canonical text carries no unit: a bare number is in the canonical one
  unbounded.bare_unit.clear();
  OptionSpec bounded = unbounded;
  unbounded.minimum.reset();
  unbounded.maximum.reset();
  const auto check = [&](const char* field, osiris_str text, const OptionSpec& limits) {
    if (!text.data) return;
    const auto canonical = canonical_value(limits, abi_view(text), "/");
    if (!canonical.ok()) {
      defects.add(std::string(field) + " '" + abi_copy(text) + "' is wrong: " + canonical.error().message);
    } else if (*canonical != abi_view(text)) {
      defects.add(std::string(field) + " '" + abi_copy(text) + "' is not canonical; write '" + *canonical + "'");
    }
  };
  check("minimum", option.minimum, unbounded);
  check("maximum", option.maximum, unbounded);
  check("default_value", option.default_value, bounded);
}

void check_shared_env(const osiris_option& option, Defects& defects) {
  defects.text(option.shared_env, "shared_env");
  for (const std::string& name : shared_variables(option.shared_env)) {
    if (!is_variable_name(name)) defects.add("shared_env: '" + name + "' is not the name of a variable");
    if (names_a_secret(name)) defects.add("shared_env: " + name + " is the name of a secret; declare it in `secrets`");
  }
}

void check_secret(const osiris_secret* secret, const std::string& where, std::set<std::string>& names,
                  Defects& defects) {
  defects.set_where(where);
  if (!secret) return defects.add("is NULL");
  if (!defects.check_size(secret->size, kSecretEnd)) return;
  const std::string name(defects.text(secret->name, "name", true));
  defects.text(secret->help, "help");
  if (name.empty()) return;
  const bool fine = name[0] >= 'A' && name[0] <= 'Z' && std::all_of(name.begin(), name.end(), [](char c) {
                      return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
                    });
  if (!fine) defects.add("the name '" + name + "' is not [A-Z][A-Z0-9_]*");
  if (!names.insert(name).second) defects.add("the name '" + name + "' is used twice");
}

void check_option(const osiris_option* option, const std::string& where, std::set<std::string>& names,
                  Defects& defects) {
  defects.set_where(where);
  if (!option) return defects.add("is NULL");
  if (!defects.check_size(option->size, kOptionEnd)) return;
  const std::string name(defects.text(option->name, "name", true));
  if (name.empty()) return;
  defects.set_where(where + " '" + name + "'");
  if (!is_option_name(name)) defects.add("the name is not [a-z][a-z0-9-]*");
  if (!names.insert(name).second) defects.add("the name is used twice");
  bool texts_ok = true;
  const std::array<std::pair<const char*, osiris_str>, 6> texts = {{{"help", option->help},
                                                                    {"value_name", option->value_name},
                                                                    {"bare_unit", option->bare_unit},
                                                                    {"default_value", option->default_value},
                                                                    {"minimum", option->minimum},
                                                                    {"maximum", option->maximum}}};
  for (const auto& [field, text] : texts)
    if (defects.text(text, field).size() != text.len) texts_ok = false;
  if (option->flags & OSIRIS_REQUIRED && option->default_value.data) defects.add("is required and has a default");
  if (option->type == OSIRIS_CHOICE && option->choice_count == 0) defects.add("is a choice without choices");
  if (defects.list(option->choices, option->choice_count, "choices")) {
    for (size_t i = 0; i < option->choice_count; ++i)
      if (defects.text(option->choices[i], "choices[" + std::to_string(i) + "]", true).empty()) texts_ok = false;
  } else if (option->choice_count > 0) {
    texts_ok = false;
  }
  if (!texts_ok) return;
  check_shared_env(*option, defects);
  const OptionSpec spec = option_spec("x", *option);
  if (!is_unit_of(spec.type, spec.bare_unit)) defects.add("bare_unit '" + spec.bare_unit + "' is no unit of its type");
  check_canonical_texts(*option, spec, defects);
}

void check_slots(const osiris_adapter_type& type, Defects& defects) {
  const std::array<std::pair<const char*, bool>, 8> slots = {{{"create", type.create},
                                                              {"configure", type.configure},
                                                              {"validate", type.validate},
                                                              {"prepare", type.prepare},
                                                              {"execute", type.execute},
                                                              {"collect", type.collect},
                                                              {"cancel", type.cancel},
                                                              {"destroy", type.destroy}}};
  for (const auto& [name, filled] : slots)
    if (!filled) defects.add(std::string(name) + " is NULL; it is mandatory");
}

}  // namespace

bool is_adapter_id(std::string_view id) {
  if (id.empty() || id.size() > 64 || id[0] < 'a' || id[0] > 'z') return false;
  return std::all_of(id.begin(), id.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

const std::set<std::string, std::less<>>& reserved_adapter_ids() {
  static const std::set<std::string, std::less<>> reserved = {
      "adapter", "adapters",  "allow",      "all",        "artifacts", "attach",      "base",     "budget",  "build",
      "cache",   "check",     "compile",    "components", "config",    "connections", "cost",     "diff",    "dry",
      "env",     "execution", "filesystem", "help",       "home",      "index",       "init",     "input",   "isolate",
      "json",    "keep",      "last",       "log",        "logs",      "materialize", "max",      "memory",  "no",
      "oml",     "osiris",    "out",        "output",     "parallel",  "param",       "pipeline", "plan",    "pool",
      "profile", "quiet",     "report",     "resources",  "resume",    "retention",   "retry",    "rpc",     "run",
      "runs",    "sandboxes", "schema",     "session",    "shard",     "shards",      "source",   "state",   "step",
      "strict",  "target",    "threads",    "timeout",    "trust",     "validate",    "verbose",  "version", "watch",
      "worker"};
  return reserved;
}

bool is_reserved_adapter_id(std::string_view id) { return reserved_adapter_ids().contains(id); }

Status negotiate_abi(const osiris_module* module, std::string_view library) {
  const std::string where(library);
  const std::string speaks = "this osiris speaks " + abi_version_text(kHostAbi);
  if (!module) {
    return Error(Code::kInvalidArgument, where + ": osiris_adapter_main_v1 returned NULL",
                 "report it to the adapter's author");
  }
  if (!OSIRIS_HAS(module, min_host_abi)) {
    return Error(Code::kInvalidArgument,
                 where + ": the module's size is " + std::to_string(module->size) + ", too short to hold its version",
                 "report it to the adapter's author: size must be sizeof(osiris_module)");
  }
  if (module->min_host_abi > kHostAbi) {
    return Error(Code::kUnsupported,
                 where + ": needs adapter ABI " + abi_version_text(module->min_host_abi) + " or newer; " + speaks,
                 "upgrade osiris to one that speaks at least " + abi_version_text(module->min_host_abi));
  }
  if (module->abi >> 16 != kHostAbi >> 16) {
    return Error(Code::kUnsupported, where + ": built for adapter ABI " + abi_version_text(module->abi) + "; " + speaks,
                 module->abi < kHostAbi ? "upgrade the adapter" : "upgrade osiris");
  }
  return {};
}

std::vector<std::string> adapter_defects(const osiris_adapter_type& type) {
  Defects defects("adapter");
  if (!defects.check_size(type.size, kAdapterEnd)) return defects.take();
  const std::string id(defects.text(type.id, "id", true));
  const std::string where = id.empty() ? "adapter" : "adapter '" + id + "'";
  defects.set_where(where);
  if (!id.empty() && !is_adapter_id(id)) {
    defects.add("the id is not [a-z][a-z0-9]*; a hyphen would let two adapters claim one flag");
  } else if (is_reserved_adapter_id(id)) {
    defects.add("the id is reserved: --" + id + "-... and OSIRIS_... belong to osiris itself");
  }
  defects.text(type.name, "name");
  defects.text(type.version, "version", true);
  defects.text(type.summary, "summary");
  check_slots(type, defects);
  if (defects.list(type.secrets, type.secret_count, "secrets")) {
    std::set<std::string> names;
    for (size_t i = 0; i < type.secret_count; ++i)
      check_secret(type.secrets[i], where + " secret " + std::to_string(i), names, defects);
    defects.set_where(where);
  }
  if (defects.list(type.options, type.option_count, "options")) {
    std::set<std::string> names;
    for (size_t i = 0; i < type.option_count; ++i)
      check_option(type.options[i], where + " option " + std::to_string(i), names, defects);
  }
  return defects.take();
}

std::vector<std::string> module_defects(const osiris_module& module) {
  Defects defects("module");
  if (!defects.check_size(module.size, kModuleEnd)) return defects.take();
  if (module.adapter_count == 0) defects.add("holds no adapter");
  if (module.adapter_count > kAdaptersMax) {
    defects.add("claims " + std::to_string(module.adapter_count) + " adapters");
    return defects.take();
  }
  if (!defects.list(module.adapters, module.adapter_count, "adapters")) return defects.take();
  std::vector<std::string> found;
  std::set<std::string> ids;
  for (uint32_t i = 0; i < module.adapter_count; ++i) {
    const osiris_adapter_type* type = module.adapters[i];
    if (!type) {
      defects.add("adapters[" + std::to_string(i) + "] is NULL");
      continue;
    }
    const auto in_type = adapter_defects(*type);
    found.insert(found.end(), in_type.begin(), in_type.end());
    if (type->size >= kAdapterEnd && in_type.empty() && !ids.insert(std::string(abi_view(type->id))).second)
      defects.add("two adapters are called '" + std::string(abi_view(type->id)) + "'");
  }
  const auto in_module = defects.take();
  found.insert(found.end(), in_module.begin(), in_module.end());
  return found;
}

}  // namespace osiris
