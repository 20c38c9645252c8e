// Two recorded runs held against each other.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/inspection/recorded_run.h"

namespace osiris {

// One thing that differs. A side is null where it has no such thing.
struct RunDifference {
  std::string what;  // "step clean: rows"
  Json left, right;
};

// A file that both runs wrote, or one of them, by step and path.
struct OutputPair {
  std::string step_id, path;
  std::optional<Artifact> left, right;

  bool has_same_bytes() const {
    return left && right && left->size_bytes == right->size_bytes && left->sha256 == right->sha256;
  }
  Json rows;                      // the document of the worker's driver difference; null: none was made
  std::string rows_not_compared;  // why, where the bytes differ; empty: there is no reason to say
};

struct RunComparison {
  std::vector<RunDifference> plan, steps, events;
  std::vector<OutputPair> outputs;

  bool has_same_outputs() const;
  bool is_same() const { return plan.empty() && steps.empty() && events.empty() && has_same_outputs(); }
};

// Of each step's events the first that differ are in it. Rows of outputs are not compared.
RunComparison compare_runs(const RecordedRun& left, const RecordedRun& right);

// {"same", "plan": [{"what", "left", "right"}], "steps", "events", "outputs": [{"step_id", "path", "same", "left":
// {"size_bytes", "sha256"} or null, "right", "rows", "rows_not_compared"}]}
Json to_json(const RunComparison& comparison);

}  // namespace osiris
