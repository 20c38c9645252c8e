#include "protocol/base/rfc3339.h"

#include <gtest/gtest.h>

namespace osiris {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

TEST(Rfc3339, ReadsTheFormsServicesWrite) {
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:01Z"), kSecond);
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:01.5Z"), kSecond + kSecond / 2);
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00.123456789Z"), 123'456'789);
  EXPECT_EQ(parse_rfc3339("1970-01-01T02:00:00.25+02:00"), kSecond / 4);
  EXPECT_EQ(parse_rfc3339("1969-12-31T23:30:00-00:30"), 0);
}

TEST(Rfc3339, RejectsAnythingElse) {
  for (const char* text : {"", "1970-01-01", "1970-01-01T00:00:00", "1970-01-01 00:00:00Z", "1970-01-01T00:00:00.5",
                           "1970-01-01T00:00:00+0200", "1970-01-01T00:00:00+aa:bb", "1970-01-01T00:00:00Zzz"})
    EXPECT_FALSE(parse_rfc3339(text)) << text;
}

}  // namespace
}  // namespace osiris
