#include "tests/drivers/suite.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "protocol/base/text.h"
#include "tests/support/eventually.h"

namespace osiris::worker::test {
namespace {

std::string written(StepHarness& step) { return driver_row().written ? driver_row().written(step) : std::string(); }

void expect_nothing_left(StepHarness& step, const std::string& written_before) {
  EXPECT_FALSE(step.has_output_table());
  EXPECT_TRUE(step.outputs().empty());
  EXPECT_EQ(written(step), written_before);
}

TEST(DriverSuite, IsNamedAsItsSpecIs) {
  const std::string name(driver_row().driver->name);
  const char* source = std::getenv("OSIRIS_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "run by ctest, or set OSIRIS_SOURCE_DIR";
  std::ifstream spec(std::string(source) + "/worker/drivers/" + name + "/spec.yaml");
  std::ostringstream text;
  text << spec.rdbuf();
  EXPECT_NE(("\n" + text.str()).find("\nname: " + name + "\n"), std::string::npos)
      << "worker/drivers/" << name << "/spec.yaml";
}

TEST(DriverSuite, MovesEveryRowAndSaysSo) {
  StepHarness step;
  driver_row().arrange(step, 5000);
  const auto outcome = step.run(*driver_row().driver);
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  EXPECT_EQ(driver_row().writes_outside ? outcome->rows_written : outcome->rows_read, 5000u);
  EXPECT_EQ(step.has_output_table(), driver_row().makes_relation);
  if (driver_row().makes_relation) {
    EXPECT_EQ(step.query("SELECT count(*) FROM {out}"), "5000\n");
  }
  if (driver_row().written) {
    EXPECT_NE(written(step), "");
  }
}

TEST(DriverSuite, ZeroRowsAreASuccessWithAResult) {
  StepHarness step;
  driver_row().arrange(step, 0);
  const auto outcome = step.run(*driver_row().driver);
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  EXPECT_EQ(outcome->rows_written, 0u);
  EXPECT_EQ(step.has_output_table(), driver_row().makes_relation);
  if (driver_row().makes_relation) {
    EXPECT_EQ(step.query("SELECT count(*) FROM {out}"), "0\n");
  }
}

TEST(DriverSuite, ReportsProgressThatOnlyGrows) {
  StepHarness step;
  driver_row().arrange(step, 300000);
  const auto outcome = step.run(*driver_row().driver);
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  const auto reports = step.progress_reports();
  ASSERT_FALSE(reports.empty());
  EXPECT_TRUE(std::is_sorted(reports.begin(), reports.end()));
  EXPECT_EQ(reports.back(), 300000u);
}

TEST(DriverSuite, TheSameJobTwiceGivesTheSameResult) {
  std::string results[2];
  for (std::string& result : results) {
    StepHarness step;
    driver_row().arrange(step, 3000);
    const auto outcome = step.run(*driver_row().driver);
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    result = written(step);
    if (driver_row().makes_relation) result += step.output_columns() + "\n" + step.query("SELECT * FROM {out}");
  }
  EXPECT_EQ(results[0], results[1]);
}

// A statement is interrupted only once it runs, and nothing tells when that is.
Result<StepOutcome> run_until_stopped(StepHarness& step) {
  std::atomic<bool> ended{false};
  std::thread stops([&] {
    EXPECT_TRUE(osiris::test::eventually([&] {
      step.cancel();
      return ended.load();
    }));
  });
  auto outcome = step.run(*driver_row().driver);
  ended = true;
  stops.join();
  return outcome;
}

TEST(DriverSuite, CancelInTheMiddleStopsAndLeavesNothing) {
  StepHarness step;
  if (driver_row().arrange_endless) {
    driver_row().arrange_endless(step);
    const auto outcome = run_until_stopped(step);
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(code_name(outcome.error().code), code_name(Code::kCancelled)) << outcome.error().message;
    return expect_nothing_left(step, "");
  }
  driver_row().arrange(step, 1000000);
  const std::string before = written(step);
  step.cancel_at_progress(1);
  const auto outcome = step.run(*driver_row().driver);
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(code_name(outcome.error().code), code_name(Code::kCancelled)) << outcome.error().message;
  ASSERT_FALSE(step.progress_reports().empty());
  EXPECT_LT(step.progress_reports().back(), 1000000u) << "it went on to the end";
  expect_nothing_left(step, before);
}

TEST(DriverSuite, CancelBeforeTheStartStopsAtOnce) {
  StepHarness step;
  driver_row().arrange(step, 100000);
  const std::string before = written(step);
  step.cancel();
  const auto outcome = step.run(*driver_row().driver);
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(code_name(outcome.error().code), code_name(Code::kCancelled)) << outcome.error().message;
  expect_nothing_left(step, before);
}

TEST(DriverSuite, AFailureInTheMiddleLeavesNoHalfOutput) {
  StepHarness step;
  driver_row().arrange_failure(step);
  const std::string before = written(step);
  const auto outcome = step.run(*driver_row().driver);
  ASSERT_FALSE(outcome.ok());
  EXPECT_NE(outcome.error().code, Code::kInternal) << outcome.error().message;
  EXPECT_NE(outcome.error().code, Code::kCancelled) << outcome.error().message;
  EXPECT_NE(outcome.error().message, "");
  expect_nothing_left(step, before);
}

TEST(DriverSuite, ASecretIsNeverSaidNotEvenInAnError) {
  if (!driver_row().arrange_secret) return;  // nothing secret in this driver's config or connection
  const std::string secret = "canary-S3cr3t/+&";
  StepHarness step;
  driver_row().arrange_secret(step, secret);
  const auto outcome = step.run(*driver_row().driver);
  ASSERT_FALSE(outcome.ok());
  const std::string said = step.everything_said() + outcome.error().message + outcome.error().hint + written(step);
  for (const std::string& form : {secret, percent_encode(secret), base64(secret), to_hex(secret)})
    EXPECT_EQ(said.find(form), std::string::npos) << said;
}

TEST(DriverSuite, CheckMovesNothing) {
  StepHarness step;
  driver_row().arrange(step, 10);
  const std::string before = written(step);
  const auto files_before = step.files_in();
  const Status status = step.check(*driver_row().driver);
  EXPECT_TRUE(status.ok()) << status.error().message;
  expect_nothing_left(step, before);
  EXPECT_EQ(step.files_in(), files_before);
}

}  // namespace
}  // namespace osiris::worker::test
