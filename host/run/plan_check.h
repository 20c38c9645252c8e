// What the worker's engine says of a pipeline's SQL before anything runs: the worker binds it against the columns that
// the inputs will have (osiris-worker --check-plan).
#pragma once

#include <filesystem>

#include "host/compiler/compiler.h"
#include "host/run/worker_binary.h"

namespace osiris {

struct PlanCheck {
  const CompiledPipeline& pipeline;
  const CompileInputs& inputs;
  std::filesystem::path work_dir;  // absolute
  std::filesystem::path worker;
  bool connect = false;  // databases may be asked for the columns of their queries
};

// Adds to `findings`: sql_error for what cannot run whatever the data is, and as a warning what cannot run with the
// types that the first rows of the inputs have; file_error for files that are not what a step's config says. A worker
// that cannot be asked is one warning. Starts no process for a pipeline without SQL and files.
void check_plan(const PlanCheck& check, Diagnostics& findings);

}  // namespace osiris
