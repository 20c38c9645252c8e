#include "host/display/step_lines.h"

#include <gtest/gtest.h>

#include "host/display/format.h"

namespace osiris {
namespace {

class StepLinesTest : public testing::Test {
 protected:
  StepLinesTest() {
    tally_.plan({{"read", "csv", "extract"}, {"sql", "duckdb", "transform"}, {"write", "csv", "write"}});
  }
  std::vector<std::string> live(size_t width = 80, size_t lines_max = 10) {
    return live_lines(tally_.steps(), tally_.note(), tally_.now_ns(), width, lines_max, false);
  }
  ManualClock clock_;
  StepTally tally_{clock_};
};

TEST_F(StepLinesTest, ShowOneLinePerRunningStepWithRowsRateAndTime) {
  clock_.advance(std::chrono::seconds(1));
  tally_.on_event("step_start", "read", Json::object());
  clock_.advance(std::chrono::seconds(2));
  tally_.on_progress("read", {.rows = 3'000'000});
  ASSERT_EQ(live().size(), 1u);
  EXPECT_EQ(live()[0], "  ⠋ read    3,000,000 rows    1.5 M rows/s  2.00s");
}

TEST_F(StepLinesTest, ShowTheRateOfTheLastSecondsAndNotTheMeanSinceTheStart) {
  tally_.on_event("step_start", "read", Json::object());
  uint64_t rows = 0;
  const auto second = [&](uint64_t more) {
    clock_.advance(std::chrono::seconds(1));
    tally_.on_progress("read", {.rows = rows += more});
  };
  for (int i = 0; i < 10; ++i) second(1'000'000);
  EXPECT_NE(live()[0].find("1.0 M rows/s"), std::string::npos) << live()[0];
  for (int i = 0; i < 5; ++i) second(2'000);
  EXPECT_NE(live()[0].find("2.0 k rows/s"), std::string::npos) << live()[0];
  for (int i = 0; i < 5; ++i) second(0);
  EXPECT_NE(live()[0].find("0 rows/s"), std::string::npos) << "it stands still: " << live()[0];
  const std::string before = live()[0].substr(0, 50);
  clock_.advance(std::chrono::milliseconds(500));
  EXPECT_EQ(live()[0].substr(10, 34), before.substr(10, 34)) << "nothing sinks between two reports";
  clock_.advance(std::chrono::seconds(5));
  EXPECT_EQ(live()[0].find("rows/s"), std::string::npos) << "no news for long: " << live()[0];
}

TEST_F(StepLinesTest, ShowBytesPercentAndTheTimeLeftWhereTheyAreKnown) {
  tally_.on_event("step_start", "read", Json::object());
  clock_.advance(std::chrono::seconds(2));
  tally_.on_progress("read", {.rows = 10, .bytes = 50 << 20, .bytes_total = 200 << 20});
  EXPECT_NE(live(120)[0].find("2.00s  50.0 MiB of 200.0 MiB  25.0 MiB/s  25 %  6.00s left"), std::string::npos)
      << live(120)[0];
  tally_.on_event("step_start", "write", Json::object());
  clock_.advance(std::chrono::seconds(1));
  tally_.on_progress("write", {.rows = 300, .rows_total = 400});
  EXPECT_NE(live(120)[1].find("300 rows      300 rows/s  1.00s  75 %  0.33s left"), std::string::npos) << live(120)[1];
  tally_.on_event("step_start", "sql", Json::object());
  EXPECT_EQ(live(120)[1].find(" %"), std::string::npos) << "no total, no percent: " << live(120)[1];
}

TEST_F(StepLinesTest, ShowNothingOfStepsThatDoNotRun) { EXPECT_TRUE(live().empty()); }

TEST_F(StepLinesTest, ShowTheNoteWhileNoStepRuns) {
  tally_.on_note("creating sandbox\x1b[2J");
  ASSERT_EQ(live().size(), 1u);
  EXPECT_EQ(live()[0], "  ⠋ creating sandbox?[2J");
}

TEST_F(StepLinesTest, FitTheTerminalInBothDirections) {
  for (const char* id : {"read", "sql", "write"}) tally_.on_event("step_start", id, Json::object());
  const auto lines = live(30, 2);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[1], "  … and 2 more running");
  for (const std::string& line : lines) EXPECT_LE(display_width(line), 30u);
}

TEST_F(StepLinesTest, SayHowAStepEnded) {
  tally_.on_event("step_complete", "read", Json::object({{"rows_processed", 1200}, {"duration_ms", 1500}}));
  tally_.on_event("step_failed", "sql", Json::object({{"error", "no column \x1b[31mx"}}));
  tally_.on_event("step_skipped", "write", Json::object({{"cause", "sql"}}));
  const auto steps = tally_.steps();
  EXPECT_EQ(started_line(steps[0]), "  ▶ read: Starting... (driver: csv)");
  EXPECT_EQ(ended_line(steps[0], false), "  ✓ read: Complete (duration: 1.50s, rows: 1,200)");
  EXPECT_EQ(ended_line(steps[1], false), "  ✗ sql: Failed (duration: 0.00s)");
  EXPECT_EQ(ended_line(steps[2], false), "  ○ write: Skipped (sql failed)");
  EXPECT_EQ(summary_line(steps, 0, 1.5), "1 of 3 steps, 1 failed, 1 skipped, 0 rows, 1.50s");
}

// What a step read is of no interest where it wrote, or made, something else.
TEST_F(StepLinesTest, CountTheRowsThatAStepIsFor) {
  for (const char* id : {"read", "sql", "write"}) {
    tally_.on_event("step_start", id, Json::object());
    tally_.on_metric("rows_read", id, 10);
    tally_.on_metric("rows_out", id, 20);
    tally_.on_metric("rows_written", id, 30);
  }
  const auto steps = tally_.steps();
  EXPECT_EQ(steps[1].rows(), 20u);
  EXPECT_EQ(steps[2].rows(), 30u);
}

TEST_F(StepLinesTest, SumUpInATable) {
  tally_.on_event("step_complete", "read", Json::object({{"rows_processed", 1200}, {"duration_ms", 1500}}));
  const std::string table = summary_table(tally_.steps(), 80, false);
  EXPECT_NE(table.find("read   csv     complete  1,200  800 rows/s     1.50s\n"), std::string::npos) << table;
  EXPECT_NE(table.find("write  csv     waiting\n"), std::string::npos) << table;
  EXPECT_EQ(table.find('\x1b'), std::string::npos);
  EXPECT_NE(summary_table(tally_.steps(), 80, true).find("\x1b[32m"), std::string::npos);
}

TEST(SummaryTable, FitsTheTerminal) {
  ManualClock clock;
  StepTally tally(clock);
  tally.plan({{"a-step-whose-name-goes-on-and-on", "filesystem.csv_extractor", "extract"}});
  tally.on_event("step_start", "a-step-whose-name-goes-on-and-on", Json::object());
  tally.on_event("step_complete", "a-step-whose-name-goes-on-and-on",
                 Json::object({{"duration_ms", 1500}, {"rows_processed", 1'200'000}}));
  for (const size_t width : {120u, 90u, 80u, 70u, 60u}) {
    std::string table = summary_table(tally.steps(), width, false);
    for (size_t start = 0, end; (end = table.find('\n', start)) != std::string::npos; start = end + 1)
      EXPECT_LE(display_width(std::string_view(table).substr(start, end - start)), width) << table;
    EXPECT_NE(table.find("1,200,000"), std::string::npos) << table;
    EXPECT_EQ(table.find("Driver") != std::string::npos, width >= 90) << table;
  }
}

TEST(Reused, IsNotShownAsRun) {
  ManualClock clock;
  StepTally tally(clock);
  tally.plan({{"a", "duckdb.processor", "transform", false}});
  tally.on_event("step_start", "a", Json::object());
  tally.on_event("step_reused", "a", Json::object({{"run_id", "run-000001_X"}}));
  tally.on_event("step_complete", "a", Json::object({{"rows_processed", 2}}));
  EXPECT_EQ(ended_line(tally.steps()[0], false), "  ✓ a: Not run again (rows: 2, of run-000001_X)");
  const std::string table = summary_table(tally.steps(), 100, false);
  EXPECT_NE(table.find("not run again"), std::string::npos) << table;
  EXPECT_EQ(table.find("complete"), std::string::npos) << table;
  EXPECT_EQ(table.find("rows/s"), std::string::npos) << table;
  EXPECT_EQ(summary_line(tally.steps(), 2, 1), "1 step, 1 not run again, 2 rows, 1.00s");
}

TEST(Cancelled, IsNotFailed) {
  ManualClock clock;
  StepTally tally(clock);
  tally.plan({{"a", "mock", "extract"}});
  tally.on_event("step_start", "a", Json::object());
  tally.on_event("step_failed", "a", Json::object({{"error", "step a was cancelled"}, {"error_type", "cancelled"}}));
  EXPECT_EQ(ended_line(tally.steps()[0], false), "  ○ a: Cancelled");
  EXPECT_NE(summary_line(tally.steps(), 0, 1).find("1 cancelled"), std::string::npos);
  EXPECT_EQ(summary_line(tally.steps(), 0, 1).find("failed"), std::string::npos);
}

}  // namespace
}  // namespace osiris
