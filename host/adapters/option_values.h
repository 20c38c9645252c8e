// An adapter's option as people see it (flag, variable, config key), and the parsing of its values into the canonical
// text of the ABI: the plugin's own parsing becomes trivial, and every adapter accepts "15m" and "1.5GiB" alike.
#pragma once

#include <osiris/adapter.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"

namespace osiris {

struct OptionSpec {
  std::string adapter;                  // "e2b"
  std::string name;                     // "install-deps"
  std::string flag;                     // "--e2b-install-deps"
  std::string negative_flag;            // "--no-e2b-install-deps" for BOOL, else empty
  std::string env;                      // "OSIRIS_E2B_INSTALL_DEPS"
  std::vector<std::string> shared_env;  // {"https_proxy", "HTTPS_PROXY"}: other tools' names, read where `env` is unset
  std::string key;                      // "adapters.e2b.install_deps"; with '-' it is accepted too
  uint32_t type = OSIRIS_TEXT;          // OSIRIS_TEXT ...; a type this host does not know is taken as text
  bool required = false;
  bool repeated = false;
  bool deprecated = false;
  bool hidden = false;
  bool sensitive = false;
  std::string help;
  std::string value_name;                                      // "SECONDS"; never empty, but for BOOL
  std::string bare_unit;                                       // "GiB"; empty: the canonical unit
  std::optional<std::string> default_value, minimum, maximum;  // canonical
  std::vector<std::string> choices;
};

// `option` must be free of defects (module_check.h).
OptionSpec option_spec(std::string_view adapter_id, const osiris_option& option);
// The variables it is read from, in order of precedence.
std::vector<std::string> variables_of(const OptionSpec& spec);
// Of every option, in the adapter's order.
std::vector<OptionSpec> option_specs(const osiris_adapter_type& type);

// A secret of the adapter's own.
struct SecretSpec {
  std::string name, help;
  bool required = false;
};
std::vector<SecretSpec> secret_specs(const osiris_adapter_type& type);

// [A-Za-z_][A-Za-z0-9_]*
bool is_variable_name(std::string_view name);
// The names in an option's `shared_env`.
std::vector<std::string> shared_variables(osiris_str shared_env);

// "text", "int", ... "json".
std::string_view option_type_name(uint32_t type);
bool is_known_option_type(uint32_t type);
// May a number of this type carry the unit? Empty always may.
bool is_unit_of(uint32_t type, std::string_view unit);

// Checks and canonicalises one value. Relative paths start in `base_directory` (absolute). The error says what is wrong
// with the value, not where it came from.
Result<std::string> canonical_value(const OptionSpec& spec, std::string_view text,
                                    const std::filesystem::path& base_directory);

}  // namespace osiris
