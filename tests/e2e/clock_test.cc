// The wall clock is set while a run goes on, as by a time service or after a resume: nothing ends early, nothing ends
// late.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/e2e/jumping_clock.h"

namespace osiris::e2e {
namespace {

class ClockJump : public testing::TestWithParam<int> {
 protected:
  ClockJump() {
    project_.write("wait.yaml", oml("wait", {mock_step("a", "wait_for: go, rows: 1", "", "timeout: 600")}));
    project_.write("hang.yaml", oml("hang", {mock_step("a", "hang: politely")}));
  }
  void expect_jumped() const {
    EXPECT_LT(std::abs(clock_.seen_jump_s() - GetParam()), 5) << "the test itself set no clock";
  }

  Project project_;
  JumpingClock clock_{project_};
};

TEST_P(ClockJump, ChangesNothingOfARunWithADeadline) {
  Running run = project_.start({"run", "wait.yaml", "--allow-mock", "--timeout", "600"});
  run.until("a: Starting");
  clock_.jump(GetParam());
  clock_.await_two_heartbeats();
  project_.write("go", "");
  const Outcome outcome = run.end();
  EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  expect_jumped();
}

TEST_P(ClockJump, KeepsNoRunBeyondItsDeadline) {
  Running run = project_.start({"run", "hang.yaml", "--allow-mock", "--timeout", "3"});
  run.until("a: Starting");
  clock_.jump(GetParam());
  const Outcome outcome = run.end();
  EXPECT_EQ(outcome.exit, 124) << outcome.out << outcome.err;
  const Json end = Project::events(project_.session(), "run_end").at(0);
  EXPECT_GE(end["duration_seconds"].as_double(), 2.9);
  expect_jumped();
}

INSTANTIATE_TEST_SUITE_P(Both, ClockJump, testing::Values(1000, -1000),
                         [](const auto& row) { return row.param > 0 ? "Forward" : "Back"; });

}  // namespace
}  // namespace osiris::e2e
