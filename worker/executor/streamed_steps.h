// A step and its readers as one statement: rows go from the source to the last reader without being stored
// (docs/decisions/0180-streams-between-steps.md). It ends well for all of them, or nothing of it stays and the steps
// run one after the other.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/executor/sharded_step.h"
#include "worker/executor/step_context.h"
#include "worker/executor/step_runner.h"

namespace osiris::worker {

class StreamedSteps {
 public:
  // The source, which has been prepared. All outlive it.
  StreamedSteps(StepRunner& runner, const PlanStep& step, const StepRunner::Prepared& prepared, StepControl& control)
      : runner_(runner), step_(step), prepared_(prepared), control_(control), held_(runner.clock_) {}
  ~StreamedSteps();
  StreamedSteps(const StreamedSteps&) = delete;
  StreamedSteps& operator=(const StreamedSteps&) = delete;

  // What became of the readers is in `ended`, and of the source in `end`. None ended: it could not be, and `end` is as
  // it was. An error is the source's.
  Status run(const Readers& readers, std::vector<StreamedEnd>& ended, StepEnd& end);
  // What the source has begun and no reader has touched; null: nothing.
  StreamedOutput* unread() { return output_.get(); }
  // Of a source with shards, once it was tried: it goes on from there. Null: it was not.
  ShardedStep* sharded() { return sharded_.get(); }
  // What the source wants to be kept for its next run; null: nothing.
  Json take_state() { return context_ ? context_->take_state() : Json(); }

 private:
  class Reading;

  // False: it was given up in the middle, and has said nothing.
  bool read_along(std::vector<StreamReader>& readers, std::vector<StreamedEnd>& ended);
  Status read(const std::vector<StreamReader>& readers, std::vector<StreamedEnd>& ended);
  Status open();
  Status finish_source();
  std::filesystem::path scratch_dir() const;
  void leave_nothing(const std::vector<StreamReader>& readers);

  StepRunner& runner_;
  const PlanStep& step_;
  const StepRunner::Prepared& prepared_;
  StepControl& control_;
  HeldRecords held_;  // of the source: what it says while it streams counts only if that ends well
  std::optional<StepDatabase> database_;
  std::optional<AttemptContext> context_;
  std::unique_ptr<ShardedStep> sharded_;  // null: the source has no shards
  std::unique_ptr<StreamedOutput> output_;
  bool settles_ = false;                  // the source is read to its end whatever becomes of the stream
  std::optional<StepOutcome> outcome_;    // of the source, once it was finished
  std::optional<Result<KeptFile>> kept_;  // of its rows, where its reader kept them
  std::optional<Error> failure_;          // of the source in the middle of the statement
};

}  // namespace osiris::worker
