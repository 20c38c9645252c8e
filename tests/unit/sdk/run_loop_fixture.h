// A run of three steps whose worker is a real process that follows a script (scripted_worker.cc).
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "plugins/sdk/channel/process_channel.h"
#include "plugins/sdk/run/run_loop.h"
#include "tests/unit/base/process_group.h"
#include "tests/unit/sdk/recording_host.h"

namespace osiris::sdk {

inline constexpr const char* kSteps[] = {"a", "b", "c"};

inline std::string build_path(const std::string& name) {
  return std::string(std::getenv("OSIRIS_BUILD_DIR")) + "/" + name;
}

inline std::vector<PlanStep> plan_steps() {
  std::vector<PlanStep> steps;
  for (const char* id : kSteps) {
    steps.emplace_back().id = id;
    steps.back().mode = StepMode::kExtract;
  }
  return steps;
}

class RunLoopTest : public testing::Test {
 protected:
  RunLoopTest() {
    options_.open_after_hello = true;
    options_.worker_name = "w";
    opening_.prepare.run_id = "run_1";
    opening_.prepare.session_dir = opening_.prepare.work_dir = "/tmp";
    Plan plan;
    plan.steps = plan_steps();
    opening_.prepare.plan = to_json(plan);
    opening_.prepare.worker_version = "1.2.3";
    for (const char* id : kSteps) opening_.step_ids.push_back(id);
  }

  RunOutcome run(const std::string& script) {
    auto channel = ProcessChannel::start({.path = build_path("tests/scripted_worker"),
                                          .arguments = {script},
                                          .environment = {},
                                          .working_directory = "/"},
                                         waker_);
    EXPECT_TRUE(channel.ok());
    pid_ = (*channel)->pid();
    RunLoop loop(host_, **channel, waker_, wire_log_, options_);
    return loop.run(plan_steps(), opening_);
  }

  // Cancels as the host does: the flag first, then the nudge.
  void cancel_when(std::string_view event, std::string_view step) {
    EXPECT_TRUE(recording_.wait_for(event, step));
    recording_.cancel();
    waker_.wake();
  }

  bool is_gone() const { return test::group_is_gone(pid_); }
  std::string status_of(const RunOutcome& outcome, size_t step) const {
    return outcome.result["steps"].items().at(step)["status"].as_string();
  }

  test::RecordingHost recording_;
  Host host_{recording_.table()};
  Waker waker_;
  WireLog wire_log_;
  RunLoopOptions options_;
  Opening opening_;
  pid_t pid_ = 0;
};

}  // namespace osiris::sdk
