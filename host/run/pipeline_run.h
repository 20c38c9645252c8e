// One run of a compiled pipeline through one adapter, from the run directory to the last record of the index.
//
// The order matters: the record says "running" before any remote resource can be acquired, everything that happens is
// written as it happens, and the verdict is computed from what was seen. However the run ends, short of the host's
// death, its session is complete.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "host/compiler/adapter_inputs.h"
#include "host/compiler/compiler.h"
#include "host/run/adapter_run.h"
#include "host/run/kept_run.h"
#include "host/run/pipeline_state.h"
#include "host/run/report.h"
#include "host/run/run_log.h"
#include "host/run/session.h"
#include "host/run/step_tally.h"

namespace osiris {

struct RunInputs {
  RunMeans means;
  const CompiledPipeline& pipeline;
  const AdapterInputs& sent;          // to the adapter
  std::optional<Error> cannot_start;  // there is no worker: the run is recorded, as one that failed
  StartTime started;
  int64_t deadline_monotonic_ns = 0;  // 0: none
  double compile_seconds = 0;
  bool debug = false;
  KeptRun* kept = nullptr;         // what is taken from earlier runs and left for later ones; null: nothing
  PipelineState* state = nullptr;  // held for the time of the run; null: no step keeps one
};

class PipelineRun {
 public:
  // `log` and `tally` as far as they got; all must outlive the object.
  PipelineRun(RunLog& log, Masking& masking, StepTally& tally, const Clock& clock)
      : log_(log), masking_(masking), tally_(tally), clock_(clock), adapter_run_(log, masking, tally, clock) {}

  // Takes progress lines for the user; set before run().
  std::function<void(std::string, bool important)> say;

  // Fails only where no session could be made; everything later is in the report.
  Result<RunReport> run(const RunInputs& inputs);

  // [any thread] Stops the run: sets the flag, wakes the adapter.
  void stop(StopReason reason) { adapter_run_.stop(reason); }
  // [any thread] The remote resources the adapter still holds, as lines for the user.
  std::string unreleased_text() const;

 private:
  StagesResult run_stages(const RunInputs& inputs, Session& session, OutputHashes& hashes);

  RunLog& log_;
  Masking& masking_;
  StepTally& tally_;
  const Clock& clock_;
  AdapterRun adapter_run_;
  std::string adapter_;
};

// A run that ended before it had a pipeline: the session with the findings, recorded like any other. `error` says how
// many.
Result<RunReport> record_failed_compile(const Project& project, const std::filesystem::path& file,
                                        const std::string& profile, const std::string& adapter, const Error& error,
                                        const StartTime& started, RunLog& log, const Masking& masking,
                                        const Clock& clock);

}  // namespace osiris
