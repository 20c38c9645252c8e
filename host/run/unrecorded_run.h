// A plan that is run for its answer: nothing of it is recorded, and its session goes with it. A check of a connection
// and a look at a step's rows are such runs; adapters cannot tell them from others.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "host/compiler/adapter_inputs.h"
#include "host/run/adapter_run.h"
#include "host/run/step_tally.h"
#include "protocol/base/error.h"

namespace osiris {

class UnrecordedRun {
 public:
  explicit UnrecordedRun(RunMeans means);

  // As AdapterRun's; set before run().
  std::function<void(AdapterInstance&, const AdapterRequest&)> accepted;

  // Once. The run's id begins with `purpose`. An error says that nothing was started; what became of the plan is in the
  // result, whose outputs are proved where the plan has any.
  Result<StagesResult> run(const AdapterInputs& plan, const std::string& purpose, int64_t deadline_monotonic_ns);

  // [any thread]
  void stop(StopReason reason) { adapter_run_.stop(reason); }
  // [any thread] The remote resources that the adapter holds, as lines for the user.
  std::string unreleased_text() const;

  // After run().
  std::vector<StepState> steps() const { return tally_.steps(); }
  const std::vector<std::string>& misbehaviours() const { return adapter_run_.misbehaviours(); }
  const Masking& masking() const { return masking_; }

 private:
  StagesResult run_stages(const AdapterInputs& plan, AdapterRequest request);

  const RunMeans means_;
  Masking masking_;
  RunLog log_;  // never opened: it keeps nothing
  StepTally tally_;
  AdapterRun adapter_run_;
};

}  // namespace osiris
