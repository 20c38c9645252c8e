// osiris run --dry-run: what a run would do. Changes nothing on this machine or at a service.
#pragma once

#include "host/adapters/options.h"
#include "host/commands/context.h"
#include "host/commands/explanation.h"
#include "host/compiler/adapter_inputs.h"

namespace osiris {

struct DryRun {
  const CompiledPipeline& pipeline;
  const AdapterInputs& inputs;
  std::string adapter;
  std::vector<std::string> adapter_secrets;  // names the adapter may ask for
  const ResolvedOptions& options;
  std::filesystem::path work_dir;
  Explanation explanation;  // of the adapter
};

int show_dry_run(const CommandContext& context, const DryRun& dry_run);

}  // namespace osiris
