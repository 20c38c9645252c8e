// local.so through its ABI, as a host drives it: with the real worker, and with the scripted one for what a real one
// never does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "protocol/base/clock.h"
#include "protocol/base/file.h"
#include "protocol/base/subprocess.h"
#include "protocol/base/text.h"
#include "tests/support/eventually.h"
#include "tests/unit/base/process_group.h"
#include "tests/unit/local/loaded_adapter.h"

namespace osiris {
namespace {

using test::LoadedAdapter;
using test::RecordingHost;
using test::TestRun;
using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

class LocalTest : public testing::Test {
 protected:
  Json result() const { return host_.document("result").value_or(Json()); }
  RecordingHost::Failure failure() const {
    const auto failures = host_.failures();
    EXPECT_EQ(failures.size(), 1u) << "a call that fails says why, once";
    return failures.empty() ? RecordingHost::Failure() : failures[0];
  }
  pid_t worker_pid() const {
    const auto started = host_.events("worker_started");
    return started.empty() ? 0 : static_cast<pid_t>(started[0].data["pid"].as_int());
  }
  // Cancels once the step runs, as a host does on Ctrl-C: the flag first, then the nudge.
  std::jthread cancel_at(std::string event) {
    return std::jthread([this, event] {
      EXPECT_TRUE(host_.wait_for(event, "a"));
      host_.cancel();
      adapter_.cancel();
    });
  }
  // The scripted worker under a name that chooses its script.
  void use_script(const std::string& script) {
    run_.worker = run_.directory / ("worker." + script);
    fs::create_symlink(test::build_path("tests/scripted_worker"), run_.worker);
    for (const char* id : {"a", "b", "c"}) run_.add_step(id, "mock", "extract", Json::object());
  }
  void add_mock(const std::string& id, Json cfg, const std::vector<std::string>& needs = {}) {
    run_.add_step(id, "mock", "extract", std::move(cfg), needs);
  }

  RecordingHost host_;
  TestRun run_;
  LoadedAdapter adapter_{host_, test::build_path("lib/osiris/adapters/local.so")};
};

TEST_F(LocalTest, DescribesItselfAndItsOptions) {
  EXPECT_EQ(std::string(adapter_.type().id.data, adapter_.type().id.len), "local");
  EXPECT_EQ(adapter_.type().secret_count, 0u);
  std::vector<std::string> names;
  for (uint32_t i = 0; i < adapter_.type().option_count; ++i)
    names.emplace_back(adapter_.type().options[i]->name.data, adapter_.type().options[i]->name.len);
  EXPECT_THAT(names, testing::ElementsAre("env", "env-from", "pass-env", "install-deps", "grace"));
}

TEST_F(LocalTest, CsvSqlCsvRunsAndItsOutputIsVerified) {
  std::ofstream(run_.work("in.csv")) << "id,city\n1,Brno\n2,Praha\n3,Brno\n";
  Json& read = run_.add_step("read", "filesystem.csv_extractor", "extract", Json::object({{"path", "in.csv"}}));
  read.set("input_files", Json::array({Json::object({{"path", "in.csv"}, {"source", run_.work("in.csv").string()}})}));
  run_.add_step("count", "duckdb.processor", "transform",
                Json::object({{"query", "SELECT city, count(*) AS n FROM df_read GROUP BY city ORDER BY city"}}),
                {"read"});
  Json& write =
      run_.add_step("write", "filesystem.csv_writer", "write", Json::object({{"path", "out.csv"}}), {"count"});
  write.set("outputs", Json::array({Json::object({{"path", "out.csv"}, {"target", run_.work("out.csv").string()}})}));

  ASSERT_EQ(adapter_.run(run_), OSIRIS_OK) << host_.everything();
  EXPECT_EQ(adapter_.collected(), OSIRIS_OK);
  EXPECT_TRUE(host_.failures().empty());
  EXPECT_EQ(*read_file(run_.work("out.csv")), "city,n\nBrno,2\nPraha,1\n");
  EXPECT_EQ(result()["status"].as_string(), "success");
  EXPECT_EQ(result()["total_rows"].as_int(), 2);
  const Json artifacts = *host_.document("artifacts");
  ASSERT_EQ(artifacts["files"].size(), 1u);
  EXPECT_EQ(artifacts["files"].items()[0]["path"].as_string(), "out.csv");
  EXPECT_EQ(artifacts["files"].items()[0]["step_id"].as_string(), "write");
  EXPECT_EQ(host_.events("step_complete").size(), 3u);
  EXPECT_EQ(host_.events("resource_acquired").at(0).data["kind"].as_string(), "process");
  EXPECT_TRUE(host_.events("resource_released").at(0).data["verified"].as_bool());
  EXPECT_FALSE(fs::exists(run_.directory / "session/.worker"));
  EXPECT_TRUE(test::group_is_gone(worker_pid()));
}

TEST_F(LocalTest, PrepareGivesTheSameBytesEachTimeAndNoSecret) {
  host_.secrets["env/TOKEN"] = "canary-token";
  add_mock("a", Json::object());
  RecordingHost other;
  LoadedAdapter second(other, test::build_path("lib/osiris/adapters/local.so"));
  const LoadedAdapter::Settings settings = {{"env", "X=canary-pair"}, {"pass-env", "TOKEN"}, {"grace", "0.7"}};
  ASSERT_EQ(adapter_.configure(settings), OSIRIS_OK);
  ASSERT_EQ(second.configure(settings), OSIRIS_OK);
  ASSERT_EQ(adapter_.prepare(run_), OSIRIS_OK);
  ASSERT_EQ(second.prepare(run_), OSIRIS_OK);
  EXPECT_EQ(host_.document("prepared")->dump(), other.document("prepared")->dump());
  EXPECT_THAT(host_.document("prepared")->dump(), HasSubstr("env/TOKEN"));
  EXPECT_THAT(host_.document("prepared")->dump(), Not(HasSubstr("canary")));
}

TEST_F(LocalTest, AFailedStepFailsTheRunAndSkipsWhatNeedsIt) {
  add_mock("a", Json::object({{"fail", "no such table"}}));
  add_mock("b", Json::object(), {"a"});
  EXPECT_EQ(adapter_.run(run_), OSIRIS_RUN_FAILED);
  EXPECT_EQ(failure().code, OSIRIS_RUN_FAILED);
  EXPECT_THAT(failure().message, HasSubstr("step a: "));
  EXPECT_THAT(failure().message, HasSubstr("no such table"));
  EXPECT_EQ(result()["steps"].items()[1]["status"].as_string(), "skipped");
  EXPECT_EQ(adapter_.collected(), OSIRIS_OK);
}

TEST_F(LocalTest, AWorkerKilledBySignal9IsNoticedAtOnce) {
  add_mock("a", Json::object({{"hang", "politely"}}));
  std::jthread killer([this] {
    EXPECT_TRUE(host_.wait_for("step_start", "a"));
    ::kill(worker_pid(), SIGKILL);
  });
  EXPECT_EQ(adapter_.run(run_), OSIRIS_UNAVAILABLE);
  EXPECT_THAT(failure().message, HasSubstr("was killed by signal 9 (SIGKILL) while it ran a"));
  EXPECT_EQ(failure().detail["class"].as_string(), "WorkerCrash");
  EXPECT_EQ(result()["status"].as_string(), "failed");
  EXPECT_FALSE(fs::exists(run_.directory / "session/.worker"));
}

TEST_F(LocalTest, AStepThatCrashesTheWorkerIsNamedWithItsLastWords) {
  add_mock("a", Json::object({{"say", "famous last words"}, {"signal", SIGSEGV}}));
  EXPECT_EQ(adapter_.run(run_), OSIRIS_INTERNAL);
  EXPECT_THAT(failure().message, HasSubstr("was killed by signal 11 (SIGSEGV) while it ran a"));
  EXPECT_THAT(failure().message, HasSubstr("famous last words"));
}

TEST_F(LocalTest, AStepThatExitsTheWorkerIsNamedWithItsStatus) {
  add_mock("a", Json::object({{"exit", 42}}));
  EXPECT_EQ(adapter_.run(run_), OSIRIS_INTERNAL);
  EXPECT_THAT(failure().message, HasSubstr("exited with status 42 while it ran a"));
  EXPECT_EQ(failure().detail["exit_status"].as_int(), 42);
}

TEST_F(LocalTest, ACrashedWorkersChildrenAreGoneToo) {
  add_mock("a", Json::object({{"child", true}, {"sleep_ms", 300}, {"signal", SIGKILL}}));
  EXPECT_EQ(adapter_.run(run_), OSIRIS_UNAVAILABLE);
  const auto child = static_cast<pid_t>(host_.events("mock_child").at(0).data["pid"].as_int());
  EXPECT_TRUE(test::group_is_gone(child)) << "it leads a group of its own and ignores SIGTERM";
}

TEST_F(LocalTest, CancelStopsAStepThatListens) {
  add_mock("a", Json::object({{"hang", "politely"}}));
  const auto cancel = cancel_at("step_start");
  EXPECT_EQ(adapter_.run(run_, {{"grace", "60"}}), OSIRIS_CANCELLED);
  EXPECT_EQ(result()["status"].as_string(), "cancelled");
  EXPECT_EQ(result()["steps"].items()[0]["status"].as_string(), "cancelled");
  EXPECT_TRUE(test::group_is_gone(worker_pid()));
}

TEST_F(LocalTest, CancelStopsAStatementThatTakesForEver) {
  add_mock("a", Json::object({{"hang", "query"}}));
  const auto cancel = cancel_at("step_start");
  EXPECT_EQ(adapter_.run(run_, {{"grace", "60"}}), OSIRIS_CANCELLED);
}

TEST_F(LocalTest, CancelKillsAStepThatDoesNotListen) {
  add_mock("a", Json::object({{"child", true}, {"hang", "deaf"}}));
  const auto cancel = cancel_at("mock_child");
  EXPECT_EQ(adapter_.run(run_, {{"grace", "0.1"}}), OSIRIS_CANCELLED);
  EXPECT_TRUE(test::group_is_gone(worker_pid()));
  EXPECT_TRUE(test::group_is_gone(static_cast<pid_t>(host_.events("mock_child").at(0).data["pid"].as_int())));
}

TEST_F(LocalTest, ACancelBeforeExecuteRunsNothing) {
  add_mock("a", Json::object());
  host_.cancel();
  adapter_.cancel();
  EXPECT_EQ(adapter_.run(run_), OSIRIS_CANCELLED);
  EXPECT_TRUE(host_.events("step_start").empty());
}

TEST_F(LocalTest, TheDeadlineEndsTheRun) {
  add_mock("a", Json::object({{"hang", "politely"}}));
  run_.deadline_unix_ns = system_clock().unix_ns() + 300'000'000;
  EXPECT_EQ(adapter_.run(run_), OSIRIS_DEADLINE);
  EXPECT_EQ(failure().detail["category"].as_string(), "runtime.timeout");
  EXPECT_TRUE(test::group_is_gone(worker_pid()));
}

// The host alone is killed, as by the system when memory is short: the worker, and a child of its own that leads a
// group and ignores SIGTERM, end by themselves.
TEST_F(LocalTest, AKilledHostLeavesNothingRunning) {
  for (const char* how : {"politely", "deaf", "query"}) {
    SpawnOptions options;
    options.arguments = {test::build_path("tests/killed_host"), Json::object({{"child", true}, {"hang", how}}).dump()};
    options.environment = {{"OSIRIS_BUILD_DIR", test::build_path("")}, {"TMPDIR", run_.directory}};
    auto host = Subprocess::spawn(options);
    ASSERT_TRUE(host.ok());
    pid_t worker = 0, child = 0;
    std::string text;
    while (child == 0) {
      pollfd readable{host->stdout_fd(), POLLIN, 0};
      ASSERT_EQ(::poll(&readable, 1, 30'000), 1);
      char block[4096];
      const ssize_t got = ::read(host->stdout_fd(), block, sizeof block);
      ASSERT_GT(got, 0) << text;
      text.append(block, static_cast<size_t>(got));
      for (const std::string& line : split(text, '\n')) {
        const auto event = parse_json(line);
        if (!event) continue;
        if ((*event)["event"].as_string() == "worker_started") worker = static_cast<pid_t>((*event)["pid"].as_int());
        if ((*event)["event"].as_string() == "mock_child") child = static_cast<pid_t>((*event)["pid"].as_int());
      }
    }
    ::kill(host->pid(), SIGKILL);
    ASSERT_TRUE(host->wait(20'000));
    EXPECT_TRUE(test::group_is_gone(worker)) << how;
    EXPECT_TRUE(test::group_is_gone(child)) << how;
  }
}

TEST_F(LocalTest, AMissingWorkerIsNamedAtValidation) {
  add_mock("a", Json::object());
  run_.worker = run_.directory / "osiris-worker";
  EXPECT_EQ(adapter_.run(run_), OSIRIS_NOT_FOUND);
  EXPECT_EQ(failure().message, "the worker binary " + run_.worker.string() + " does not exist");
  EXPECT_FALSE(failure().hint.empty());
}

TEST_F(LocalTest, AWorkerThatIsNoProgramIsNamed) {
  add_mock("a", Json::object());
  run_.worker = run_.directory / "osiris-worker";
  std::ofstream(run_.worker) << "not a program";
  EXPECT_EQ(adapter_.run(run_), OSIRIS_INVALID_ARGUMENT);
  EXPECT_THAT(failure().message, HasSubstr("is not an executable file"));
}

TEST_F(LocalTest, AFileThatCannotBeExecutedIsNamed) {
  add_mock("a", Json::object());
  run_.worker = run_.directory / "osiris-worker";
  std::ofstream(run_.worker) << "not a program";
  fs::permissions(run_.worker, fs::perms::owner_all);
  EXPECT_NE(adapter_.run(run_), OSIRIS_OK);
  EXPECT_THAT(failure().message, HasSubstr("could not execute " + run_.worker.string()));
}

TEST_F(LocalTest, TheRealWorkerOfAnotherVersionIsRefused) {
  add_mock("a", Json::object());
  run_.settings.set("worker_version", "77.0.0");
  EXPECT_EQ(adapter_.run(run_), OSIRIS_UNSUPPORTED);
  EXPECT_THAT(failure().message, HasSubstr("this osiris needs 77.0.0"));
  EXPECT_TRUE(host_.events("step_start").empty());
}

TEST_F(LocalTest, AScriptedWorkerOfAnotherVersionIsRefusedAndGetsNoSecret) {
  use_script("version");
  run_.settings.set("worker_version", "1.2.3");
  run_.settings.set("rpc_debug", true);
  host_.secrets["env/TOKEN"] = "canary-token-value";
  EXPECT_EQ(adapter_.run(run_, {{"pass-env", "TOKEN"}}), OSIRIS_UNSUPPORTED);
  EXPECT_THAT(failure().message, HasSubstr("has version 9.9.9, this osiris needs 1.2.3"));
  EXPECT_THAT(host_.asked_secrets(), testing::IsEmpty());
  EXPECT_THAT(*read_file(run_.directory / "session/adapter/rpc.log"), Not(HasSubstr("prepare")))
      << "nothing was sent that could hold one";
}

TEST_F(LocalTest, AProgramThatIsNoWorkerIsRefusedWithItsWords) {
  use_script("stranger");
  EXPECT_EQ(adapter_.run(run_), OSIRIS_UNSUPPORTED);
  EXPECT_THAT(failure().message, HasSubstr("its last words: I am no worker"));
}

TEST_F(LocalTest, AHundredThousandEventsArriveInOrderWithFlatMemory) {
  host_.count_only = "mock_event";
  add_mock("a", Json::object({{"events", 100'000}}));
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  EXPECT_EQ(adapter_.run(run_), OSIRIS_OK);
  ::getrusage(RUSAGE_SELF, &after);
  EXPECT_EQ(host_.counted(), 100'000u);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, test::kGrowthKibMax) << "KiB";
}

TEST_F(LocalTest, GarbageOnStdoutCostsALogLine) {
  add_mock("a", Json::object({{"garbage", true}}));
  EXPECT_EQ(adapter_.run(run_), OSIRIS_OK);
  EXPECT_TRUE(host_.logged("this is no record"));
}

TEST_F(LocalTest, HeartbeatsTellRowsAndMemory) {
  add_mock("a", Json::object({{"sleep_ms", 400}}));
  EXPECT_EQ(adapter_.run(run_), OSIRIS_OK);
  const auto beats = host_.events("heartbeat");
  ASSERT_FALSE(beats.empty());
  EXPECT_GT(beats[0].data["rss_bytes"].as_int(), 0);
}

TEST_F(LocalTest, AStoppedWorkerThatGoesOnFailsNothing) {
  add_mock("a", Json::object({{"sleep_ms", 300}}));
  std::jthread stopper([this] {
    EXPECT_TRUE(host_.wait_for("step_start", "a"));
    ::kill(worker_pid(), SIGSTOP);
    EXPECT_TRUE(test::eventually([&] { return host_.logged("its process is stopped"); }));
    ::kill(worker_pid(), SIGCONT);
  });
  EXPECT_EQ(adapter_.run(run_), OSIRIS_OK);
}

TEST_F(LocalTest, LentVariablesReachTheStepsAndOnlyThere) {
  host_.secrets["env/TOKEN"] = "canary-token-value";
  add_mock("a", Json::object({{"print_secrets", true}}));
  run_.settings.set("rpc_debug", true);
  EXPECT_EQ(adapter_.run(run_, {{"pass-env", "TOKEN"}, {"env", "PAIR=canary-pair-value"}}), OSIRIS_RUN_FAILED);
  EXPECT_THAT(host_.everything(), Not(HasSubstr("canary"))) << "the worker masks what a driver prints";
  EXPECT_THAT(*read_file(run_.directory / "session/adapter/rpc.log"), Not(HasSubstr("canary")));
  EXPECT_THAT(*read_file(run_.directory / "session/adapter/rpc.log"), HasSubstr("\"TOKEN\":\"***MASKED***\""));
}

TEST_F(LocalTest, AMissingInputFileIsItsStepsFailure) {
  Json& step = run_.add_step("a", "filesystem.csv_extractor", "extract", Json::object({{"path", "in.csv"}}));
  step.set("input_files", Json::array({Json::object({{"path", "in.csv"}, {"source", run_.work("in.csv").string()}})}));
  EXPECT_EQ(adapter_.run(run_), OSIRIS_RUN_FAILED);
  EXPECT_THAT(failure().message, testing::StartsWith("Step a: CSV file not found"));  // the step is named once
  EXPECT_THAT(failure().message, HasSubstr("in.csv"));
}

TEST_F(LocalTest, ASecondInstanceRunsBesideTheFirst) {
  add_mock("a", Json::object({{"sleep_ms", 100}}));
  RecordingHost other_host;
  TestRun other_run;
  other_run.add_step("a", "mock", "extract", Json::object({{"fail", "other"}}));
  LoadedAdapter other(other_host, test::build_path("lib/osiris/adapters/local.so"));
  osiris_status other_status = OSIRIS_OK;
  {
    std::jthread beside([&] { other_status = other.run(other_run); });
    EXPECT_EQ(adapter_.run(run_), OSIRIS_OK);
  }
  EXPECT_EQ(other_status, OSIRIS_RUN_FAILED);
}

TEST_F(LocalTest, EveryThreadHasEndedWhenExecuteReturns) {
  const auto threads = [] {
    return std::distance(fs::directory_iterator("/proc/self/task"), fs::directory_iterator());
  };
  add_mock("a", Json::object());
  const auto before = threads();
  EXPECT_EQ(adapter_.run(run_), OSIRIS_OK);
  EXPECT_EQ(threads(), before);
}

}  // namespace
}  // namespace osiris
