// The proof that a run's outputs are there: what the plan says a run writes, what its worker was seen to write
// (`output_written`) and what the adapter says has arrived (the document "artifacts"), compared with each other and
// with the bytes on the disk, which the host reads itself. No adapter's or worker's word replaces that.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/run/step_tally.h"
#include "protocol/base/error.h"
#include "protocol/model/artifact.h"
#include "protocol/model/plan.h"

namespace osiris {

// A file that a step of the plan writes.
struct PlannedOutput {
  std::string step_id;
  std::string path;              // as the pipeline wrote it
  std::filesystem::path target;  // absolute
  bool is_directory = false;     // of files that only the step knows
};

class OutputHashes;

// In the order of the plan.
std::vector<PlannedOutput> planned_outputs(const Plan& plan);

// For a run whose steps have all completed: reads every output once, those in `hashes` (null: none) before. `reported`:
// the "files" of the artifacts document. The error is kInternal and names up to five outputs that are missing or
// differ, each with its reason.
Status prove_outputs(const std::vector<PlannedOutput>& planned, const std::vector<StepState>& steps,
                     const std::vector<Artifact>& reported, OutputHashes* hashes = nullptr);

}  // namespace osiris
