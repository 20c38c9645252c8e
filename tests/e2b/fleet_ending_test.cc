// How a run on several sandboxes ends: they are given back side by side, and none waits for the proof of another one.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/e2b/sandboxed_project.h"

namespace osiris::e2b_test {
namespace {

namespace fs = std::filesystem;

// In the order in which the service answered: "DELETE id", "GET id".
std::vector<std::string> calls_about_ends(const ServerProcess& server) {
  std::vector<std::string> calls;
  const Json requests = server.requests();
  for (const Json& request : requests.items()) {
    const std::string& route = request["route"].as_string();
    const bool is_proof = route == "GET /sandboxes/{id}" && request["status"].as_int() == 404;
    if (is_proof || route == "DELETE /sandboxes/{id}")
      calls.push_back((is_proof ? "GET " : "DELETE ") + request["sandbox"].as_string());
  }
  return calls;
}

TEST(FleetEnding, TheFirstSandboxIsGivenBackBesideTheOthers) {
  auto server = start_server();
  Project project;
  use_server(project, server);
  project.write("out/.keep", "");
  project.write("pipeline.yaml",
                e2e::oml("ending", {"  - id: read\n    component: mock\n    mode: read\n    foreach: {range: {from: 0, "
                                    "to: 6}}\n    config: {rows: 1, text: \"${shard.value}\"}\n",
                                    "  - id: all\n    component: filesystem.csv_writer\n    mode: write\n    config: "
                                    "{path: out/all.csv}\n"}));
  // Proofs take long, so that the union has ended before any of them has come.
  ASSERT_TRUE(
      server
          .set_faults(Json::array({Json::object(
              {{"route", "GET /sandboxes/{id}"}, {"action", Json::object({{"type", "latency"}, {"ms", 1500}})}})}))
          .ok());
  const Outcome outcome = project.osiris(run_arguments("e2b", {"--e2b-sandboxes", "3"}));
  ASSERT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  const std::string rows = project.read("out/all.csv");
  EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), 7) << rows;
  const auto calls = calls_about_ends(server);
  ASSERT_EQ(calls.size(), 6u);
  for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(calls[i].starts_with("DELETE")) << calls[i];
  for (size_t i = 3; i < 6; ++i) EXPECT_TRUE(calls[i].starts_with("GET")) << calls[i];
  EXPECT_FALSE(fs::exists(project.session() / "adapter/shards")) << "rows between parts are left";
  expect_no_sandbox(server);
}

}  // namespace
}  // namespace osiris::e2b_test
