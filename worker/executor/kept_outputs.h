// Rows of steps that outlive a run (docs/decisions/0222-kept-outputs.md): written as the plan asks, and taken in place
// of running the step. The files are those of relations between workers, so no value and no type is lost.
#pragma once

#include "worker/executor/run.h"
#include "worker/executor/step_runner.h"

namespace osiris::worker {

// What a file of so many rows is that was written for a step; an error where it must not be kept.
Result<KeptFile> kept_file(const PlanStep& step, const std::filesystem::path& file, uint64_t rows);

// Writes the rows of a step that has succeeded into the session's artifacts, unless they were kept on their way, and
// says so (output_kept), or why not (output_not_kept): that is no failure of the step. Blocking.
void keep_output(const Run& run, const PlanStep& step, const StepEnd& end, RecordSink& sink);

// What running the step would have come to, of one that does not run. Blocking.
StepEnd take_output(const Run& run, const PlanStep& step, RecordSink& sink);

}  // namespace osiris::worker
