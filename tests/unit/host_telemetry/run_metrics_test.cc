#include "host/telemetry/run_metrics.h"

#include <gtest/gtest.h>

#include "tests/unit/host_telemetry/records.h"

namespace osiris {
namespace {

class RunMetricsTest : public testing::Test {
 protected:
  Json metric(const std::string& name) {
    const Json all = metrics_.to_otlp(log_.now());
    for (const Json& each : all.items())
      if (each["name"].as_string() == name) return each;
    return {};
  }
  RunMetrics metrics_{1'764'522'953'000'000'000};
  Records log_{[this](const WrittenRecord& record) { metrics_.on_record(record); }};
};

TEST_F(RunMetricsTest, AValueIsItsLastOneWithItsStepAndUnit) {
  log_.event("step_start", Json::object({{"step_id", "read"}, {"driver", "mysql.extractor"}}));
  log_.metric("rows_read", 1, Json::object({{"step_id", "read"}, {"unit", "rows"}}));
  log_.metric("rows_read", 7, Json::object({{"step_id", "read"}, {"unit", "rows"}}));
  log_.metric("rows_read", 2, Json::object({{"step_id", "other"}, {"unit", "rows"}}));
  const Json found = metric("osiris.rows_read");
  EXPECT_EQ(found["unit"].as_string(), "{row}");
  const auto& points = found["gauge"]["dataPoints"].items();
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[1]["asInt"], Json("7"));
  EXPECT_EQ(attribute(points[1], "osiris.component"), Json("mysql.extractor"));
}

TEST_F(RunMetricsTest, IncrementsOfACounterAddUp) {
  for (const int by : {2, 3, -9}) log_.metric("requests", by, Json::object({{"kind", "counter"}}));
  const Json found = metric("osiris.requests");
  EXPECT_EQ(found["sum"]["dataPoints"].items().at(0)["asInt"], Json("5"));
  EXPECT_EQ(found["sum"]["isMonotonic"], Json(true));
  EXPECT_EQ(found["sum"]["aggregationTemporality"], Json(2));
}

TEST_F(RunMetricsTest, DurationsAreHistograms) {
  log_.event("run_start", Json::object({{"pipeline_id", "nightly"}}));
  log_.event("step_failed", Json::object({{"step_id", "s"}, {"duration_ms", 700}}));
  log_.event("run_end", Json::object({{"status", "failed"}, {"duration_seconds", 4000.0}}));
  const Json step = metric("osiris.step.duration")["histogram"]["dataPoints"].items().at(0);
  EXPECT_EQ(step["count"], Json("1"));
  EXPECT_EQ(step["sum"], Json(0.7));
  EXPECT_EQ(step["bucketCounts"].size(), step["explicitBounds"].size() + 1);
  EXPECT_EQ(step["bucketCounts"].items()[4], Json("1"));
  EXPECT_EQ(attribute(step, "osiris.outcome"), Json("failed"));
  EXPECT_EQ(attribute(step, "osiris.pipeline.id"), Json("nightly"));
  const Json run = metric("osiris.run.duration")["histogram"]["dataPoints"].items().at(0);
  EXPECT_EQ(run["bucketCounts"].items().back(), Json("1"));
}

TEST_F(RunMetricsTest, NamesOfScriptsCannotBreakTheDocumentNorFillTheMemory) {
  log_.metric("a b\n\"<&", 1);
  EXPECT_EQ(metric("osiris.a_b____").size(), 3u) << metrics_.to_otlp(1).dump();
  log_.metric("infinite", std::numeric_limits<double>::infinity());
  EXPECT_TRUE(metric("osiris.infinite").is_null());
  for (int i = 0; i < 20'000; ++i) log_.metric("m" + std::to_string(i), i);
  EXPECT_EQ(metrics_.to_otlp(1).size(), 5'000u);
}

}  // namespace
}  // namespace osiris
