#include "protocol/base/quantity.h"

#include <gtest/gtest.h>

namespace osiris {
namespace {

TEST(Quantities, DurationsAreReadInEveryUnit) {
  const std::pair<const char*, double> known[] = {{"90", 90},
                                                  {"90s", 90},
                                                  {"15m", 900},
                                                  {"1h30m", 5400},
                                                  {"500ms", 0.5},
                                                  {"2 days", 172800},
                                                  {" 1W ", 604800},
                                                  {"1 day", 86400},
                                                  {"2 weeks", 1209600},
                                                  {"1 hour 1 minute", 3660},
                                                  {"0", 0}};
  for (const auto& [text, seconds] : known) EXPECT_DOUBLE_EQ(*parse_duration_s(text), seconds) << text;
  EXPECT_DOUBLE_EQ(*parse_duration_s("2", "m"), 120);
}

TEST(Quantities, WhatIsNoDurationIsRefusedWithItsReason) {
  for (const char* text : {"", "fast", "1h30", "-1s", "1e3", "5 parsecs", "inf"})
    EXPECT_FALSE(parse_duration_s(text).ok()) << text;
  EXPECT_NE(parse_duration_s("5 parsecs").error().message.find("unknown unit 'parsecs'"), std::string::npos);
}

TEST(Quantities, SizesAreReadInEveryUnit) {
  const std::pair<const char*, int64_t> known[] = {
      {"512", 512}, {"1k", 1024}, {"1kB", 1000}, {"1.5GiB", 1610612736}, {"2 mb", 2000000}};
  for (const auto& [text, bytes] : known) EXPECT_EQ(*parse_byte_count(text), bytes) << text;
  EXPECT_EQ(*parse_byte_count("2", "GiB"), int64_t{2} << 30);
  for (const char* text : {"", "much", "1 parsec", "-5", "99999999TiB"})
    EXPECT_FALSE(parse_byte_count(text).ok()) << text;
}

TEST(Quantities, ASizeOfAnOptionHasAUnit) {
  EXPECT_EQ(*parse_size_with_unit("5GiB"), int64_t{5} << 30);
  EXPECT_EQ(*parse_size_with_unit("5 B"), 5);
  EXPECT_EQ(*parse_size_with_unit("0"), 0);
  for (const char* text : {"5", " 512 ", "0.5", "1.5", "536870912"}) {
    const auto read = parse_size_with_unit(text);
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_NE(read.error().message.find("has no unit"), std::string::npos) << text;
  }
  EXPECT_EQ(parse_size_with_unit("5").error().hint, "write 5GiB or 5MiB; 5B for bytes");
  EXPECT_FALSE(parse_size_with_unit("much").ok());
}

TEST(Quantities, ADurationIsSpokenAsPeopleSayIt) {
  EXPECT_EQ(spoken_duration(3600), "1 h");
  EXPECT_EQ(spoken_duration(24 * 3600), "24 h");
  EXPECT_EQ(spoken_duration(5400), "1 h 30 min");
  EXPECT_EQ(spoken_duration(900), "15 min");
  EXPECT_EQ(spoken_duration(118), "1 min 58 s");
  EXPECT_EQ(spoken_duration(8), "8 s");
  EXPECT_EQ(spoken_duration(0), "0 s");
}

}  // namespace
}  // namespace osiris
