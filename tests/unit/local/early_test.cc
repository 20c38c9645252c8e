// osiris.early/1 of local.so: the worker that began before its run is the run's, or it is gone.
#include <gtest/gtest.h>
#include <osiris/ext/early.h>
#include <signal.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <type_traits>

#include "tests/support/children.h"
#include "tests/support/eventually.h"
#include "tests/unit/base/process_group.h"
#include "tests/unit/local/loaded_adapter.h"

namespace osiris {
namespace {

// The tables as they were first shipped.
static_assert(sizeof(osiris_early_run) == 48 && offsetof(osiris_early_run, driver_count) == 4 &&
              offsetof(osiris_early_run, worker_path) == 8 && offsetof(osiris_early_run, work_dir) == 24 &&
              offsetof(osiris_early_run, drivers) == 40);
static_assert(sizeof(osiris_early) == 16 && offsetof(osiris_early, begin) == 8);
static_assert(std::is_same_v<decltype(osiris_early::begin),
                             void (*)(const osiris_adapter_type*, const osiris_early_run*) noexcept>);

using test::LoadedAdapter;
using test::RecordingHost;
using test::TestRun;

class Early : public testing::Test {
 protected:
  Early() { run_.add_step("a", "mock", "extract", Json::object()); }

  void begin(const TestRun& run, const std::vector<std::string>& drivers = {"mock"}) {
    const auto* table = static_cast<const osiris_early*>(adapter_.type().extension(&adapter_.type(), OSIRIS_EARLY_V1));
    ASSERT_NE(table, nullptr);
    const auto text = [](const std::string& from) { return osiris_str{from.data(), from.size()}; };
    const std::string worker = run.worker, work = run.directory / "work";
    std::vector<osiris_str> names;
    for (const std::string& driver : drivers) names.push_back(text(driver));
    const osiris_early_run early = {sizeof early, static_cast<uint32_t>(names.size()), text(worker), text(work),
                                    names.data()};
    table->begin(&adapter_.type(), &early);
  }
  static std::vector<pid_t> children() { return test::children_of(::getpid()); }
  pid_t worker_of_run() const {
    const auto started = host_.events("worker_started");
    return started.size() == 1 ? static_cast<pid_t>(started[0].data["pid"].as_int()) : 0;
  }

  RecordingHost host_;
  TestRun run_;
  LoadedAdapter adapter_{host_, test::build_path("lib/osiris/adapters/local.so")};
};

TEST_F(Early, TheWorkerThatBeganRunsTheSteps) {
  begin(run_);
  const std::vector<pid_t> begun = children();
  ASSERT_EQ(begun.size(), 1u);
  EXPECT_TRUE(host_.events("resource_acquired").empty()) << "there is no run yet";
  ASSERT_EQ(adapter_.run(run_), OSIRIS_OK) << host_.everything();
  EXPECT_EQ(worker_of_run(), begun[0]);
  EXPECT_EQ(host_.events("resource_acquired").at(0).data["id"].as_string(), std::to_string(begun[0]));
  EXPECT_EQ(host_.events("step_complete").size(), 1u);
  EXPECT_TRUE(test::group_is_gone(begun[0]));
}

TEST_F(Early, ARunElsewhereHasAWorkerOfItsOwn) {
  const TestRun other;
  begin(other);
  const std::vector<pid_t> begun = children();
  ASSERT_EQ(begun.size(), 1u);
  ASSERT_EQ(adapter_.run(run_), OSIRIS_OK) << host_.everything();
  EXPECT_NE(worker_of_run(), begun[0]);
  EXPECT_TRUE(test::group_is_gone(begun[0]));
}

TEST_F(Early, AWorkerThatHasEndedIsReplaced) {
  begin(run_);
  const std::vector<pid_t> begun = children();
  ASSERT_EQ(begun.size(), 1u);
  ::kill(begun[0], SIGKILL);
  EXPECT_TRUE(test::eventually([&] { return test::words_of(begun[0]).empty(); }));
  ASSERT_EQ(adapter_.run(run_), OSIRIS_OK) << host_.everything();
  EXPECT_NE(worker_of_run(), begun[0]);
}

TEST_F(Early, AnotherBeginningEndsTheOneBefore) {
  const TestRun other;
  begin(other);
  const std::vector<pid_t> first = children();
  begin(run_);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_TRUE(test::group_is_gone(first[0]));
  EXPECT_EQ(children().size(), 1u);
  ASSERT_EQ(adapter_.run(run_), OSIRIS_OK) << host_.everything();
  EXPECT_TRUE(children().empty());
}

TEST_F(Early, WhatCannotBeginFailsWhenItIsExecuted) {
  run_.worker = run_.directory / "no-worker";
  begin(run_);
  EXPECT_TRUE(children().empty());
  EXPECT_TRUE(host_.failures().empty());
  EXPECT_NE(adapter_.run(run_), OSIRIS_OK);
}

// With the engine, which opens before the run is known: its memory and directory are the run's.
TEST_F(Early, AnEngineThatBeganRunsTheSql) {
  TestRun run;
  run.settings.set("memory_limit_bytes", uint64_t{512} << 20);
  run.settings.set("threads", uint64_t{2});
  run.add_step("a", "duckdb.processor", "transform",
               Json::object({{"query", "SELECT current_setting('memory_limit') AS a"}}));
  begin(run, {"duckdb.processor"});
  const std::vector<pid_t> begun = children();
  ASSERT_EQ(begun.size(), 1u);
  EXPECT_EQ(adapter_.run(run), OSIRIS_RUN_FAILED) << "settings are not a step's to see";
  EXPECT_EQ(worker_of_run(), begun[0]);
}

}  // namespace
}  // namespace osiris
