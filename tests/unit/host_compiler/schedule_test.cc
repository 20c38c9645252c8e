#include "host/compiler/schedule.h"

#include <gmock/gmock.h>

#include "host/yaml/diagnostic.h"

namespace osiris {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<Schedule> read(const std::string& cron) {
  YamlNode node;
  node.kind = YamlNode::Kind::kString;
  node.scalar = Json(cron);
  return read_schedule(node);
}

std::vector<std::string> events(const std::string& cron) {
  const auto schedule = read(cron);
  return schedule.ok() ? calendar_events(*schedule) : std::vector<std::string>{schedule.error().message};
}

TEST(Schedule, CronExpressionsBecomeCalendarEvents) {
  EXPECT_THAT(events("30 3 * * *"), ElementsAre("*-*-* 03:30:00"));
  EXPECT_THAT(events("*/15 * * * *"), ElementsAre("*-*-* *:00/15:00"));
  EXPECT_THAT(events("0 8-18/2 * * *"), ElementsAre("*-*-* 08..18/2:00:00"));
  EXPECT_THAT(events("0,30 6 1,15 jan-mar *"), ElementsAre("*-01..03-01,15 06:00,30:00"));
  EXPECT_THAT(events("0 0 * * 0"), ElementsAre("Sun *-*-* 00:00:00"));
  EXPECT_THAT(events("0 0 * * 7"), ElementsAre("Sun *-*-* 00:00:00"));
  EXPECT_THAT(events("0 0 * * mon-fri/2"), ElementsAre("Mon,Wed,Fri *-*-* 00:00:00"));
  EXPECT_THAT(events("5/20 * * * *"), ElementsAre("*-*-* *:05..59/20:00"));
}

TEST(Schedule, DaysOfTheMonthAndOfTheWeekMeanEither) {
  EXPECT_THAT(events("0 0 13 * 5"), ElementsAre("*-*-13 00:00:00", "Fri *-*-* 00:00:00"));
  EXPECT_THAT(events("0 0 13 * 0-6"), ElementsAre("*-*-13 00:00:00", "Sun,Mon,Tue,Wed,Thu,Fri,Sat *-*-* 00:00:00"));
}

// As cron has it: a field that begins with '*' narrows the other one.
TEST(Schedule, AStarWithAStepMeansBoth) {
  EXPECT_THAT(events("0 3 * * */2"), ElementsAre("Sun,Tue,Thu,Sat *-*-* 03:00:00"));
  EXPECT_THAT(events("0 3 */2 * *"), ElementsAre("*-*-01/2 03:00:00"));
  EXPECT_THAT(events("0 3 */2 * 1"), ElementsAre("Mon *-*-01/2 03:00:00"));
  EXPECT_THAT(events("0 3 1 * */2"), ElementsAre("Sun,Tue,Thu,Sat *-*-01 03:00:00"));
}

TEST(Schedule, ATimeZoneIsAName) {
  for (const char* zone : {"\"Europe/Prague\\nOnCalendar=hourly\"", "5", "[UTC]", "Central European"}) {
    Diagnostics diagnostics;
    const auto schedule = read_schedule(parse_yaml(std::string("{cron: daily, timezone: ") + zone + "}", diagnostics));
    ASSERT_FALSE(schedule.ok()) << zone;
    EXPECT_THAT(schedule.error().message, HasSubstr("time zone")) << zone;
  }
}

TEST(Schedule, WordsAreReadAsCronReadsThem) {
  EXPECT_EQ(read("@hourly")->cron, "0 * * * *");
  EXPECT_EQ(read("daily")->cron, "0 0 * * *");
  EXPECT_EQ(read("  0  3 * *  * ")->cron, "0 3 * * *");
}

TEST(Schedule, WhatIsWrongIsNamedWithItsField) {
  const std::pair<const char*, const char*> wrong[] = {{"60 * * * *", "'60' is no minute"},
                                                       {"* 24 * * *", "'24' is no hour"},
                                                       {"* * 0 * *", "'0' is no day of the month"},
                                                       {"* * * 13 *", "'13' is no month"},
                                                       {"* * * * 8", "'8' is no day of the week"},
                                                       {"5-1 * * * *", "'5-1' is no minute"},
                                                       {"*/0 * * * *", "'*/0' is no minute"},
                                                       {"1- * * * *", "'1-' is no minute"},
                                                       {"+1 * * * *", "'+1' is no minute"},
                                                       {"* * * *", "4 fields instead of 5"},
                                                       {"", "0 fields instead of 5"},
                                                       {"sometimes", "1 fields instead of 5"}};
  for (const auto& [cron, message] : wrong) {
    const auto schedule = read(cron);
    ASSERT_FALSE(schedule.ok()) << cron;
    EXPECT_THAT(schedule.error().message, HasSubstr(message)) << cron;
  }
}

}  // namespace
}  // namespace osiris
