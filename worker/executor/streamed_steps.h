// A step and its readers as one statement: rows go from the source to the last reader without being stored
// (docs/decisions/0180-streams-between-steps.md). It ends well for all of them, or nothing of it stays and the steps
// run one after the other.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/executor/step_runner.h"

namespace osiris::worker {

class StreamedSteps {
 public:
  // The source, which has been prepared. All outlive it.
  StreamedSteps(StepRunner& runner, const PlanStep& step, const StepRunner::Prepared& prepared, StepControl& control)
      : runner_(runner), step_(step), prepared_(prepared), control_(control) {}

  // What became of the readers, and in `end` of the source. Empty: it could not be, and `end` is as it was.
  std::vector<StreamedEnd> run(const ClaimReaders& claim, StepEnd& end);

 private:
  class Reading;

  Status read(const std::vector<StreamReader>& readers, std::vector<StreamedEnd>& ended);
  Status finish_source();
  void leave_nothing(const std::vector<StreamReader>& readers);

  StepRunner& runner_;
  const PlanStep& step_;
  const StepRunner::Prepared& prepared_;
  StepControl& control_;
  std::unique_ptr<StreamedOutput> output_;
  std::optional<StepOutcome> outcome_;  // of the source, once it was finished
};

}  // namespace osiris::worker
