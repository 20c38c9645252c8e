// `osiris run --isolate`: the adapter runs in a process of its own, and whatever it does to that process is told as the
// failure of a run that ends in order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "protocol/base/file.h"
#include "tests/abi/host_run.h"
#include "tests/support/children.h"
#include "tests/support/eventually.h"

namespace osiris::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::vector<std::string> kIsolate = {"--isolate"};

using IsolatedRun = HostRun;

class IsolatedRunLanguage : public IsolatedRun, public ::testing::WithParamInterface<std::string> {};

TEST_P(IsolatedRunLanguage, WritesTheSameBytesAndEvents) {
  const fs::path where = GetParam() == "local" ? build_dir() / "lib/osiris/adapters" : plugins();
  const Outcome outcome = run(GetParam(), where, kIsolate);
  ASSERT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_EQ(project_.read("out/harbor_fees_by_vessel.csv"),
            project_.read(fixtures() / "expected/01-csv-duckdb-csv/harbor_fees_by_vessel.csv"));
  EXPECT_EQ(Project::events(project_.session(), "step_complete").size(), 3u);
}

INSTANTIATE_TEST_SUITE_P(All, IsolatedRunLanguage,
                         ::testing::Values("cmini", "mine", "rmini", "gmini", "frozen", "local"),
                         [](const auto& row) { return row.param; });

class IsolatedRunEnd : public IsolatedRun, public ::testing::WithParamInterface<std::string> {};

TEST_P(IsolatedRunEnd, IsAFailedRunWithASession) {
  const Outcome outcome = run_defect(GetParam(), kIsolate);
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("execute: the adapter's process "));
  EXPECT_FALSE(project_.status()["ok"].as_bool(true));
  EXPECT_EQ(project_.runs().items().at(0)["status"].as_string(), "failed");
}

INSTANTIATE_TEST_SUITE_P(All, IsolatedRunEnd,
                         ::testing::Values("crashes", "exits", "quick_exits", "ends_the_process", "throws_noexcept"),
                         [](const auto& row) { return row.param; });

TEST_F(IsolatedRun, WhatACrashedProcessHeldIsReleasedByAnother) {
  const Outcome outcome = run_defect("crashes_holding", kIsolate);
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("killed by signal 11"));
  EXPECT_THAT(outcome.out + outcome.err, HasSubstr("thing r-1: killed, and its end was verified"));
  EXPECT_THAT(outcome.err, Not(HasSubstr("not released")));
  const auto released = Project::events(project_.session(), "resource_released");
  ASSERT_EQ(released.size(), 1u);
  EXPECT_EQ(released[0]["id"].as_string(), "r-1");
  EXPECT_TRUE(released[0]["verified"].as_bool());
}

TEST_F(IsolatedRun, WhatCannotBeReleasedIsNamed) {
  const Outcome outcome = run_defect("holds_resource", kIsolate);
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("not released: thing r-1"));
}

TEST_F(IsolatedRun, TheManifestCanAskForIt) {
  const fs::path directory = directory_of("crashes");
  const fs::path manifest = directory / "defect.adapter.toml";
  project_.write(manifest, project_.read(manifest) + "[needs]\nisolate = true\n");
  const Outcome outcome = run("defect", directory);
  EXPECT_EQ(outcome.exit, 3) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("the adapter's process was killed by signal 11"));
  project_.write(manifest, project_.read(manifest) + "# and what is no answer\n");
  std::string text = project_.read(manifest);
  text.replace(text.find("isolate = true"), 14, "isolate = \"so\"");
  project_.write(manifest, text);
  EXPECT_THAT(run("defect", directory).err, HasSubstr("needs.isolate is not true or false"));
}

TEST_F(IsolatedRun, ALibraryThatEndsItsProcessIsNotLoaded) {
  for (const char* sin : {"ctor_exits", "entry_exits", "ctor_aborts"}) {
    const Outcome outcome = run_defect(sin, kIsolate);
    EXPECT_EQ(outcome.exit, 3) << sin << outcome.out << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("load: its process "));
  }
}

TEST_F(IsolatedRun, WhatItPrintsStaysOutOfTheDocument) {
  const Outcome outcome = project_.osiris({"run", "01-csv-duckdb-csv.yaml", "--json", "--isolate", "--adapter",
                                           "defect", "--adapter-dir", directory_of("prints").string()});
  EXPECT_EQ(outcome.json()["execution_type"].as_string(), "defect");
  EXPECT_THAT(outcome.err, HasSubstr("a line for my own amusement"));
}

TEST_F(IsolatedRun, ACrashBeforeThereIsARequestIsAFailedRun) {
  for (const std::string stage : {"create", "configure"}) {
    const Outcome outcome = run_defect("crashes_in_" + stage, kIsolate);
    EXPECT_EQ(outcome.exit, 3) << stage << outcome.out << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(stage + ": the adapter's process was killed by signal 11")) << stage;
  }
}

TEST_F(IsolatedRun, ACrashInAQueryIsToldOf) {
  for (const std::string stage : {"list", "release"}) {
    std::vector<std::string> words = {
        "resources", stage, "--isolate", "--adapter", "defect", "--adapter-dir", directory_of("crashes_in_" + stage)};
    if (stage == "release") words.insert(words.end(), {"--kind", "thing", "r-1"});
    const Outcome outcome = project_.osiris(words);
    EXPECT_EQ(outcome.exit, 3) << stage << outcome.out << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr("the adapter's process was killed by signal 11")) << stage;
  }
}

TEST_F(IsolatedRun, AHangBeforeThereIsARequestEndsWithTheUsersPatience) {
  for (const std::string stage : {"create", "configure"}) {
    Running running = start_defect("hangs_in_" + stage, kIsolate);
    running.until_error("hanging");
    const std::vector<pid_t> children = osiris::test::children_of(running.pid());
    running.kill(SIGINT);
    running.until_error("press Ctrl-C again to leave at once");
    running.kill(SIGINT);
    EXPECT_EQ(running.end().exit, 130) << stage;
    ASSERT_EQ(children.size(), 1u) << stage;
    EXPECT_TRUE(osiris::test::eventually([&] { return !is_alive(children[0]); })) << stage;
  }
}

TEST_F(IsolatedRun, AStopReachesIt) {
  Running running = start_defect("waits_for_stop", kIsolate);
  ASSERT_TRUE(osiris::test::eventually([&] { return fs::exists(project_.dir() / "trace"); }));
  running.kill(SIGINT);
  const Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 130) << outcome.out << outcome.err;
  EXPECT_EQ(project_.read("trace"), "acquired\nreleased\n");
}

TEST_F(IsolatedRun, ItEndsWithOsiris) {
  Running running = start_defect("waits_for_stop", kIsolate);
  ASSERT_TRUE(osiris::test::eventually([&] { return fs::exists(project_.dir() / "trace"); }));
  const std::vector<pid_t> children = osiris::test::children_of(running.pid());
  ASSERT_EQ(children.size(), 1u);
  running.kill(SIGKILL);
  running.end();
  EXPECT_TRUE(osiris::test::eventually([&] { return !is_alive(children[0]); }));
}

}  // namespace
}  // namespace osiris::e2e
