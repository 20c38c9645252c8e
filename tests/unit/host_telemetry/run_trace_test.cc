#include "host/telemetry/run_trace.h"

#include <gmock/gmock.h>

#include <vector>

#include "tests/unit/host_telemetry/records.h"

namespace osiris {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RunTraceTest : public testing::Test {
 protected:
  RunTraceTest() { begin("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"); }
  void begin(const char* parent) {
    spans_.clear();
    trace_ = std::make_unique<RunTrace>(*parse_trace_context(parent), "vendor=1", 1'764'522'953'000'000'000,
                                        [this](Json span) { spans_.push_back(std::move(span)); });
  }
  // A run of two steps, the second of which ends with `last`.
  void tell(const char* last, const Json& fields) {
    log_.event("run_start", Json::object({{"pipeline", "p.yaml"}}));
    log_.event("compile_start");
    log_.event("compile_complete", Json::object({{"manifest_hash", "ab"}}));
    log_.event("adapter_selected", Json::object({{"adapter", "local"}}));
    log_.event("run_start", Json::object({{"pipeline_id", "nightly"}, {"profile", "dev"}}));
    for (const char* stage : {"prepare", "execute"}) log_.event("adapter_" + std::string(stage) + "_start");
    log_.event("adapter_prepare_complete");
    log_.event("resource_acquired", Json::object({{"kind", "sandbox"}, {"id", "sbx"}}));
    log_.event("step_start", Json::object({{"step_id", "read"}, {"driver", "mysql.extractor"}}));
    log_.metric("rows_read", 3, Json::object({{"step_id", "read"}}));
    log_.event("step_complete", Json::object({{"step_id", "read"}, {"rows_processed", 3}}));
    log_.event("step_start", Json::object({{"step_id", "save"}, {"driver", "filesystem.csv_writer"}}));
    log_.event("step_retry", Json::object({{"step_id", "save"}, {"attempt", 1}}));
    Json of_step = fields;
    of_step.set("step_id", "save");
    log_.event(last, of_step);
    log_.event("adapter_execute_complete", Json::object({{"success", std::string(last) == "step_complete"}}));
    log_.metric("adapter_exit_code", 1);
  }
  const Json& span(const std::string& name) {
    for (const Json& each : spans_)
      if (each["name"].as_string() == name) return each;
    ADD_FAILURE() << "no span " << name;
    static const Json none;
    return none;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const Json& each : spans_) names.push_back(each["name"].as_string());
    return names;
  }

  std::vector<Json> spans_;
  std::unique_ptr<RunTrace> trace_;
  Records log_{[this](const WrittenRecord& record) { trace_->on_record(record); }};
};

TEST_F(RunTraceTest, SpansAreNestedHostAdapterStage) {
  tell("step_complete", Json::object());
  log_.event("run_end", Json::object({{"status", "success"}}));
  trace_->finish(log_.now());
  EXPECT_THAT(names(), ElementsAre("compile", "adapter prepare", "step read", "step save", "adapter execute",
                                   "adapter local", "run nightly"));
  const std::string run = span("run nightly")["spanId"].as_string();
  EXPECT_EQ(span("run nightly")["parentSpanId"].as_string(), "b7ad6b7169203331");
  EXPECT_EQ(span("compile")["parentSpanId"].as_string(), run);
  EXPECT_EQ(span("adapter local")["parentSpanId"].as_string(), run);
  EXPECT_EQ(span("adapter execute")["parentSpanId"], span("adapter local")["spanId"]);
  EXPECT_EQ(span("step save")["parentSpanId"], span("adapter execute")["spanId"]);
  for (const Json& each : spans_) {
    EXPECT_EQ(each["traceId"].as_string(), "0af7651916cd43dd8448eb211c80319c");
    EXPECT_EQ(each["traceState"].as_string(), "vendor=1");
    EXPECT_FALSE(each.contains("status")) << each.dump();
    EXPECT_LE(each["startTimeUnixNano"].as_string(), each["endTimeUnixNano"].as_string());
  }
}

TEST_F(RunTraceTest, SpansSayWhatRan) {
  tell("step_complete", Json::object());
  log_.event("run_end", Json::object({{"status", "success"}}));
  trace_->finish(log_.now());
  EXPECT_EQ(attribute(span("run nightly"), "osiris.pipeline.id"), Json("nightly"));
  EXPECT_EQ(attribute(span("run nightly"), "osiris.run.outcome"), Json("success"));
  EXPECT_EQ(attribute(span("run nightly"), "process.exit.code"), Json("1"));
  EXPECT_EQ(attribute(span("step read"), "db.system.name"), Json("mysql"));
  EXPECT_EQ(attribute(span("step read"), "osiris.rows_read"), Json("3"));
  EXPECT_EQ(attribute(span("step save"), "db.system.name"), Json());
  EXPECT_EQ(attribute(span("step save"), "osiris.step.attempts"), Json("2"));
  EXPECT_EQ(span("step save")["events"].items().at(0)["name"].as_string(), "step_retry");
  EXPECT_EQ(span("adapter local")["events"].items().at(0)["name"].as_string(), "resource_acquired");
}

TEST_F(RunTraceTest, AStepThatFailedIsAnErrorUpToTheRun) {
  tell("step_failed", Json::object({{"error", "no space left"}, {"category", "write.disk_full"}}));
  log_.event("run_error", Json::object({{"message", "step 'save' failed"}, {"phase", "execute"}, {"step_id", "save"}}));
  log_.event("run_end", Json::object({{"status", "failed"}}));
  trace_->finish(log_.now());
  const Json& step = span("step save");
  EXPECT_EQ(step["status"]["code"], Json(2));
  EXPECT_EQ(step["status"]["message"].as_string(), "no space left");
  EXPECT_EQ(attribute(step, "error.type"), Json("write.disk_full"));
  EXPECT_EQ(attribute(step["events"].items().at(1), "exception.message"), Json("no space left"));
  EXPECT_EQ(span("adapter execute")["status"]["code"], Json(2));
  EXPECT_EQ(span("run nightly")["status"]["message"].as_string(), "step 'save' failed");
}

TEST_F(RunTraceTest, AStepThatDoesNotEndIsEndedAsAnError) {
  tell("step_heard_of", Json::object());
  trace_->finish(log_.now());
  EXPECT_EQ(span("step save")["status"]["code"], Json(2));
  EXPECT_THAT(span("step save")["status"]["message"].as_string(), HasSubstr("not told"));
  log_.event("step_start", Json::object({{"step_id", "late"}}));
  trace_->finish(log_.now());
  EXPECT_EQ(spans_.back()["name"].as_string(), "run nightly") << "what comes later changes nothing";
}

TEST_F(RunTraceTest, TheWorkerCanKnowTheSpanOfAStep) {
  tell("step_complete", Json::object());
  trace_->finish(log_.now());
  const auto parent = parse_trace_context(trace_->of_steps().text());
  ASSERT_TRUE(parent);
  EXPECT_EQ(parent->span_id, span("adapter execute")["spanId"].as_string());
  EXPECT_EQ(child_span_id(*parent, "save"), span("step save")["spanId"].as_string());
}

TEST_F(RunTraceTest, ATraceThatIsNotSampledIsPassedOnAndNotSent) {
  begin("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
  tell("step_complete", Json::object());
  trace_->finish(log_.now());
  EXPECT_TRUE(spans_.empty());
  EXPECT_THAT(trace_->of_steps().text(), testing::EndsWith("-00"));
}

TEST_F(RunTraceTest, ASpanKeepsSoManyEvents) {
  log_.event("adapter_selected", Json::object({{"adapter", "local"}}));
  log_.event("adapter_execute_start");
  log_.event("step_start", Json::object({{"step_id", "s"}}));
  for (int i = 0; i < 1000; ++i) log_.event("script_event", Json::object({{"step_id", "s"}, {"n", i}}));
  trace_->finish(log_.now());
  EXPECT_EQ(span("step s")["events"].size(), 128u);
  EXPECT_EQ(span("step s")["droppedEventsCount"], Json(872));
}

}  // namespace
}  // namespace osiris
