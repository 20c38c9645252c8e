// A silent worker, a silent network, a lost sandbox and a lost service are told apart, and a stall shorter than the
// lease fails nothing. Steps here hang for ever or until something has been seen: no run ends by a deadline of its own.
#include <gtest/gtest.h>
#include <signal.h>

#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "tests/e2b/sandboxed_project.h"
#include "tests/support/eventually.h"

namespace osiris::e2b_test {
namespace {

class Health : public testing::Test {
 protected:
  Health() { use_server(project, server); }

  static std::vector<std::string> arguments(const std::string& lease, const std::vector<std::string>& more = {}) {
    std::vector<std::string> all = {"--e2b-lease",           lease, "--e2b-heartbeat-ms",    "200",
                                    "--e2b-request-timeout", "2",   "--e2b-connect-timeout", "2",
                                    "--e2b-retry-budget",    "3",   "--e2b-timeout",         "120"};
    all.insert(all.end(), more.begin(), more.end());
    return run_arguments("e2b", all);
  }

  void write_step(const std::string& config) {
    project.write("pipeline.yaml", e2e::oml("health", {e2e::mock_step("a", config)}));
  }

  // Until the run's log says `text`.
  bool logged(const std::string& text) const {
    const bool said = test::eventually([&] {
      if (project.sessions().empty()) return false;
      const auto log = read_file(project.session() / "osiris.log");
      return log && log->find(text) != std::string::npos;
    });
    EXPECT_TRUE(said) << "the log never said '" << text << "': " << *read_file(project.session() / "osiris.log");
    return said;
  }

  std::string error_class() const {
    const auto mapped = Project::events(project.session(), "run_error");
    return mapped.empty() ? "" : mapped.back()["detail"]["class"].as_string();
  }

  void signal_worker(int number) const {
    const Json sandboxes = server.sandboxes();
    const Json& sandbox = sandboxes.items().at(0);
    server.signal_process(sandbox["sandboxID"].as_string(),
                          static_cast<int>(sandbox["processes"].items().at(0)["pid"].as_int()), number);
  }

  void plan(const std::string& faults) const {
    const Status set = server.set_faults(*parse_json(faults));
    ASSERT_TRUE(set.ok()) << set.error().message;
  }

  ServerProcess server = start_server();
  Project project;
};

// From the first question on, so that nothing of the run is asked before them: the stream breaks, and then nobody
// answers.
constexpr const char* kStreamBreaks =
    R"({"route":"POST /process.Process/Start","action":{"type":"reset","when":"middle","after_bytes":40000}})";
constexpr const char* kEnvdFails =
    R"({"route":"GET /health","action":{"type":"reset","when":"request"}},
       {"route":"POST /process.Process/Connect","action":{"type":"reset","when":"request"}},
       {"route":"POST /process.Process/List","action":{"type":"reset","when":"request"}})";
constexpr const char* kServiceFails = R"({"route":"* /sandboxes/{id}*","action":{"type":"reset","when":"request"}})";
// Its stream is cut at the 40,000th byte, that is while it runs.
constexpr const char* kTalkThenWait = "events: 1000, sleep_ms: 4000, rows: 1";

TEST_F(Health, AStoppedWorkerIsSilentAndTheRunGoesOnWhenItWakes) {
  write_step("sleep_ms: 1500, rows: 1");
  auto running = project.start(arguments("60"));
  running.until("a: Starting");
  signal_worker(SIGSTOP);
  logged("nothing was heard from the worker");
  logged("lists the worker");
  signal_worker(SIGCONT);
  const Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  expect_no_sandbox(server);
}

TEST_F(Health, AWorkerStoppedForLongerThanTheLeaseIsAWorkerCrash) {
  write_step("hang: politely");
  auto running = project.start(arguments("4"));
  running.until("a: Starting");
  signal_worker(SIGSTOP);
  const Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 3) << outcome.err;
  EXPECT_EQ(error_class(), "WorkerCrash");
  EXPECT_NE(outcome.err.find("💡"), std::string::npos) << outcome.err;
  expect_no_sandbox(server);
}

TEST_F(Health, AKilledWorkerIsAWorkerCrash) {
  write_step("hang: politely");
  auto running = project.start(arguments("60"));
  running.until("a: Starting");
  signal_worker(SIGKILL);
  const Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 3) << outcome.err;
  EXPECT_EQ(error_class(), "WorkerCrash");
  EXPECT_NE(outcome.err.find("signal 9"), std::string::npos) << outcome.err;
  expect_no_sandbox(server);
}

TEST_F(Health, ASandboxThatVanishesTwiceIsASandboxError) {
  write_step("hang: politely");
  auto running = project.start(arguments("60"));
  running.until("a: Starting");
  const std::string first = server.sandboxes().items().at(0)["sandboxID"].as_string();
  server.kill_sandbox(first);
  project.await_event("sandbox_replaced");
  project.await_event("step_start", 2);  // before the opening is sent, another loss would be met by a third sandbox
  std::string second;
  const Json sandboxes = server.sandboxes();
  for (const Json& sandbox : sandboxes.items())
    if (sandbox["sandboxID"].as_string() != first) second = sandbox["sandboxID"].as_string();
  server.kill_sandbox(second);
  const Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 3) << outcome.err;
  EXPECT_EQ(error_class(), "SandboxError");
  EXPECT_NE(outcome.err.find(second), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("nothing was written outside"), std::string::npos) << outcome.err;
  expect_no_sandbox(server);
}

TEST_F(Health, AnUnreachableEnvdOfALivingSandboxIsTheNetwork) {
  write_step(kTalkThenWait);
  plan(std::string("[") + kStreamBreaks + "," + kEnvdFails + "]");
  auto running = project.start(arguments("60"));
  logged("the sandbox is listed but its envd does not answer");
  server.clear_faults();
  const Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(Project::events(project.session(), "mock_event").size(), 1000u);
  expect_no_sandbox(server);
}

TEST_F(Health, AServiceThatIsDownForAWhileCostsNothing) {
  write_step("sleep_ms: 2500, rows: 1");
  auto running = project.start(arguments("6"));
  running.until("a: Starting");
  plan(std::string("[") + kServiceFails + "]");
  logged("the lease could not be renewed yet");
  server.clear_faults();
  const Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_TRUE(Project::events(project.session(), "sandbox_replaced").empty());
  expect_no_sandbox(server);
}

TEST_F(Health, BothDownAndBackBeforeTheLeaseEnds) {
  write_step(kTalkThenWait);
  plan(std::string("[") + kStreamBreaks + "," + kEnvdFails + "," + kServiceFails + "]");
  auto running = project.start(arguments("60"));
  logged("neither envd nor the control plane can be reached");
  server.clear_faults();
  const Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(Project::events(project.session(), "mock_event").size(), 1000u);
  expect_no_sandbox(server);
}

TEST_F(Health, BothDownForLongerThanTheLeaseIsSaidWithWhatMayBeLeft) {
  write_step(kTalkThenWait);
  plan(std::string("[") + kStreamBreaks + "," + kEnvdFails + "," + kServiceFails + "]");
  auto running = project.start(arguments("4"));
  logged("the stream to the worker broke");
  const std::string id = server.sandboxes().items().at(0)["sandboxID"].as_string();
  const Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 3) << outcome.err;
  EXPECT_EQ(error_class(), "NetworkError");
  EXPECT_NE(outcome.err.find(id), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("osiris resources"), std::string::npos) << outcome.err;
  server.clear_faults();
  // Its lease was short and is not renewed any more.
  EXPECT_TRUE(test::eventually([&] { return server.sandboxes().size() == 0; })) << server.sandboxes().dump_pretty();
}

TEST_F(Health, ADeleteThatFailsForEverNamesWhatIsLeftAndReapFindsIt) {
  write_step("rows: 1");
  plan(R"([{"route":"DELETE /sandboxes/{id}","action":{"type":"status","status":500}}])");
  const Outcome outcome = project.osiris(arguments("600"));
  EXPECT_EQ(outcome.exit, 3) << outcome.err;
  ASSERT_EQ(server.sandboxes().size(), 1u);
  const std::string id = server.sandboxes().items().at(0)["sandboxID"].as_string();
  EXPECT_NE(outcome.err.find(id), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("osiris resources"), std::string::npos) << outcome.err;
  server.clear_faults();
  const Outcome reaped = project.osiris({"resources", "reap", "--adapter", "e2b"});
  EXPECT_EQ(reaped.exit, 0) << reaped.err;
  EXPECT_NE(reaped.out.find(id), std::string::npos) << reaped.out;
  expect_no_sandbox(server);
}

TEST_F(Health, AHundredThousandEventsOverBrokenStreamsAreAllThereOnce) {
  constexpr size_t kEvents = 50'000;
  project.write("pipeline.yaml",
                e2e::oml("flood", {e2e::mock_step("a", "events: 50000"), e2e::mock_step("b", "events: 50000", "a")}));
  plan(
      R"([{"route":"POST /process.Process/Start","nth":1,"action":{"type":"reset","when":"middle","after_bytes":1500000}},
           {"route":"POST /process.Process/Connect","count":6,"action":{"type":"reset","when":"middle","after_bytes":2000000}}])");
  const Outcome outcome = project.osiris(run_arguments("e2b"));
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_GE(server.count("POST /process.Process/Connect"), 3) << "the streams did not break";
  std::map<std::string, std::vector<int64_t>> numbers;
  for (const Json& event : Project::events(project.session(), "mock_event"))
    numbers[event["step_id"].as_string()].push_back(event["number"].as_int());
  for (const char* step : {"a", "b"}) {
    ASSERT_EQ(numbers[step].size(), kEvents) << step;
    for (size_t i = 1; i < kEvents; ++i) ASSERT_EQ(numbers[step][i], numbers[step][i - 1] + 1) << step;
  }
  expect_no_sandbox(server);
}

// ---- Stopped by the user or the clock, in the middle of each call

class Stopped : public Health, public testing::WithParamInterface<const char*> {};

TEST_P(Stopped, ACancelInTheMiddleOfTheCallLeavesNothing) {
  write_step("rows: 1");
  plan(std::string(R"([{"route":")") + GetParam() + R"(","nth":1,"action":{"type":"latency","ms":1500}}])");
  auto running = project.start(arguments("60", {"--e2b-cpu", "2"}));
  ASSERT_TRUE(is_in_the_middle_of(server, GetParam())) << "the run never called " << GetParam();
  running.kill(SIGINT);
  const Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 130) << outcome.err;
  expect_no_sandbox(server);
}

TEST_P(Stopped, ADeadlineInTheMiddleOfTheCallLeavesNothing) {
  write_step("hang: politely");  // so that nothing but the deadline ends the run
  plan(std::string(R"([{"route":")") + GetParam() + R"(","action":{"type":"latency","ms":1500}}])");
  auto running = project.start(arguments("60", {"--e2b-cpu", "2", "--e2b-timeout", "1"}));
  const Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 124) << outcome.err;
  expect_no_sandbox(server);
}

std::string call_name(const testing::TestParamInfo<const char*>& call) {
  std::string name;
  for (const char c : std::string(call.param)) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(EachCall, Stopped,
                         testing::Values("GET /templates/aliases/{alias}", "POST /v3/templates",
                                         "GET /templates/{id}/files/{hash}", "PUT /_storage/{hash}",
                                         "POST /v2/templates/{id}/builds/{build}",
                                         "GET /templates/{id}/builds/{build}/status", "POST /v2/sandboxes",
                                         "POST /files", "POST /process.Process/Start",
                                         "POST /process.Process/StreamInput", "DELETE /sandboxes/{id}",
                                         "GET /sandboxes/{id}"),
                         call_name);

}  // namespace
}  // namespace osiris::e2b_test
