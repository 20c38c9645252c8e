// From what the user wrote to what `configure` receives: flag, then environment, then osiris.yaml, then default, each
// value canonical, each option remembering which of them won. Knows no command-line library: the caller collects the
// flags.
#pragma once

#include <osiris/adapter.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/adapters/option_values.h"
#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris {

enum class OptionSource { kFlag, kEnvironment, kFile, kDefault };
std::string_view option_source_name(OptionSource source);  // "flag", "environment", "file", "default"

// Which file brought a variable into the environment; empty: the process itself has it.
using EnvOrigin = std::function<std::string(std::string_view name)>;
using EnvLookup = std::function<std::optional<std::string>(std::string_view name)>;

struct OptionInputs {
  // (option name without prefix, value), in command-line order. A BOOL flag without value is "true", its negative
  // "false".
  std::vector<std::pair<std::string, std::string>> flags;
  EnvLookup env;                            // unset and empty variables do not count
  EnvOrigin env_origin;                     // null: every variable is the process's own
  Json file;                                // the mapping adapters.<id> of osiris.yaml, or null
  std::filesystem::path working_directory;  // absolute; relative paths of flags and variables start here
  std::filesystem::path project_directory;  // absolute; those of the file
};

struct ResolvedOption {
  OptionSpec spec;
  std::vector<std::string> values;  // canonical; more than one only if repeated
  OptionSource source = OptionSource::kDefault;
  std::string from;  // "--e2b-api-url", "E2B_API_URL", "E2B_API_URL in /project/.env", "adapters.e2b.api_url in
                     // osiris.yaml"; empty: default
};
// "environment: E2B_API_URL in /project/.env"; "flag", "default".
std::string source_text(const ResolvedOption& option);
// The values as people may see them: of a sensitive one, and of a URL, without what is secret.
std::vector<std::string> shown_values(const ResolvedOption& option);

struct ResolvedOptions {
  std::vector<ResolvedOption> options;  // those with a value, in the adapter's order
  std::vector<std::string> warnings;    // deprecated options used, types this host does not know

  const ResolvedOption* find(std::string_view name) const;
  // What configure receives.
  std::vector<std::pair<std::string, std::string>> settings() const;
  // NAMEs of ENV options: the caller adds "env/<NAME>" to the request's secret names.
  std::vector<std::string> env_names() const;
  // Values for the redactor: of sensitive options, and the passwords of URLs in all others.
  std::vector<std::string> sensitive_values() const;
  // {"timeout": {"value": "900", "source": "default"}}; "from" says which variable or key it was. Lists for repeated
  // options, sensitive values and passwords of URLs masked.
  Json to_json() const;
};

// The key of an error's detail that holds the key in osiris.yaml which the error is about, without "adapters.<id>.".
inline constexpr const char* kFileKey = "file_key";

// Every value is checked; the first wrong one is the error (kInvalidArgument), which names the option as the user wrote
// it; detail holds kFileKey where that was in osiris.yaml.
Result<ResolvedOptions> resolve_options(const osiris_adapter_type& type, const OptionInputs& inputs);

}  // namespace osiris
