// What is read from the record of a run, whole and torn.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/pages/run_history.h"
#include "tests/unit/host_pages/session_files.h"

namespace osiris {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kManifest =
    "name: Hello world\nsteps:\n- {id: a, component: filesystem.csv_extractor, needs: []}\n"
    "- {id: b, component: duckdb.processor, needs: [a]}\n- {id: c, component: filesystem.csv_writer, needs: [b]}\n";

TEST(History, HasStepsInTheOrderOfTheManifestAlsoThoseThatNeverBegan) {
  SessionFiles session;
  session.write("manifest.yaml", kManifest);
  session.event(0, "run_start");
  session.event(1, "step_start", R"("step_id":"b","driver":"duckdb.processor")");
  session.event(1, "step_start", R"("step_id":"a","driver":"filesystem.csv_extractor")");
  session.event(3, "step_complete", R"("step_id":"a","rows_processed":10,"duration":2.0)");
  const RunHistory history = session.history("interrupted");
  EXPECT_EQ(history.title, "Hello world");
  ASSERT_EQ(history.steps.size(), 3u);
  EXPECT_EQ(history.steps[0].id, "a");
  EXPECT_EQ(history.steps[0].status, "complete");
  EXPECT_EQ(history.steps[0].rows, 10u);
  EXPECT_EQ(history.steps[1].status, "running");
  EXPECT_EQ(history.steps[2].status, "waiting");
  EXPECT_EQ(history.graph[1].needs, std::vector<std::string>{"a"});
  EXPECT_DOUBLE_EQ(history.length_s, 3);
}

TEST(History, TakesPhasesFromPairsOfEventsAndFromDurations) {
  SessionFiles session;
  session.event(0, "compile_start");
  session.event(0.5, "compile_complete");
  session.event(4, "sandbox_created", R"("sandbox_id":"sb-1","duration_ms":3000)");
  session.event(5, "adapter_collect_start");
  const RunHistory history = session.history("interrupted");
  ASSERT_EQ(history.phases.size(), 3u);
  EXPECT_EQ(history.phases[0].name, "compile");
  EXPECT_DOUBLE_EQ(history.phases[0].end_s, 0.5);
  EXPECT_EQ(history.phases[1].name, "sandbox created");
  EXPECT_DOUBLE_EQ(history.phases[1].start_s, 1);
  EXPECT_DOUBLE_EQ(history.phases[1].end_s, 4);
  EXPECT_THAT(history.phases[1].detail, HasSubstr("sb-1"));
  EXPECT_FALSE(history.phases[2].has_ended);
}

TEST(History, SaysAnErrorOnceWithItsHint) {
  SessionFiles session;
  session.event(0, "step_start", R"("step_id":"a")");
  for (const char* name : {"step_failed", "step_error"})
    session.event(1, name, R"("step_id":"a","error":"no such file","hint":"look there","category":"source.missing")");
  session.event(1, "execution_error_mapped", R"("error":"no such file")");
  session.event(1, "run_error", R"("error":"step a: no such file")");
  const RunHistory history = session.history("failed");
  ASSERT_EQ(history.notices.size(), 1u);
  EXPECT_TRUE(history.notices[0].is_error);
  EXPECT_EQ(history.notices[0].step_id, "a");
  EXPECT_EQ(history.notices[0].hint, "look there");
  EXPECT_EQ(history.notices[0].category, "source.missing");
}

TEST(History, HasTheRunsOwnErrorWhereNoStepSaidIt) {
  SessionFiles session;
  session.event(1, "run_error", R"("error":"the service refused the key","hint":"osiris doctor")");
  const RunHistory history = session.history("failed");
  ASSERT_EQ(history.notices.size(), 1u);
  EXPECT_EQ(history.notices[0].message, "the service refused the key");
}

TEST(History, CountsEqualWarningsAndPutsErrorsFirst) {
  SessionFiles session;
  for (int line = 1; line <= 500; ++line)
    session.event(1, "csv_bad_line", R"("step_id":"a","line":)" + std::to_string(line));
  session.event(2, "step_failed", R"("step_id":"b","error":"wrong")");
  session.write("osiris.log",
                "2025-11-23 04:00:00 - osiris.run - [run-1] - WARNING - not registered\n"
                "2025-11-23 04:00:00 - osiris.run - [run-1] - INFO - fine\n");
  const RunHistory history = session.history("failed");
  ASSERT_EQ(history.notices.size(), 3u);
  EXPECT_TRUE(history.notices[0].is_error);
  EXPECT_EQ(history.notices[1].count, 500u);
  EXPECT_THAT(history.notices[1].hint, HasSubstr("line 1"));
  EXPECT_EQ(history.notices[2].message, "not registered");
}

TEST(History, BoundsWhatItKeepsOfWarnings) {
  SessionFiles session;
  for (int i = 0; i < 7'000; ++i)
    session.event(1, "adapter_misbehaving", "\"message\":\"number " + std::to_string(i) + "\"");
  const RunHistory history = session.history();
  EXPECT_EQ(history.notices.size() + history.notices_left_out, 7'000u);
  EXPECT_LE(history.notices.size(), 200u);
}

TEST(History, KnowsWhatWasReleasedVerifiedAndKept) {
  SessionFiles session;
  session.write("aiop/summary.json", R"({"released":[{"kind":"sandbox","id":"s2","kept":true}]})");
  for (const char* id : {"s1", "s2", "s3"})
    session.event(1, "resource_acquired", std::string(R"("kind":"sandbox","cleanup":"kill it","id":")") + id + "\"");
  session.event(4, "resource_released", R"("kind":"sandbox","id":"s1","verified":true)");
  session.history();
  RunRecord record = session.record();
  record.aiop_path = session.directory() / "aiop";
  const auto history = read_run_history(record);
  ASSERT_TRUE(history.ok());
  ASSERT_EQ(history->resources.size(), 3u);
  EXPECT_EQ(history->resources[0].released_s, 3);
  EXPECT_TRUE(history->resources[0].is_verified);
  EXPECT_TRUE(history->resources[1].is_kept);
  EXPECT_FALSE(history->resources[2].released_s);
}

TEST(History, ReadsTornAndWrongLinesAsFarAsTheyGo) {
  SessionFiles session;
  session.write("events.jsonl",
                "{\"ts\":\"2025-11-23T04:00:00.000000+00:00\",\"event\":\"run_start\"}\nnot json\n[1]\n{\"ts\":7}\n"
                "{\"ts\":\"2025-11-23T03:00:00.000000+00:00\",\"event\":\"step_start\",\"step_id\":\"a\"}\n{\"torn");
  const auto history = read_run_history(session.record("interrupted"));
  ASSERT_TRUE(history.ok());
  ASSERT_EQ(history->steps.size(), 1u);
  // The clock was set back: nothing is before the beginning.
  EXPECT_DOUBLE_EQ(history->seconds_at(history->steps[0].started), 0);
  EXPECT_TRUE(history->status.is_null());
}

TEST(History, OfASessionWithoutEventsIsEmptyAndOfOneThatIsGoneAnError) {
  SessionFiles session;
  const auto empty = read_run_history(session.record("interrupted"));
  ASSERT_TRUE(empty.ok());
  EXPECT_THAT(empty->steps, IsEmpty());
  RunRecord gone = session.record();
  gone.run_logs_path += "/gone";
  const auto nothing = read_run_history(gone);
  ASSERT_FALSE(nothing.ok());
  EXPECT_EQ(nothing.error().code, Code::kNotFound);
  EXPECT_THAT(nothing.error().hint, HasSubstr("osiris clean"));
}

TEST(History, AddsUpRowsAndBytesAndTakesTheWorkersFigures) {
  SessionFiles session;
  session.event(0, "run_start");
  session.event(1, "step_complete", R"("step_id":"a","rows_processed":10)");
  session.event(2, "step_complete", R"("step_id":"b","rows_processed":5)");
  session.event(2, "output_written", R"("step_id":"b","size_bytes":100)");
  session.metric(1, "worker_memory_bytes", 1'000);
  session.metric(2, "worker_memory_bytes", 4'000);
  session.metric(2, "rows_out", 10, R"("step_id":"a","tags":{"step":"a"})");
  session.metric(3, "remote_calls", 7);
  const RunHistory history = session.history();
  ASSERT_EQ(history.rows.size(), 2u);
  EXPECT_DOUBLE_EQ(history.rows[1].value, 15);
  EXPECT_DOUBLE_EQ(history.bytes[0].value, 100);
  ASSERT_EQ(history.memory_bytes.size(), 2u);
  EXPECT_DOUBLE_EQ(history.memory_bytes[1].at_s, 2);
  EXPECT_DOUBLE_EQ(history.totals.at("remote_calls"), 7);
  EXPECT_EQ(history.totals.count("rows_out"), 0u);
}

}  // namespace
}  // namespace osiris
