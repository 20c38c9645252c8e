// What an adapter is told: the compiled pipeline turned into a plan (manifest_json of the adapter ABI) and its
// connections (connections_json), plus what a dry run shows. Secret values are not in it; Connections::secret_value has
// them.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "host/compiler/compiler.h"
#include "protocol/model/plan.h"

namespace osiris {

struct AdapterInputs {
  Plan plan;
  std::map<std::string, std::vector<std::string>> packages;  // by step: what has to be installed where it runs
  std::vector<std::string> stateful;                         // steps that keep a state from run to run
  Json connections_json;                                     // {"connections":{...},"env":[names],"secret_names":[...]}
  std::vector<std::string> secret_names;                     // sorted
  std::vector<std::string> hosts;                            // sorted, distinct
};

struct AdapterInputOptions {
  std::filesystem::path work_dir;      // absolute; relative paths of the pipeline start here
  std::vector<std::string> env_names;  // variables passed to steps; only names are written
  bool without_connections = false;    // leaves out what does not resolve: for a check that connects to nothing
};

// The pipeline must have been compiled with ConnectionCheck::kResolves.
Result<AdapterInputs> make_adapter_inputs(const CompiledPipeline& pipeline, const CompileInputs& inputs,
                                          const AdapterInputOptions& options);

}  // namespace osiris
