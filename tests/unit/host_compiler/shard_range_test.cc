#include "host/compiler/shard_range.h"

#include <gmock/gmock.h>

namespace osiris {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> texts(const Json& from, const Json& to, const Json& by = Json()) {
  const auto shards = shards_of_range(from, to, by);
  EXPECT_TRUE(shards.ok()) << shards.error().message;
  std::vector<std::string> list;
  if (!shards.ok()) return list;
  for (size_t i = 0; i < shards->size(); ++i) {
    EXPECT_EQ((*shards)[i].index, i);
    list.push_back((*shards)[i].text);
  }
  return list;
}

std::string refused(const Json& from, const Json& to, const Json& by = Json()) {
  const auto shards = shards_of_range(from, to, by);
  return shards.ok() ? "" : shards.error().message;
}

TEST(ShardRange, NumbersAreDecimal) {
  EXPECT_THAT(texts(0, 4), ElementsAre("0", "1", "2", "3"));
  EXPECT_THAT(texts(-5, 10, 5), ElementsAre("-5", "0", "5"));
  EXPECT_THAT(texts(0, 11, 5), ElementsAre("0", "5", "10"));
  EXPECT_THAT(texts(0.0, 0.4, 0.1), ElementsAre("0.0", "0.1", "0.2", "0.3"));
  EXPECT_THAT(texts(-0.05, 0.05, 0.025), ElementsAre("-0.050", "-0.025", "0.000", "0.025"));
  EXPECT_THAT(texts(1, 2, 0.5), ElementsAre("1.0", "1.5"));
  EXPECT_THAT(texts(3, 3), ElementsAre());
  const auto shards = shards_of_range(0.0, 1, 0.1);
  ASSERT_TRUE(shards.ok());
  EXPECT_EQ((*shards)[3].value, Json(0.3));  // and not 0.1 + 0.1 + 0.1
  EXPECT_EQ((*shards_of_range(2, 3, 1))[0].value, Json(2));
}

TEST(ShardRange, DaysFollowTheCalendar) {
  EXPECT_THAT(texts("2024-02-27", "2024-03-02"), ElementsAre("2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01"));
  EXPECT_THAT(texts("2025-12-30", "2026-01-05", "2 days"), ElementsAre("2025-12-30", "2026-01-01", "2026-01-03"));
  EXPECT_THAT(texts("2025-01-01", "2025-01-20", "1 week"), ElementsAre("2025-01-01", "2025-01-08", "2025-01-15"));
  EXPECT_THAT(texts("2025-01-01", "2025-01-04", 2), ElementsAre("2025-01-01", "2025-01-03"));
  // Each from the first: a sum of months would be stuck at the 28th.
  EXPECT_THAT(texts("2025-01-31", "2025-05-31", "1 month"),
              ElementsAre("2025-01-31", "2025-02-28", "2025-03-31", "2025-04-30"));
  EXPECT_THAT(texts("2024-02-29", "2027-01-01", "1 year"), ElementsAre("2024-02-29", "2025-02-28", "2026-02-28"));
}

TEST(ShardRange, MonthsAreTextsOfTheirOwn) {
  EXPECT_THAT(texts("2025-11", "2026-02"), ElementsAre("2025-11", "2025-12", "2026-01"));
  EXPECT_THAT(texts("2025-01", "2026-01", "3 months"), ElementsAre("2025-01", "2025-04", "2025-07", "2025-10"));
  EXPECT_THAT(texts("2024-06", "2026-06", "1 Year"), ElementsAre("2024-06", "2025-06"));
  EXPECT_THAT(texts("9999-11", "9999-12", 1), ElementsAre("9999-11"));
}

TEST(ShardRange, WhatIsNoneIsRefused) {
  EXPECT_THAT(refused(0, 10, 0), HasSubstr("above 0"));
  EXPECT_THAT(refused(0, 10, -1), HasSubstr("above 0"));
  EXPECT_THAT(refused(10, 0), HasSubstr("less than 'from'"));
  EXPECT_THAT(refused(0, 1e300), HasSubstr("more digits"));
  EXPECT_THAT(refused(INT64_MIN, INT64_MAX), HasSubstr("more digits"));
  EXPECT_THAT(refused(0, "x"), HasSubstr("must be numbers"));
  EXPECT_THAT(refused(0, 1, "1 day"), HasSubstr("must be numbers"));
  EXPECT_THAT(refused(true, false), HasSubstr("must be numbers"));
  EXPECT_THAT(refused("2025-02-29", "2026-01-01"), HasSubstr("no day of the calendar"));
  EXPECT_THAT(refused("2025-01-01", "2026-01"), HasSubstr("no day"));
  EXPECT_THAT(refused("2025-01", "2026-01-01"), HasSubstr("no month"));
  EXPECT_THAT(refused("2025-13", "2026-01"), HasSubstr("no month"));
  EXPECT_THAT(refused("0000-01", "2026-01"), HasSubstr("no month"));
  EXPECT_THAT(refused("2026-01-01", "2025-01-01"), HasSubstr("before 'from'"));
  for (const Json& by : {Json("0 days"), Json("day"), Json("-1 day"), Json("1 hour"), Json("1.5 days"), Json(""),
                         Json(-1), Json("99999999999 days")})
    EXPECT_THAT(refused("2025-01-01", "2026-01-01", by), HasSubstr("'by'")) << by.dump();
  EXPECT_THAT(refused("2025-01", "2026-01", "1 day"), HasSubstr("'by'"));
}

// Without counting to the end.
TEST(ShardRange, OneWithTooManyValuesIsRefused) {
  EXPECT_EQ(texts(0, 100'000).size(), 100'000u);
  EXPECT_THAT(refused(0, 100'001), HasSubstr("more than 100000"));
  EXPECT_THAT(refused(0, 1'000'000'000'000'000'000), HasSubstr("more than 100000"));
  EXPECT_THAT(refused("0001-01-01", "9999-12-31"), HasSubstr("more than 100000"));
}

}  // namespace
}  // namespace osiris
