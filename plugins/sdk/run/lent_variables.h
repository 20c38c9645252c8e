// The variables a user lends to the steps of a run, assembled the same way for every adapter from three options:
//
//   pass-env NAME    the host's own variable, lent through the ABI as the secret "env/NAME"
//   env-from FILE    lines NAME=VALUE
//   env NAME=VALUE   wins over the two above
//
// Values are treated as secrets: they travel in the one message on the worker's stdin and nowhere else.
#pragma once

#include <osiris/sdk/options.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugins/sdk/abi/host.h"
#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris::sdk {

using EnvironmentOptions = adapter_sdk::EnvironmentOptions;

using Variables = std::vector<std::pair<std::string, std::string>>;

// The lines of an env-from file: blank ones, # comments, an optional "export ", values bare, in '...' (nothing is
// special) or in "..." (\n \t \" \\ \$ are escapes). Nothing is expanded. `name` stands before the line number in
// errors, which never quote a value.
Result<Variables> parse_variables(std::string_view text, std::string_view name);

// The names the options lend, sorted and each once; reads the files. For plans and documents.
Result<std::vector<std::string>> environment_names(const EnvironmentOptions& options);

// {"NAME": value}; the caller wipes it. A pass-env variable that is not set is left out and named in a warning.
Result<Json> assemble_environment(const EnvironmentOptions& options, const Host& host);

}  // namespace osiris::sdk
