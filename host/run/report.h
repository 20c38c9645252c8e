// What a run came to, and the documents made of it: the aiop summary and its run card, and the result of `run --json`.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "host/run/masking.h"
#include "host/run/resources.h"
#include "host/run/status.h"
#include "host/run/step_tally.h"
#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "protocol/model/artifact.h"

namespace osiris {

struct RunReport {
  std::string run_id;
  std::filesystem::path session_dir, compiled_dir, aiop_dir;
  std::string pipeline_id, pipeline_name, profile, manifest_hash, manifest_short, adapter;
  std::string started_at;  // ISO 8601
  RunVerdict verdict;
  std::optional<Error> error;
  std::string phase;  // "compile" or "execute"
  std::vector<StepState> steps;
  uint64_t total_rows = 0;
  std::vector<Artifact> outputs;  // as the adapter reported them
  Json options = Json::object();  // the adapter's, with where each value came from
  double compile_seconds = 0, execute_seconds = 0, total_seconds = 0;
  Json released = Json::array();  // remote resources that were given back or kept, as the artifacts document says
  Json cost;                      // of resource_cost; null: nothing was told
  std::vector<RemoteResource> unreleased;
  std::vector<std::string> warnings;
};

// summary.json, masked.
Json summary_document(const RunReport& report, const Masking& masking);
// run-card.md, masked.
std::string run_card(const RunReport& report, const Masking& masking);
// Both, into report.aiop_dir.
Status write_summary(const RunReport& report, const Masking& masking);
// The document of `osiris run --json`, masked.
Json result_document(const RunReport& report, const Masking& masking);

}  // namespace osiris
