// Records of runs held against each other.
#include <gmock/gmock.h>

#include "host/inspection/comparison_text.h"
#include "host/inspection/run_comparison.h"
#include "tests/unit/host_pages/session_files.h"

namespace osiris {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

RecordedRun run() {
  RecordedRun made;
  made.record.run_id = "run-1";
  made.record.status = "success";
  made.plan = {{"read", "filesystem.csv_extractor", {}, Json::object({{"path", "in.csv"}})},
               {"save", "filesystem.csv_writer", {"read"}, Json::object({{"path", "out.csv"}})}};
  SessionStep step;
  step.id = "read";
  step.status = "complete";
  step.rows = 3;
  made.steps = {step};
  made.events.steps["read"] = {R"({"event":"step_start"})", R"({"event":"step_complete","rows":3})"};
  made.events.run = {R"({"event":"run_end"})"};
  made.outputs = {{"out.csv", "/p/out.csv", 10, "aa", "save"}};
  return made;
}

TEST(Comparison, OfARunWithItselfIsTheSame) {
  const RunComparison same = compare_runs(run(), run());
  EXPECT_TRUE(same.is_same());
  EXPECT_EQ(to_json(same)["same"], Json(true));
  EXPECT_THAT(comparison_text(same, run(), run(), 80), HasSubstr("the same bytes in 1 file"));
}

TEST(Comparison, NamesEveryKindOfDifference) {
  RecordedRun other = run();
  other.plan[0].config.set("path", "other.csv");
  other.plan.pop_back();
  other.steps[0].rows = 4;
  other.record.status = "failed";
  other.events.steps["read"][1] = R"({"event":"step_complete","rows":4})";
  other.events.steps["new"] = {R"({"event":"step_start"})"};
  other.events.run.push_back(R"({"event":"more"})");
  other.outputs[0].sha256 = "bb";
  other.outputs.push_back({"more.csv", "/p/more.csv", 1, "cc", "save"});
  const RunComparison found = compare_runs(run(), other);
  EXPECT_FALSE(found.is_same());
  ASSERT_THAT(found.plan, SizeIs(2));
  EXPECT_EQ(found.plan[0].what, "step read: path");
  EXPECT_TRUE(found.plan[1].right.is_null());
  ASSERT_THAT(found.steps, SizeIs(2));
  EXPECT_EQ(found.steps[1].right.as_int(), 4);
  ASSERT_THAT(found.events, SizeIs(3));
  EXPECT_EQ(found.events[1].what, "step read: event 2");
  EXPECT_EQ(found.outputs.size(), 2u);
  EXPECT_THAT(comparison_text(found, run(), other, 80),
              AllOf(HasSubstr("Plan: 2 differences"), HasSubstr("Outputs: 2 of 2 files differ"),
                    HasSubstr("not written"), HasSubstr("✗ The runs differ")));
}

TEST(Comparison, ABuildThatIsGoneIsNoDifference) {
  RecordedRun other = run();
  for (RecordedStep& step : other.plan) step.config = Json();
  EXPECT_TRUE(compare_runs(run(), other).is_same());
}

TEST(Comparison, ReadsEventsWithoutWhatIsOfOneRun) {
  const auto recorded = [](const SessionFiles& files) {
    RunRecord record;
    record.run_id = "run-1";
    record.run_logs_path = files.directory().string();
    return read_recorded_run(record);
  };
  SessionFiles one, two;
  for (auto [files, second] : {std::pair{&one, 1.0}, std::pair{&two, 9.0}}) {
    files->event(second, "run_start", second > 5 ? "\"session_id\":\"x\"" : "\"session_id\":\"y\"");
    if (second > 5) files->event(second, "sandbox_created", "\"id\":\"s\"");
    files->event(second, "step_complete",
                 std::string("\"step_id\":\"a\",\"rows_processed\":3,\"duration_ms\":") + (second > 5 ? "7" : "8"));
    files->history();
  }
  const auto left = recorded(one), right = recorded(two);
  ASSERT_TRUE(left.ok() && right.ok());
  EXPECT_THAT(left->events.run, SizeIs(1));
  EXPECT_THAT(compare_runs(*left, *right).events, IsEmpty());
  RunRecord gone;
  gone.run_logs_path = "/nowhere";
  EXPECT_FALSE(read_recorded_run(gone).ok());
}

}  // namespace
}  // namespace osiris
