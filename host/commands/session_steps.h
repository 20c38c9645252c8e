// What became of each step of a run, read from its session: ours and Python Osiris'.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris {

struct SessionStep {
  std::string id;
  std::string status = "running";  // "complete", "failed", "skipped", "cancelled"; "running": it never ended
  std::optional<uint64_t> rows;    // nullopt: nothing in the session says
  std::optional<double> duration_s;
  std::string error;
};

struct SessionSteps {
  std::vector<SessionStep> steps;  // in the order in which they were first heard of
  std::string adapter;             // empty: nothing in the session says
};

// From events.jsonl and metrics.jsonl. A session of Python Osiris has a step's rows in metrics, which often do not
// name the step: then they are those of the only step that was running at the time.
Result<SessionSteps> read_session_steps(const std::filesystem::path& session);

// {"step_id","status","rows","duration_s"} of each; unknown is null.
Json to_json(const std::vector<SessionStep>& steps);

}  // namespace osiris
