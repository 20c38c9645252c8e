// The types of columns that several files have, and of those that Parquet does not hold as they are.
#include <algorithm>

#include "protocol/base/text.h"
#include "tests/drivers/filesystem.parquet_extractor/extract.h"

namespace osiris::worker::test {
namespace {

// Two files with column x of these two values; what it becomes.
Extracted joined(const std::string& a, const std::string& b) {
  StepHarness step;
  write_parquet(step, "a.parquet", "SELECT " + a + " AS x");
  write_parquet(step, "b.parquet", "SELECT " + b + " AS x");
  return extract(step, "?.parquet");
}

TEST(ParquetTypes, WholeNumbersWidenToWhatHoldsBoth) {
  EXPECT_EQ(joined("1::TINYINT", "2::BIGINT").columns, "x BIGINT");
  EXPECT_EQ(joined("-1::INTEGER", "4000000000::UINTEGER").columns, "x BIGINT");
  EXPECT_EQ(joined("1::UTINYINT", "2::USMALLINT").columns, "x USMALLINT");
  const Extracted wide = joined("-1::BIGINT", "18446744073709551615::UBIGINT");
  EXPECT_EQ(wide.columns, "x HUGEINT") << wide.error;
  EXPECT_EQ(wide.rows, "-1\n18446744073709551615\n");
}

TEST(ParquetTypes, DecimalsKeepAllDigits) {
  const Extracted got = joined("1234567.5::DECIMAL(8,1)", "0.123456::DECIMAL(7,6)");
  EXPECT_EQ(got.columns, "x DECIMAL(13,6)") << got.error;
  EXPECT_EQ(got.rows, "1234567.500000\n0.123456\n");
  EXPECT_EQ(joined("7::INTEGER", "0.25::DECIMAL(3,2)").rows, "7.00\n0.25\n");
  EXPECT_NE(joined("1::DECIMAL(38,0)", "0.1::DECIMAL(2,1)").error, "");
}

TEST(ParquetTypes, NumbersBecomeFloatingOnlyWhereTheyAreExact) {
  EXPECT_EQ(joined("16777217::INTEGER", "0.5::DOUBLE").columns, "x DOUBLE");
  EXPECT_EQ(joined("0.1::FLOAT", "0.5::DOUBLE").columns, "x DOUBLE");
  EXPECT_NE(joined("9007199254740993::BIGINT", "0.5::DOUBLE").error, "");
  EXPECT_NE(joined("16777217::INTEGER", "0.5::FLOAT").error, "");
}

TEST(ParquetTypes, WhatHasNoCommonTypeNamesBothFiles) {
  const Extracted got = joined("1::INTEGER", "'one'");
  EXPECT_EQ(got.error,
            "column 'x' is INTEGER in a.parquet and VARCHAR in b.parquet, and no type holds the values of both");
  EXPECT_EQ(got.category, "extract.schema_mismatch");
  EXPECT_NE(joined("DATE '2025-01-01'", "TIMESTAMP '2025-01-01 10:00'").error, "");
  EXPECT_NE(joined("{a: 1}", "{a: 'x'}").error, "");
}

TEST(ParquetTypes, AColumnThatIsNotWantedIsNotLookedAt) {
  StepHarness step;
  write_parquet(step, "a.parquet", "SELECT 1 AS x, 5 AS y");
  write_parquet(step, "b.parquet", "SELECT 'one' AS x, 6 AS y");
  EXPECT_EQ(extract(step, Json::object({{"path", "?.parquet"}, {"columns", Json::array({"y"})}})).rows, "5\n6\n");
}

TEST(ParquetTypes, ChosenTypesAndMissingColumnsAreSaidAloud) {
  StepHarness step;
  write_parquet(step, "a.parquet", "SELECT 1::INTEGER AS x, 'a' AS \"only A\"");
  write_parquet(step, "b.parquet", "SELECT 2::BIGINT AS X, 'b' AS z");
  const Extracted got = extract(step, "?.parquet");
  EXPECT_EQ(got.columns, "x BIGINT, only A VARCHAR, z VARCHAR") << got.error;
  EXPECT_EQ(got.rows, "1|a|NULL\n2|NULL|b\n");
  const std::string said = all_logs(step);
  EXPECT_NE(said.find("column 'x' is BIGINT: INTEGER in a.parquet, BIGINT in b.parquet"), std::string::npos) << said;
  EXPECT_NE(said.find("column 'only A' is in 1 of 2 files, and NULL for the others (b.parquet)"), std::string::npos);
  EXPECT_NE(said.find("column 'z' is in 1 of 2 files, and NULL for the others (a.parquet)"), std::string::npos);
}

TEST(ParquetTypes, ADecimalOfMoreDigitsThanThereAreIsRefusedByName) {
  StepHarness step;
  // Written with 38 digits; the footer says 77 where it said 38.
  write_parquet(step, "in.parquet", "SELECT 1::DECIMAL(38,2) AS amount", "COMPRESSION zstd");
  std::string bytes = step.read_file("in.parquet");
  // Thrift's compact form of an i32: the field's head and 38 or 77 as a zigzag varint.
  bool found = false;
  for (size_t at = 4; at + 2 < bytes.size(); ++at)
    if (bytes[at] == 0x15 && bytes[at + 1] == 76) {
      bytes.replace(at + 1, 1, 1, '\x7a');  // 61
      found = true;
    }
  ASSERT_TRUE(found);
  step.write_file("in.parquet", bytes);
  const Extracted got = extract(step, "in.parquet");
  EXPECT_NE(got.error.find("column 'amount' of DECIMAL with 61 digits"), std::string::npos) << got.error;
}

// As pandas writes it: 1704067200123456789 since 1970, of a timestamp in UTC.
constexpr char kNanosecondsOfUtc[] =
    "UEFSMRUAFRwVHCwVAhUAFQYVBhwAAAACAAAAAgEVzcAIFxCmFxUEGSw1ABgGc2NoZW1hFQIAFQQlAhgBdmyMERw8AAAAAAAWAhkc"
    "GRwmABwVBBklBgAZGAF2FQAWAhZCFkImCEkcFQAVABUCADwpBhkmAAIAAAAWQhYCJggWQgAoIHBhcnF1ZXQtY3BwLWFycm93IHZl"
    "cnNpb24gMjYuMC4xGRwcAAAAgwAAAFBBUjE=";

TEST(ParquetTypes, NanosecondsWithAZoneAreCutToldAloud) {
  StepHarness step;
  step.write_file("in.parquet", *base64_decode(kNanosecondsOfUtc));
  step.set_config(Json::object({{"path", "in.parquet"}}));
  const Extracted got = run_extractor(step, filesystem_parquet_extractor(), "COLUMNS(*)::VARCHAR");
  EXPECT_EQ(got.columns, "v TIMESTAMP WITH TIME ZONE") << got.error;
  EXPECT_EQ(got.rows, "2024-01-01 00:00:00.123456+00\n");
  EXPECT_NE(all_logs(step).find("column 'v' of in.parquet holds timestamps of nanoseconds, with a time zone"),
            std::string::npos);
}

}  // namespace
}  // namespace osiris::worker::test
