// What the record of a run holds that another run of the pipeline should hold too.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "host/pages/session_steps.h"
#include "host/project/run_index.h"
#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "protocol/model/artifact.h"

namespace osiris {

// A step as the manifest has it, and its config.
struct RecordedStep {
  std::string id, component;
  std::vector<std::string> needs;
  Json config;  // null: its build is gone
};

// Events as text, each without what names one run alone: times, durations, ids, and what adapters tell of getting a
// worker and giving it back.
struct RecordedEvents {
  std::map<std::string, std::vector<std::string>> steps;  // by step, in their order
  std::vector<std::string> run;                           // the others, sorted
};

struct RecordedRun {
  RunRecord record;
  std::string adapter;
  std::vector<RecordedStep> plan;  // in the manifest's order
  std::vector<SessionStep> steps;
  RecordedEvents events;
  std::vector<Artifact> outputs;
};

struct RecordedStepName {
  std::string id, component;
};
// The names alone, for a shell that waits for them: neither a tree of the manifest is built nor a config read. None
// where the session has no manifest.
std::vector<RecordedStepName> read_recorded_names(const std::filesystem::path& session);

// The steps of a session's manifest; none where it has no manifest.
std::vector<RecordedStep> read_recorded_plan(const std::filesystem::path& session);

// kNotFound when the session is gone.
Result<RecordedRun> read_recorded_run(const RunRecord& record);

}  // namespace osiris
