// What became of each step of a run, read from its session: ours and Python Osiris'.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris {

struct SessionStep {
  std::string id;
  std::string status = "running";  // "complete", "failed", "skipped", "cancelled"; "running": it never ended
  std::optional<uint64_t> rows;    // nullopt: nothing in the session says
  std::optional<double> duration_s;
  std::string error, category, hint;
  std::string cause;           // of a skipped one: the step that failed first
  std::string driver;          // empty: nothing says
  std::string reused_run_id;   // it did not run: the run that did; empty: it ran
  std::string started, ended;  // time stamps as the session has them; empty: it did not
  int attempts = 1;
  struct FailedShard {
    std::string shown;  // "9 (in/7.csv)"
    std::string error;
  };
  std::vector<FailedShard> failed_shards = {};  // of one that went on without them
};

struct SessionSteps {
  std::vector<SessionStep> steps;  // in the order in which they were first heard of
  std::string adapter;             // empty: nothing in the session says
};

// Takes the records of a session one by one, events before metrics. A session of Python Osiris has a step's rows in
// metrics, which often do not name the step: then they are those of the only step that was running at the time.
class SessionStepsReader {
 public:
  void event(const Json& event);
  void metric(const Json& metric);
  SessionSteps result() &&;

 private:
  // The most telling first.
  static constexpr std::array kRowMetrics = {"rows_written", "rows_out", "rows_processed", "rows_read"};
  struct Observed {
    SessionStep step;
    std::array<std::optional<uint64_t>, kRowMetrics.size()> rows;
  };
  Observed& of(const std::string& id);
  void end(const Json& event, const char* status);
  Observed* step_of(const Json& metric);

  std::vector<Observed> steps_;
  std::unordered_map<std::string, size_t> places_;
  SessionSteps result_;
};

// From events.jsonl and metrics.jsonl.
Result<SessionSteps> read_session_steps(const std::filesystem::path& session);

// {"step_id","status","rows","duration_s"} of each, and "reused_from" of those that did not run; unknown is null.
Json to_json(const std::vector<SessionStep>& steps);

}  // namespace osiris
