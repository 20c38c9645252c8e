// The decoding of single values, without a server: what real servers send and what none should.
#include "worker/drivers/mysql.extractor/values.h"

#include <gtest/gtest.h>

#include <string>

namespace osiris::worker::mysql {
namespace {

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>(value);
  return text;
}

std::optional<uint64_t> length_of(const std::string& packet) {
  const auto* at = reinterpret_cast<const unsigned char*>(packet.data());
  return read_length(at, at + packet.size());
}

std::string text_of(std::optional<Int128> value) {
  if (!value) return "none";
  std::string digits;
  for (Int128 rest = *value < 0 ? -*value : *value; rest != 0 || digits.empty(); rest /= 10)
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
  return (*value < 0 ? "-" : "") + digits;
}

TEST(MysqlLength, IsReadInAllFourForms) {
  EXPECT_EQ(length_of(bytes({3}) + "abc"), 3u);
  EXPECT_EQ(length_of(bytes({252, 3, 0}) + "abc"), 3u);
  EXPECT_EQ(length_of(bytes({253, 3, 0, 0}) + "abc"), 3u);
  EXPECT_EQ(length_of(bytes({254, 3, 0, 0, 0, 0, 0, 0, 0}) + "abc"), 3u);
}

TEST(MysqlLength, BeyondTheEndIsRefused) {
  EXPECT_EQ(length_of(""), std::nullopt);
  EXPECT_EQ(length_of(bytes({4}) + "abc"), std::nullopt);
  EXPECT_EQ(length_of(bytes({252, 3})), std::nullopt);
  EXPECT_EQ(length_of(bytes({254, 255, 255, 255, 255, 255, 255, 255, 255}) + "abc"), std::nullopt);
  EXPECT_EQ(length_of(bytes({251}) + "abc"), std::nullopt);
  EXPECT_EQ(length_of(bytes({255}) + "abc"), std::nullopt);
}

TEST(MysqlDate, CountsDaysFrom1970) {
  EXPECT_EQ(date_value(bytes({0xb2, 0x07, 1, 1})), 0);
  EXPECT_EQ(date_value(bytes({0xb1, 0x07, 12, 31})), -1);
  EXPECT_EQ(date_value(bytes({0xe8, 0x07, 2, 29})), 19782);
  EXPECT_EQ(date_value(bytes({0xe8, 0x07, 2, 29, 0, 0, 0})), 19782);
}

TEST(MysqlDate, RefusesWhatIsNoDay) {
  EXPECT_EQ(date_value(""), std::nullopt);                          // 0000-00-00
  EXPECT_EQ(date_value(bytes({0, 0, 0, 0})), std::nullopt);         // the same, spelled out
  EXPECT_EQ(date_value(bytes({0xe7, 0x07, 2, 29})), std::nullopt);  // 2023-02-29
  EXPECT_EQ(date_value(bytes({0xe8, 0x07, 13, 1})), std::nullopt);
  EXPECT_EQ(date_value(bytes({0xe8, 0x07, 1, 1, 5, 0, 0})), std::nullopt);  // a time in a date
  EXPECT_EQ(date_value(bytes({0xe8, 0x07, 1})), std::nullopt);
  EXPECT_EQ(date_value(bytes({0x10, 0x27, 1, 1})), std::nullopt);  // year 10000
}

TEST(MysqlDatetime, AddsTheTimeOfDay) {
  EXPECT_EQ(datetime_value(bytes({0xb2, 0x07, 1, 2, 1, 2, 3, 4, 0, 0, 0})), 86400000000 + 3723000004);
  EXPECT_EQ(datetime_value(bytes({0xb1, 0x07, 12, 31, 23, 59, 59})), -1000000);
  EXPECT_EQ(datetime_value(bytes({0xb2, 0x07, 1, 1})), 0);
}

TEST(MysqlDatetime, RefusesTimesThatAreNone) {
  EXPECT_EQ(datetime_value(bytes({0xb2, 0x07, 1, 1, 24, 0, 0})), std::nullopt);
  EXPECT_EQ(datetime_value(bytes({0xb2, 0x07, 1, 1, 0, 60, 0})), std::nullopt);
  EXPECT_EQ(datetime_value(bytes({0xb2, 0x07, 1, 1, 0, 0, 0, 0x40, 0x42, 0x0f, 0})), std::nullopt);  // 1,000,000 us
  EXPECT_EQ(datetime_value(bytes({0xb2, 0x07, 1, 1, 0})), std::nullopt);
  EXPECT_EQ(datetime_value(""), std::nullopt);
}

TEST(MysqlTime, IsASignedSpan) {
  EXPECT_EQ(time_value("")->micros, 0);
  EXPECT_EQ(time_value(bytes({0, 34, 0, 0, 0, 22, 59, 59}))->micros, 3020399000000);  // 838:59:59
  EXPECT_EQ(time_value(bytes({1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0}))->micros, -1000001);
}

TEST(MysqlTime, RefusesTheMalformed) {
  EXPECT_EQ(time_value(bytes({2, 0, 0, 0, 0, 0, 0, 1})).has_value(), false);
  EXPECT_EQ(time_value(bytes({0, 0, 0, 0, 0, 0, 61, 1})).has_value(), false);
  EXPECT_EQ(time_value(bytes({0, 0, 0})).has_value(), false);
  EXPECT_EQ(time_value(bytes({0, 35, 0, 0, 0, 0, 0, 0})).has_value(), false);
  EXPECT_EQ(time_value(bytes({0, 255, 255, 255, 255, 0, 0, 0})).has_value(), false);
}

TEST(MysqlDecimal, ReadsDigitsExactly) {
  EXPECT_EQ(text_of(decimal_value("12.50", 4, 2)), "1250");
  EXPECT_EQ(text_of(decimal_value("-0.05", 4, 2)), "-5");
  EXPECT_EQ(text_of(decimal_value("+7", 4, 2)), "700");
  EXPECT_EQ(text_of(decimal_value("0", 4, 2)), "0");
  EXPECT_EQ(text_of(decimal_value("1.5000", 4, 2)), "150");  // zeros beyond the scale change nothing
  EXPECT_EQ(text_of(decimal_value("123456789012345678.9012345678", 38, 10)), "1234567890123456789012345678");
  EXPECT_EQ(text_of(decimal_value("-99999999999999999999999999999999999999", 38, 0)),
            "-99999999999999999999999999999999999999");
  EXPECT_EQ(text_of(decimal_value("0000000000000000000000000000000000000000000000001", 38, 0)), "1");
}

TEST(MysqlDecimal, RefusesWhatWouldChange) {
  EXPECT_EQ(text_of(decimal_value("100.00", 4, 2)), "none");
  EXPECT_EQ(text_of(decimal_value("1.005", 4, 2)), "none");
  EXPECT_EQ(text_of(decimal_value("100000000000000000000000000000000000000", 38, 0)), "none");
  EXPECT_EQ(text_of(decimal_value("1", 38, 38)), "none");
  for (const char* text : {"", "-", "1e5", "1.2.3", " 1", "abc", "0x10"})
    EXPECT_EQ(text_of(decimal_value(text, 38, 2)), "none") << text;
}

TEST(MysqlUtf8, AcceptsTextAndRefusesTheRest) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("plain text, longer than eight"));
  EXPECT_TRUE(is_utf8("kůň běží 🐎 dál"));
  EXPECT_FALSE(is_utf8("abcdefgh\xff"));
  EXPECT_FALSE(is_utf8("abcdefg\xc3"));
  EXPECT_FALSE(is_utf8("\xed\xa0\x80"));  // half a surrogate pair
}

}  // namespace
}  // namespace osiris::worker::mysql
