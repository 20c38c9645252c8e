// The rows of outputs that two runs wrote differently.
#pragma once

#include <filesystem>
#include <memory>
#include <utility>

#include "host/commands/context.h"
#include "host/commands/look.h"
#include "host/inspection/run_comparison.h"

namespace osiris {

// Looks into files by plans on this machine. The adapter that runs them is loaded when there is something to look into.
class OutputRows {
 public:
  // `limit`: rows shown of each side. `scratch`: a directory for answers.
  OutputRows(const CommandContext& context, uint64_t limit, std::filesystem::path scratch)
      : context_(context), limit_(limit), scratch_(std::move(scratch)) {}

  // Fills `rows`, or `rows_not_compared`, of each pair of files whose bytes differ.
  void compare(RunComparison& comparison, const RecordedRun& left, const RecordedRun& right);

 private:
  Result<Json> difference_of(const OutputPair& pair, const RecordedRun& left, const RecordedRun& right);

  const CommandContext& context_;
  const uint64_t limit_;
  const std::filesystem::path scratch_;
  std::unique_ptr<LocalLook> look_;
};

}  // namespace osiris
