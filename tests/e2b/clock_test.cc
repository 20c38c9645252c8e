// The wall clock is set while a run in a sandbox goes on. The adapter has a deadline of its own and renews a lease.
#include <gtest/gtest.h>

#include <cmath>

#include "protocol/base/file.h"
#include "tests/e2b/sandboxed_project.h"
#include "tests/e2e/jumping_clock.h"
#include "tests/support/eventually.h"

namespace osiris::e2b_test {
namespace {

class SandboxClockJump : public testing::TestWithParam<int> {
 protected:
  SandboxClockJump() {
    use_server(project, server);
    project.write("pipeline.yaml", e2e::oml("wait", {e2e::mock_step("a", "wait_for: /home/user/go, rows: 1")}));
  }
  void let_go(size_t count) const {
    const Json sandboxes = server.sandboxes();
    ASSERT_EQ(sandboxes.size(), count);
    for (const Json& sandbox : sandboxes.items()) {
      const std::filesystem::path root = std::filesystem::path(sandbox["directory"].as_string()) / "root";
      ASSERT_TRUE(write_file_atomically(root / "home/user/go", "").ok());
    }
  }

  ServerProcess server = start_server();
  Project project;
  e2e::JumpingClock clock{project};
};

TEST_P(SandboxClockJump, ChangesNothing) {
  auto running = project.start(run_arguments("e2b", {"--e2b-heartbeat-ms", "200", "--e2b-lease", "30"}));
  running.until("a: Starting");
  clock.jump(GetParam());
  clock.await_two_heartbeats();
  let_go(1);
  const Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_LT(std::abs(clock.seen_jump_s() - GetParam()), 5) << "the test itself set no clock";
  EXPECT_TRUE(Project::events(project.session(), "sandbox_replaced").empty());
  expect_no_sandbox(server);
}

TEST_P(SandboxClockJump, ChangesNothingForShardsInTwo) {
  project.write("pipeline.yaml",
                e2e::oml("wait", {"  - id: a\n    component: mock\n    mode: read\n    foreach: {range: {from: 0, to: "
                                  "2}}\n    config: {wait_for: /home/user/go, rows: 1, text: \"${shard.value}\"}\n"}));
  auto running = project.start(run_arguments("e2b", {"--e2b-sandboxes", "2", "--e2b-lease", "6"}));
  const auto calls = [&](const char* route, int64_t count) {
    return test::eventually([&] { return server.count(route) >= count || !e2e::is_alive(running.pid()); });
  };
  ASSERT_TRUE(calls("POST /process.Process/StreamInput", 2));
  clock.jump(GetParam());
  constexpr const char* kRenewal = "POST /sandboxes/{id}/timeout";
  ASSERT_TRUE(calls(kRenewal, server.count(kRenewal) + 4)) << "both leases go on";
  let_go(2);
  const Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_LT(std::abs(clock.seen_jump_s() - GetParam()), 5) << "the test itself set no clock";
  EXPECT_TRUE(Project::events(project.session(), "sandbox_replaced").empty());
  EXPECT_EQ(Project::events(project.session(), "shard_complete").size(), 2u);
  expect_no_sandbox(server);
}

INSTANTIATE_TEST_SUITE_P(Both, SandboxClockJump, testing::Values(1000, -1000),
                         [](const auto& row) { return row.param > 0 ? "Forward" : "Back"; });

}  // namespace
}  // namespace osiris::e2b_test
