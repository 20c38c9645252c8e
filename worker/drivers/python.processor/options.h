// The step's config, read once. The host has checked it against spec.yaml; a worker takes plans from others too, so
// what would be dangerous if it were wrong (types that become SQL, requirements that become arguments) is checked
// again.
#pragma once

#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "worker/drivers/program/contract.h"

namespace osiris::worker::python {

struct Options {
  std::string script;  // a path of the pipeline; empty: `code` is the script
  std::string code;
  std::vector<std::string> requirements;  // sorted, each once
  std::string python = "python3";
  std::vector<std::string> args;
  program::Contract contract;
};

// kInvalidArgument with the key's name.
Result<Options> read_options(const Json& config);

}  // namespace osiris::worker::python
