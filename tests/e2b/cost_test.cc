// What a run in a sandbox is said to cost, before, while and after it; and a cap on it, against the local server.
//
// By these tests' prices a second of a sandbox is two cents. With --e2b-connect-timeout 1 the service may be 76 s late:
// a cap of $1.84 is 92 s, of which 16 s are there to be used.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>

#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "tests/e2b/sandboxed_project.h"
#include "tests/e2e/jumping_clock.h"
#include "tests/support/eventually.h"

namespace osiris::e2b_test {
namespace {

namespace fs = std::filesystem;
using e2e::Running;

class Cost : public testing::Test {
 protected:
  Cost() {
    use_server(project, server);
    fs::create_directory(project.dir() / "out");
    project.write("pipeline.yaml", e2e::oml("one", {e2e::mock_step("a", "write: out/a.txt, text: hello")}));
    project.write("half.yaml", e2e::oml("half", {e2e::mock_step("a", "write: out/a.txt, text: hello"),
                                                 e2e::mock_step("b", "hang: politely")}));
  }

  std::vector<std::string> arguments(const std::string& file, const std::vector<std::string>& more) const {
    std::vector<std::string> all =
        run_arguments("e2b",
                      {"--e2b-price-cpu", "0.01", "--e2b-price-mem", "0", "--e2b-price-date", "2026-11-30",
                       "--e2b-connect-timeout", "1", "--e2b-lease", lease, "--e2b-cost-reserve", "4"},
                      file);
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Outcome run(const std::vector<std::string>& more = {}, const std::string& file = "pipeline.yaml") const {
    return project.osiris(arguments(file, more));
  }
  size_t creates() const {
    size_t found = 0;
    const Json requests = server.requests();
    for (const Json& request : requests.items()) found += request["route"].as_string() == "POST /v2/sandboxes";
    return found;
  }
  Json summary() const { return *parse_json(project.read(newest("aiop", "summary.json"))); }
  fs::path newest(const std::string& below, const std::string& name) const {
    fs::path found;
    for (const auto& entry : fs::recursive_directory_iterator(project.dir() / below))
      if (entry.path().filename() == name && (found.empty() || fs::last_write_time(found) < entry.last_write_time()))
        found = entry.path();
    return found;
  }
  void expect_refused(const Outcome& outcome, int exit, const std::string& why) const {
    EXPECT_EQ(outcome.exit, exit) << outcome.out << outcome.err;
    EXPECT_NE(outcome.err.find(why), std::string::npos) << outcome.err;
    EXPECT_EQ(creates(), 0u);
  }

  std::string lease = "4";  // seconds
  ServerProcess server = start_server();
  Project project;
};

// ---- Before

TEST_F(Cost, ADryRunSaysWhatEarlierRunsLetExpect) {
  Outcome told = project.osiris(run_arguments("e2b", {"--dry-run"}));
  EXPECT_EQ(told.exit, 0) << told.err;
  EXPECT_NE(told.out.find("cost: no history of this pipeline: one sandbox of 2 vCPU, 512 MiB costs $0.11 an hour; by "
                          "E2B's public prices of 2025-12: osiris's table, not E2B's invoice"),
            std::string::npos)
      << told.out;
  ASSERT_EQ(run().exit, 0);
  ASSERT_EQ(run().exit, 0);
  server.clear_requests();
  told = run({"--dry-run", "--max-cost", "5"});
  EXPECT_NE(told.out.find("in the last 2 runs)"), std::string::npos) << told.out;
  EXPECT_NE(told.out.find("your own prices of 2026-11-30"), std::string::npos) << told.out;
  EXPECT_NE(told.out.find("--max-cost $5.00 is for 4 min 10 s at most"), std::string::npos) << told.out;
  const Json cost = run({"--dry-run", "--json"}).json()["explanation"]["cost"];
  EXPECT_EQ(cost["runs"].as_int(), 2);
  EXPECT_GT(cost["estimate"]["median"].as_double(), 0);
  EXPECT_LE(cost["estimate"]["min"].as_double(), cost["estimate"]["max"].as_double());
  EXPECT_EQ(server.requests().size(), 0u) << "nothing is asked of the service";
}

TEST_F(Cost, ACapBelowOneLeaseIsRefusedWithTheNumbers) {
  expect_refused(run({"--max-cost", "1.6"}), 2,
                 "2 vCPU, 512 MiB: --max-cost $1.60 is less than one machine may come to, $1.68: a lease of 4 s, 1 min "
                 "16 s that the service may be late, and a reserve of 4 s, at $0.020 a second");
  EXPECT_EQ(server.requests().size(), 0u);
  expect_refused(run({"--max-cost", "0"}), 2, "is less than one machine may come to");
  expect_refused(run({"--max-cost", "1.6", "--dry-run"}), 2, "is less than one machine may come to");
}

TEST_F(Cost, AnUnknownPriceIsRefused) {
  expect_refused(run({"--max-cost", "5", "--e2b-template", "unlisted"}), 3,
                 "--max-cost $5.00 cannot be kept: what the machine costs is not known: the shape of template unlisted "
                 "is not");
}

TEST_F(Cost, WrongPricesAndCapsAreRefused) {
  const std::pair<const char*, const char*> wrong[] = {
      {"--max-cost", "two"},       {"--max-cost", "-2"},       {"--max-cost", "nan"},       {"--max-cost", "1e99"},
      {"--e2b-price-cpu", "-0.1"}, {"--e2b-price-cpu", "inf"}, {"--e2b-price-mem", "free"}, {"--e2b-price-mem", "2"}};
  for (const auto& [flag, value] : wrong) expect_refused(run({flag, value}), 2, value);
  expect_refused(run({"--max-cost", "2", "--e2b-price-cpu", "0"}), 2, "both prices are 0");
  EXPECT_EQ(server.requests().size(), 0u);
  const Outcome local = project.osiris(run_arguments("local", {"--max-cost", "2"}));
  EXPECT_EQ(local.exit, 2);
  EXPECT_NE(local.err.find("--max-cost has no meaning for adapter local: it knows no prices"), std::string::npos)
      << local.err;
}

// ---- While and after

TEST_F(Cost, IsInTheSummaryTheRecordAndTheListOfRuns) {
  lease = "60";  // no renewal is among the calls
  const Outcome outcome = run({"--max-cost", "5"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("  cost: about $"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("by your own prices of 2026-11-30: a table of prices, not an invoice"), std::string::npos)
      << outcome.out;
  EXPECT_LE(server.requests().size(), 8u) << "the sandbox's shape is one call more";
  const std::vector<Json> told = Project::events(project.session(), "resource_cost");
  ASSERT_GE(told.size(), 2u) << "when it was there, and when it was gone";
  EXPECT_TRUE(told.back()["final"].as_bool());
  EXPECT_DOUBLE_EQ(told.back()["spent"].as_double(), told.back()["at_most"].as_double());
  EXPECT_DOUBLE_EQ(told.back()["spent"].as_double(), 0.02 * told.back()["machine_seconds"].as_double());
  const Json cost = summary()["cost"];
  EXPECT_EQ(cost["spent"].dump(), told.back()["spent"].dump());
  EXPECT_EQ(cost["prices"].as_string(), "your own prices of 2026-11-30");
  EXPECT_DOUBLE_EQ(cost["cap"].as_double(), 5);
  EXPECT_NE(project.read(newest("aiop", "run-card.md")).find("- Cost: about $"), std::string::npos);
  EXPECT_EQ(project.runs().items().at(0)["cost"]["spent"].dump(), cost["spent"].dump());
  const Outcome listed = project.osiris({"runs", "list"});
  EXPECT_NE(listed.out.find("Cost"), std::string::npos) << listed.out;
}

TEST_F(Cost, PricesOfTheProjectCountWithoutACapToo) {
  project.write("osiris.yaml", "adapters:\n  e2b: {price_cpu: 0.5, price_mem: 0, price_date: 2026-01-02}\n");
  const Outcome outcome = project.osiris(run_arguments("e2b", {"--json"}));
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  const Json cost = outcome.json()["cost"];
  EXPECT_EQ(cost["prices"].as_string(), "your own prices of 2026-01-02");
  EXPECT_DOUBLE_EQ(cost["spent"].as_double(), cost["machine_seconds"].as_double());
  EXPECT_LE(server.requests().size(), 7u) << "the meter costs no call";
}

// ---- The cap

TEST_F(Cost, ARunThatComesToItsCapFetchesWhatIsCompleteAndEndsAsByADeadline) {
  const Outcome outcome = run({"--max-cost", "1.84", "--e2b-heartbeat-ms", "200"}, "half.yaml");
  EXPECT_EQ(outcome.exit, 124) << outcome.out << outcome.err;
  EXPECT_EQ(project.status()["reason"].as_string(), "budget");
  EXPECT_FALSE(project.status()["ok"].as_bool(true));
  EXPECT_NE(outcome.out.find("✗ Pipeline ended by its budget (e2b)"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.err.find("the run came to the end of --max-cost $1.84"), std::string::npos) << outcome.err;
  EXPECT_EQ(project.read("out/a.txt"), "hello") << "step a was complete";
  const Json cost = summary()["cost"];
  EXPECT_LE(cost["at_most"].as_double(), 1.84);
  EXPECT_GT(cost["machine_seconds"].as_int(), 8) << "the run had its time";
  EXPECT_GE(Project::events(project.session(), "resource_cost").size(), 3u) << "leases were renewed meanwhile";
  expect_no_sandbox(server);
}

TEST_F(Cost, TheCapHoldsWhenTheHostDies) {
  Running running = project.start(arguments("half.yaml", {"--max-cost", "1.84"}));
  running.until("b: Starting");
  const auto before = std::chrono::steady_clock::now();
  running.kill(SIGKILL);
  running.end();
  EXPECT_TRUE(test::eventually([&] { return server.sandboxes().size() == 0; }));
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(15)) << "the lease ended it";
}

TEST_F(Cost, ALostAnswerToACreateCountsAndASecondOneIsNotMadeBeyondTheCap) {
  ASSERT_TRUE(server
                  .set_faults(*parse_json(
                      R"([{"route":"POST /v2/sandboxes","nth":1,"action":{"type":"reset","when":"before"}}])"))
                  .ok());
  const Outcome outcome = run({"--max-cost", "1.84"});
  EXPECT_EQ(outcome.exit, 124) << outcome.out << outcome.err;
  EXPECT_EQ(creates(), 1u) << "what the first one made may cost all there is";
  EXPECT_EQ(project.status()["reason"].as_string(), "budget");
  expect_no_sandbox(server);
}

TEST_F(Cost, AKeptSandboxIsLeftOnlyWhereTheCapCoversItsLease) {
  ASSERT_EQ(run({"--max-cost", "5", "--e2b-keep"}).exit, 0);
  EXPECT_EQ(server.sandboxes().size(), 1u);
  const Json cost = summary()["cost"];
  EXPECT_GT(cost["at_most"].as_double(), cost["spent"].as_double()) << "it lives on for a lease";
  EXPECT_LE(cost["at_most"].as_double(), 5);
}

class CostClockJump : public Cost, public testing::WithParamInterface<int> {};

TEST_P(CostClockJump, ChangesNothing) {
  e2e::JumpingClock clock(project);
  project.write("wait.yaml", e2e::oml("wait", {e2e::mock_step("a", "wait_for: /home/user/go, rows: 1")}));
  Running running = project.start(arguments("wait.yaml", {"--max-cost", "5", "--e2b-heartbeat-ms", "200"}));
  running.until("a: Starting");
  clock.jump(GetParam());
  clock.await_two_heartbeats();
  const Json sandboxes = server.sandboxes();
  ASSERT_EQ(sandboxes.size(), 1u);
  ASSERT_TRUE(
      write_file_atomically(fs::path(sandboxes.items()[0]["directory"].as_string()) / "root/home/user/go", "").ok());
  const Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_LT(summary()["cost"]["spent"].as_double(), 2);
}

INSTANTIATE_TEST_SUITE_P(Both, CostClockJump, testing::Values(1000, -1000),
                         [](const auto& row) { return row.param > 0 ? "Forward" : "Back"; });

}  // namespace
}  // namespace osiris::e2b_test
