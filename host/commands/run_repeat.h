// What a run repeats and what it takes from earlier ones, from the words of the command line to what is said of it.
#pragma once

#include <memory>
#include <string>

#include "host/commands/context.h"
#include "host/commands/run_options.h"
#include "host/run/kept_run.h"

namespace osiris {

// Null where nothing is kept and nothing was asked for. The plan in `inputs` is as it was.
Result<std::unique_ptr<KeptRun>> decide_kept_run(const CommandContext& context, const Workspace& workspace,
                                                 const CompiledPipeline& pipeline, const AdapterInputs& inputs,
                                                 const RepeatOptions& options);

// "Resuming run-000001_01M8…: 8 of 10 steps need not run", a line; empty where every step runs anyway.
std::string repeat_text(const KeptRun& kept, bool resumes);
// {"run_id": of the run that is resumed, "runs": [ids], "taken": […], "done": […], "left_out": […]}
Json repeat_document(const KeptRun& kept);

}  // namespace osiris
