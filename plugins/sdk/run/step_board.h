// What is known of each step of a run while records come in, and in the end the "result" document made of it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "protocol/model/plan.h"
#include "protocol/rpc/messages.h"

namespace osiris::sdk {

// The error of a run, whose step failed first.
Error error_of_run(const std::string& step_id, const Error& error);

class StepBoard {
 public:
  explicit StepBoard(const std::vector<PlanStep>& plan_steps);

  // A record's news. Steps the plan does not name are ignored.
  void started(std::string_view step_id);
  void succeeded(std::string_view step_id, const Json& result);
  void failed(std::string_view step_id, const Error& error);
  void finished(const Json& result);  // the result of `finish`

  // The run ends without answers for some steps: those that ran get `error`; those that never started are skipped
  // because of it, or cancelled with it when the run was.
  void abandon(const Error& error);

  const std::vector<std::string>& ids() const { return ids_; }
  std::vector<std::string> running() const;
  size_t completed() const { return completed_; }
  bool all_succeeded() const { return completed() == ids_.size(); }
  // The first step that failed on its own (neither skipped nor cancelled).
  struct Failure {
    std::string step_id;
    Error error;
  };
  const std::optional<Failure>& first_failure() const { return first_failure_; }
  // Everything the steps declared, in the order of the plan.
  Json artifacts() const;

  // The document "result" (docs/plugin-abi.md). `status`: "success", "failed" or "cancelled".
  Json result_document(std::string_view status, const Json& worker) const;

 private:
  enum class State { kWaiting, kRunning, kSucceeded, kFailed, kSkipped, kCancelled };
  struct Step {
    size_t position = 0;  // in ids_
    State state = State::kWaiting;
    Json metrics;
    Json artifacts;
    std::optional<Error> error;
  };

  Step* find(std::string_view step_id);
  void set_state(Step& step, State state);

  std::vector<std::string> ids_;  // in plan order
  std::map<std::string, Step, std::less<>> steps_;
  std::map<std::string, StepMode, std::less<>> modes_;
  // Kept, because every record of a step asks for them.
  std::set<size_t> running_;  // positions
  size_t completed_ = 0;
  std::optional<Failure> first_failure_;
  std::optional<uint64_t> total_rows_;  // as the worker counted it
};

}  // namespace osiris::sdk
