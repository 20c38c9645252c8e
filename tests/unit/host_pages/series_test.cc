#include "host/pages/series.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace osiris {
namespace {

TEST(Series, KeepsEndsAndPeaksHoweverFewPointsAreWanted) {
  std::vector<Sample> samples;
  for (int i = 0; i < 100'000; ++i) samples.push_back({i * 0.1, 5});
  samples[77'777].value = 1e9;
  samples[33'333].value = -1;
  const auto thin = thinned(samples, 300);
  EXPECT_LE(thin.size(), 302u);
  EXPECT_DOUBLE_EQ(thin.front().at_s, 0);
  EXPECT_DOUBLE_EQ(thin.back().at_s, 9'999.9);
  const auto has = [&](double value) {
    return std::any_of(thin.begin(), thin.end(), [&](const Sample& sample) { return sample.value == value; });
  };
  EXPECT_TRUE(has(1e9));
  EXPECT_TRUE(has(-1));
  EXPECT_TRUE(std::is_sorted(thin.begin(), thin.end(), [](auto& a, auto& b) { return a.at_s < b.at_s; }));
}

TEST(Series, OfFewPointsStaysAsItIs) {
  const std::vector<Sample> samples = {{0, 1}, {1, 2}, {2, 3}};
  EXPECT_EQ(thinned(samples, 300).size(), 3u);
  EXPECT_TRUE(thinned({}, 300).empty());
}

TEST(Series, RatesAreTheGrowthOfACounter) {
  const auto grown = rates({{0, 0}, {2, 3'000}, {2, 9'000}, {3, 1'000}, {4, 2'000}});
  ASSERT_EQ(grown.size(), 4u);
  EXPECT_DOUBLE_EQ(grown[0].value, 1'500);
  EXPECT_DOUBLE_EQ(grown[1].value, 1'500);
  EXPECT_DOUBLE_EQ(grown[2].value, 0);  // it fell: another worker began to count
  EXPECT_DOUBLE_EQ(grown[3].value, 1'000);
  EXPECT_TRUE(rates({{0, 5}}).empty());
}

}  // namespace
}  // namespace osiris
