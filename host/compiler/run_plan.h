// What an adapter is told: the compiled pipeline turned into the two documents of the adapter ABI (manifest_json and
// connections_json), plus what a dry run shows. Secret values are not in it; Connections::secret_value has them.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "host/compiler/compiler.h"

namespace osiris {

struct PlannedStep {
  const CompiledStep* step = nullptr;         // of the pipeline the plan was made from
  std::map<std::string, std::string> inputs;  // relation name ("df_read") -> step it comes from
  std::vector<std::string> input_names;       // keys of `inputs` in the order of needs
  std::vector<StepFile> input_files;
  std::vector<StepFile> outputs;
  std::vector<std::string> packages;  // that have to be installed where it runs
  std::string connection;          // key into connections_json; empty: none
  std::vector<std::string> hosts;  // "db.example.org:3306"
};

struct RunPlan {
  std::vector<PlannedStep> steps;  // in execution order
  Json manifest_json;
  Json connections_json;                  // {"connections":{...},"env":[names],"secret_names":[...]}
  std::vector<std::string> secret_names;  // sorted
  std::vector<std::string> hosts;         // sorted, distinct
};

struct RunPlanOptions {
  std::filesystem::path work_dir;      // absolute; relative paths of the pipeline start here
  std::vector<std::string> env_names;  // variables passed to steps; only names are written
};

// The pipeline must have been compiled with ConnectionCheck::kResolves. `pipeline` must outlive the plan.
Result<RunPlan> make_run_plan(const CompiledPipeline& pipeline, const CompileInputs& inputs,
                              const RunPlanOptions& options);

}  // namespace osiris
