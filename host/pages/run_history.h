// All that the record of one run tells, put in order: from its session (docs/sessions.md), its summary, and its line of
// the index. Nothing is made up: what the record does not say stays empty. A session that ends in the middle (its host
// died) is read like any other.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/display/graph.h"
#include "host/pages/series.h"
#include "host/pages/session_steps.h"
#include "host/project/run_index.h"
#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "protocol/model/artifact.h"

namespace osiris {

// A stretch of the run that is no step: compiling, making a sandbox, sending files. Seconds count from the first event.
struct RunPhase {
  std::string name;  // "sandbox created"
  double start_s = 0, end_s = 0;
  bool has_ended = true;
  std::string detail;  // "bytes 1234, files 3"
};

// What went wrong, or nearly. Equal ones are one, with how often they came.
struct RunNotice {
  bool is_error = false;
  std::string step_id;  // empty: of the run
  std::string message, hint, category;
  double at_s = 0;  // of the first
  uint64_t count = 1;
};

struct HeldResource {
  std::string kind, id, expires, cleanup;
  double acquired_s = 0;
  std::optional<double> released_s;  // nullopt: the record has no release
  bool is_verified = false;
  bool is_kept = false;  // for the next run
};

struct RunHistory {
  RunRecord record;
  std::string title;  // the pipeline's name as it was written
  std::string adapter, adapter_version;
  Json options = Json::object();  // the adapter's, as adapter_selected has them
  Json status;                    // status.json; null: the run never wrote one
  double length_s = 0;            // to the last event
  std::vector<SessionStep> steps;
  std::vector<GraphStep> graph;  // of the manifest, in its order; empty: the run had none
  std::vector<RunPhase> phases;
  std::vector<Sample> rows, bytes;                        // done so far, at each step's or file's end
  std::vector<Sample> memory_bytes, spill_bytes, cpu_ms;  // as the worker said
  std::vector<RunNotice> notices;                         // errors first
  uint64_t notices_left_out = 0;
  std::vector<HeldResource> resources;
  std::vector<Artifact> outputs;
  std::map<std::string, uint64_t> event_counts;
  std::map<std::string, double> totals;  // the last value of each metric that belongs to no step

  // Seconds since the first event; 0 for what cannot be read or was before it.
  double seconds_at(std::string_view time) const;
  int64_t began_unix_ns = 0;
};

// kNotFound when the session is gone.
Result<RunHistory> read_run_history(const RunRecord& record);

}  // namespace osiris
