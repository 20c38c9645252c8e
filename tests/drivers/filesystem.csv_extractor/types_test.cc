// Types come from the whole column, and odd files have a defined answer.
#include "tests/drivers/filesystem.csv_extractor/extract.h"

namespace osiris::worker::test {
namespace {

TEST(CsvExtractorTypes, IntegersStayWholeBesideBlanks) {
  const Extracted got = extract("n,m\n9007199254740993,007\n,+5\n-1, 6 \n");
  EXPECT_EQ(got.columns, "n BIGINT, m BIGINT");
  EXPECT_EQ(got.rows, "9007199254740993|7\nNULL|5\n-1|6\n");
}

TEST(CsvExtractorTypes, ADecimalPointOrExponentAnywhereMakesDoubles) {
  EXPECT_EQ(extract("x,y,z\n1,1,1\n2.0,1e3,-inf\n").columns, "x DOUBLE, y DOUBLE, z DOUBLE");
}

TEST(CsvExtractorTypes, BeyondInt64IsUnsignedAndBeyondThatIsText) {
  EXPECT_EQ(extract("n\n1\n18446744073709551615\n").columns, "n UBIGINT");
  EXPECT_EQ(extract("n\n-1\n18446744073709551615\n").columns, "n VARCHAR");
  EXPECT_EQ(extract("n\n18446744073709551616\n").rows, "18446744073709551616\n");
  EXPECT_EQ(extract("n\n1.5\n18446744073709551616\n").columns, "n DOUBLE");
}

TEST(CsvExtractorTypes, OnlyTrueAndFalseWordsAreBooleans) {
  EXPECT_EQ(extract("a,b,c,d\nTrue,true,tRue, True\nFALSE,,False,False\n").columns,
            "a BOOLEAN, b BOOLEAN, c BOOLEAN, d VARCHAR");
  EXPECT_EQ(extract("a,b\nTrue,yes\n1,no\n").columns, "a VARCHAR, b VARCHAR");
}

TEST(CsvExtractorTypes, WhatDuckDBWouldCastStaysText) {
  EXPECT_EQ(extract("a,b,c,d\n1_000,2025-03-01,0x10,yes\n").columns, "a VARCHAR, b VARCHAR, c VARCHAR, d VARCHAR");
}

TEST(CsvExtractorTypes, ANumberTooLargeForADoubleIsTextAndOneTooSmallIsZero) {
  EXPECT_EQ(extract("a\n1e400\n2.5\n").rows, "1e400\n2.5\n");
  EXPECT_EQ(extract("a\n1e-400\n2.5\n").rows, "0.0\n2.5\n");
}

TEST(CsvExtractorTypes, WhiteSpaceAroundANumberIsAllowedAndAroundInfinityIsNot) {
  EXPECT_EQ(extract("a,b\n 1,\"1.5\n\"\n2\t,2\n").columns, "a BIGINT, b DOUBLE");
  EXPECT_EQ(extract("a,b\n1.5,1 .5\n inf,- 1\n").columns, "a VARCHAR, b VARCHAR");
}

TEST(CsvExtractorTypes, AColumnOfNullsIsANumberColumn) {
  EXPECT_EQ(extract("a,b\n,1\nNA,2\n").columns, "a DOUBLE, b BIGINT");
}

TEST(CsvExtractorTypes, AnEmptyFileIsAnEmptyRelation) {
  for (const char* empty : {"", "\n\n", "\xef\xbb\xbf"}) {
    const Extracted got = extract(empty);
    EXPECT_EQ(got.error, "");
    EXPECT_EQ(got.columns, "Unnamed: 0 \"NULL\"");
    EXPECT_EQ(got.rows_read, 0u);
  }
  EXPECT_EQ(extract("", Json::object({{"columns", Json::array({"a", "b"})}})).columns, "a \"NULL\", b \"NULL\"");
}

TEST(CsvExtractorTypes, AHeaderAloneIsARelationOfNoRows) {
  const Extracted got = extract("a,b");
  EXPECT_EQ(got.columns, "a \"NULL\", b \"NULL\"");
  EXPECT_EQ(got.rows_read, 0u);
}

TEST(CsvExtractorTypes, ANulInTheHeaderIsAnError) {
  const Extracted got = extract(std::string("a,b\0c\n1,2\n", 10));
  EXPECT_EQ(got.error, "CSV parsing failed: the header's column 2 has a NUL character in its name");
  EXPECT_EQ(got.hint, "the file may be utf-16: set encoding: utf-16");
  EXPECT_EQ(extract(std::string("a\n\0x\n", 5)).rows_read, 1u) << "within a field it is text";
}

TEST(CsvExtractorTypes, AnOpenQuoteNamesItsLine) {
  EXPECT_EQ(extract("a\n1\n\"x\n\n").error, "CSV parsing failed: EOF inside a quoted field that starts in line 3");
}

TEST(CsvExtractorTypes, QuotesLineEndsAndDoubledQuotesAreKept) {
  EXPECT_EQ(extract("a,b\r\n\"x\r\ny\",\"say \"\"hi\"\"\"\r\nin \"quotes\",\"q\"tail\r\n").rows,
            "x\r\ny|say \"hi\"\nin \"quotes\"|qtail\n");
  EXPECT_EQ(extract("a,b\r1,2\r3,4").rows, "1|2\n3|4\n");
}

}  // namespace
}  // namespace osiris::worker::test
