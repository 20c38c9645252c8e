#include "host/run/run_log.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <thread>

namespace osiris {
namespace {

namespace fs = std::filesystem;

class RunLogTest : public testing::Test {
 protected:
  RunLogTest() {
    std::string pattern = fs::temp_directory_path() / "osiris-run-log-XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~RunLogTest() override { fs::remove_all(directory_); }

  std::vector<Json> records(const char* file) {
    std::vector<Json> out;
    EXPECT_TRUE(
        for_each_line(directory_ / file, [&](std::string_view line) { out.push_back(*parse_json(line)); }).ok());
    return out;
  }

  fs::path directory_;
  ManualClock clock_{1'763'876'573'123'456'000};
  Masking masking_;
  RunLog log_{clock_, masking_};
};

TEST_F(RunLogTest, ReplaysWhatHappenedBeforeTheDirectoryWasKnown) {
  log_.event("compile_start", Json::object({{"pipeline", "p.yaml"}}));
  clock_.advance(std::chrono::seconds(1));
  ASSERT_TRUE(log_.open(directory_, "run-1", false).ok());
  log_.event("run_end");
  const auto events = records("events.jsonl");
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(
      events[0].dump(),
      R"({"ts":"2025-11-23T05:42:53.123456+00:00","session":"run-1","event":"compile_start","pipeline":"p.yaml"})");
  EXPECT_EQ(events[1]["ts"].as_string(), "2025-11-23T05:42:54.123456+00:00");
  EXPECT_EQ(log_.events_written(), 2u);
}

TEST_F(RunLogTest, MasksARecordThatIsOlderThanTheSecret) {
  log_.event("early", Json::object({{"text", "canary-value"}}));
  masking_.learn("canary-value");
  ASSERT_TRUE(log_.open(directory_, "run-1", false).ok());
  EXPECT_EQ(read_file(directory_ / "events.jsonl")->find("canary-value"), std::string::npos);
}

TEST_F(RunLogTest, KeepsTheFieldsItOwnsAgainstThoseOfAnEvent) {
  ASSERT_TRUE(log_.open(directory_, "run-1", false).ok());
  log_.event("x", Json::object({{"event", "y"}, {"session", "other"}, {"ts", 0}, {"z", 1}}));
  EXPECT_EQ(records("events.jsonl")[0]["event"].as_string(), "x");
  EXPECT_EQ(records("events.jsonl")[0]["session"].as_string(), "run-1");
  EXPECT_EQ(records("events.jsonl")[0]["z"], Json(1));
}

TEST_F(RunLogTest, WritesMetricsWithTheirTags) {
  ASSERT_TRUE(log_.open(directory_, "run-1", false).ok());
  log_.metric("rows_read", 5, Json::object({{"step_id", "a"}, {"tags", Json::object({{"step", "a"}})}}), 1'000'000'000);
  EXPECT_EQ(
      records("metrics.jsonl")[0].dump(),
      R"({"ts":"1970-01-01T00:00:01.000000+00:00","session":"run-1","metric":"rows_read","value":5,"step_id":"a","tags":{"step":"a"}})");
}

TEST_F(RunLogTest, KeepsDebugLinesOutOfOsirisLogAndEveryLineOnOneLine) {
  ASSERT_TRUE(log_.open(directory_, "run-1", true).ok());
  log_.log(LogLevel::kInfo, "osiris.run", "two\nlines \x1b[31m password=hunter2");
  log_.log(LogLevel::kDebug, "osiris.run", "detail");
  const std::string text = *read_file(directory_ / "osiris.log");
  EXPECT_EQ(text, "2025-11-23 05:42:53 - osiris.run - [run-1] - INFO - two\\nlines ?[31m password=***MASKED***\n");
  EXPECT_NE(read_file(directory_ / "debug.log")->find("DEBUG - detail"), std::string::npos);
}

TEST_F(RunLogTest, WritesNoDebugLogUnlessAsked) {
  ASSERT_TRUE(log_.open(directory_, "run-1", false).ok());
  log_.log(LogLevel::kDebug, "osiris.run", "detail");
  EXPECT_FALSE(fs::exists(directory_ / "debug.log"));
}

TEST_F(RunLogTest, FailsToOpenADirectoryThatIsNotThere) {
  EXPECT_FALSE(log_.open(directory_ / "missing", "run-1", false).ok());
  EXPECT_FALSE(log_.is_open());
}

TEST_F(RunLogTest, RemembersTheFirstWriteThatFailed) {
  fs::create_symlink("/dev/full", directory_ / "events.jsonl");
  ASSERT_TRUE(log_.open(directory_, "run-1", false).ok());
  log_.event("lost");
  EXPECT_TRUE(log_.write_error());
  EXPECT_EQ(log_.events_written(), 0u);
}

TEST_F(RunLogTest, KeepsLinesWholeWhenManyThreadsWrite) {
  ASSERT_TRUE(log_.open(directory_, "run-1", false).ok());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([this, t] {
      for (int i = 0; i < 200; ++i)
        log_.event("e", Json::object({{"n", t * 1000 + i}, {"text", std::string(200, 'x')}}));
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(records("events.jsonl").size(), 800u);
}

}  // namespace
}  // namespace osiris
