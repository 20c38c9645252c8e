// What a sandbox costs by the table, and what a run is said to cost beforehand.
#include "plugins/e2b/cost.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/e2b/options.h"

namespace osiris::e2b {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Config config_of(const std::vector<std::pair<std::string, std::string>>& settings = {}) {
  std::vector<plugin::Setting> given;
  for (const auto& [name, value] : settings) given.push_back({name, value});
  return read_config(given);
}

RunInputs after_runs_of(const std::vector<double>& seconds) {
  Json held = Json::array();
  for (const double each : seconds) held.push_back(each);
  RunInputs request;
  request.settings = Json::object({{"history", Json::object({{"machine_seconds", held}})}});
  return request;
}

TEST(Prices, AreThoseOfTheShapeByTheSecond) {
  EXPECT_EQ(rate_of(config_of(), {2, 512}), 30'250);
  EXPECT_EQ(rate_of(config_of(), {8, 8192}), 8 * 14'000 + 8 * 4'500);
  EXPECT_EQ(rate_of(config_of({{"price-cpu", "1"}, {"price-mem", "0"}}), {2, 512}), 2'000'000'000);
  EXPECT_EQ(rate_of(config_of({{"price-cpu", "0"}, {"price-mem", "0.0000000011"}}), {2, 512}), 1) << "rounded up";
}

TEST(Prices, AShapeIsKnownUnlessTheTemplateIsTheUsersOwn) {
  EXPECT_EQ(expected_shape(config_of(), false)->text(), "2 vCPU, 512 MiB");
  EXPECT_EQ(expected_shape(config_of(), true)->text(), "2 vCPU, 1 GiB");
  EXPECT_EQ(expected_shape(config_of({{"cpu", "8"}, {"mem", "8589934592"}}), false)->text(), "8 vCPU, 8 GiB");
  EXPECT_EQ(expected_shape(config_of({{"cpu", "4"}, {"template", "mine"}}), false)->text(), "4 vCPU, 1 GiB");
  EXPECT_FALSE(expected_shape(config_of({{"template", "mine"}}), false));
  EXPECT_TRUE(expected_shape(config_of({{"template", "base"}}), false));
}

TEST(Prices, SayOfWhenAndWhoseTheyAre) {
  EXPECT_EQ(prices_text(config_of()), "E2B's public prices of 2025-12");
  EXPECT_EQ(prices_text(config_of({{"price-cpu", "0.00002"}})), "your own prices");
  EXPECT_EQ(prices_text(config_of({{"price-cpu", "0.00002"}, {"price-date", "2026-11-30"}})),
            "your own prices of 2026-11-30");
}

TEST(Prices, OfNothingAreNoCap) {
  const std::vector<std::pair<std::string, std::string>> free = {{"price-cpu", "0"}, {"price-mem", "0"}};
  EXPECT_NO_THROW(config_of(free));
  auto capped = free;
  capped.emplace_back("max-cost", "2");
  EXPECT_THROW(config_of(capped), plugin::Failure);
  EXPECT_THROW(config_of({{"price-date", "to\nday"}}), plugin::Failure);
}

TEST(Estimate, WithoutHistorySaysSoAndWhatAnHourCosts) {
  const Estimate told = estimate(config_of(), after_runs_of({}));
  EXPECT_EQ(told.text,
            "no history of this pipeline: one sandbox of 2 vCPU, 512 MiB costs $0.11 an hour; by E2B's public prices "
            "of 2025-12: osiris's table, not E2B's invoice");
  EXPECT_FALSE(told.document.contains("estimate"));
  EXPECT_EQ(told.document["runs"].as_int(), 0);
  EXPECT_THAT(estimate(config_of(), RunInputs()).text, HasSubstr("no history"));
}

TEST(Estimate, WithHistorySaysTheMiddleAndTheSpread) {
  const Estimate told = estimate(config_of({{"max-cost", "2"}}), after_runs_of({200, 40, 100}));
  EXPECT_THAT(told.text,
              HasSubstr("about $0.0030, from $0.0012 to $0.0060: one sandbox of 2 vCPU, 512 MiB for 1 min 40 "
                        "s (40 s to 3 min 20 s in the last 3 runs), $0.11 an hour"));
  EXPECT_THAT(told.text, HasSubstr("--max-cost $2.00 is for 18 h 21 min at most"));
  EXPECT_DOUBLE_EQ(told.document["estimate"]["median"].as_double(), 0.003025);
  EXPECT_DOUBLE_EQ(told.document["machine_seconds"]["max"].as_double(), 200);
  EXPECT_DOUBLE_EQ(told.document["cap"].as_double(), 2);
  EXPECT_THAT(told.warnings, IsEmpty());
}

TEST(Estimate, ACapBelowWhatTheRunsCameToIsWarnedOf) {
  const Estimate told = estimate(config_of({{"max-cost", "0.002"}}), after_runs_of({100}));
  ASSERT_EQ(told.warnings.size(), 1u);
  EXPECT_THAT(told.warnings[0], HasSubstr("--max-cost $0.0020 is less than this pipeline's runs have come to"));
}

TEST(Estimate, OfATemplateOfUnknownShapeIsNone) {
  const Estimate told = estimate(config_of({{"template", "mine"}}), after_runs_of({100}));
  EXPECT_THAT(told.text, HasSubstr("unknown: what a sandbox of template mine costs"));
  EXPECT_FALSE(told.document.contains("per_second"));
}

TEST(Estimate, BelievesNoHistoryThatIsNone) {
  RunInputs request;
  request.settings = *parse_json(R"({"history":{"machine_seconds":["x",-1,null,1e300]}})");
  EXPECT_THAT(estimate(config_of(), request).text, HasSubstr("no history"));
}

TEST(CostDocument, HasNoAmountWhereThePriceIsNotKnown) {
  adapter_sdk::CostFigures figures;
  figures.spent = 30'250;
  figures.at_most = 60'500;
  const Json known = cost_document(config_of({{"max-cost", "2"}}), figures, true);
  EXPECT_DOUBLE_EQ(known["spent"].as_double(), 0.00003025);
  EXPECT_DOUBLE_EQ(known["cap"].as_double(), 2);
  EXPECT_TRUE(known["final"].as_bool());
  figures.is_priced = false;
  const Json unknown = cost_document(config_of(), figures, true);
  EXPECT_FALSE(unknown.contains("spent"));
  EXPECT_FALSE(unknown.contains("cap"));
}

}  // namespace
}  // namespace osiris::e2b
