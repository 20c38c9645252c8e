// The keys that say how a file spells things: quotechar, escapechar, decimal, thousands, keep_default_na, na_words.
#include "tests/drivers/filesystem.csv_extractor/extract.h"

namespace osiris::worker::test {
namespace {

TEST(CsvExtractorFormat, QuotecharStandsAroundFields) {
  const Extracted got = extract("a,b\n'x,y',\"1\"\n'it''s',2\n", Json::object({{"quotechar", "'"}}));
  EXPECT_EQ(got.rows, "x,y|\"1\"\nit's|2\n");
}

TEST(CsvExtractorFormat, EscapecharMakesTheNextCharacterText) {
  const Json backslash = Json::object({{"escapechar", "\\"}});
  EXPECT_EQ(extract("a,b\n\"x\\\"y\",a\\,b\n\\\"q,\\\\\n", backslash).rows, "x\"y|a,b\n\"q|\\\n");
  EXPECT_EQ(extract("a,b\n\"x\\\ny\",z\na\\\nb,2\n", backslash).rows, "x\ny|z\na\nb|2\n");
  EXPECT_EQ(extract("a,b\n\"x\"\"y\",z\n", backslash).rows, "x\"y|z\n") << "doubled quotes still are quotes";
  EXPECT_EQ(extract("\"a\\\"b\",b\n1,2\n", backslash).columns, "a\"b BIGINT, b BIGINT");
  EXPECT_EQ(extract("a\n\\#x#c\n", Json::object({{"escapechar", "\\"}, {"comment", "#"}})).rows, "#x\n");
  EXPECT_EQ(extract("a,b\nx\\y,\"z\\\"\n").error, "") << "without the key it is text";
}

TEST(CsvExtractorFormat, EscapecharAtTheEndOfTheFileIsAnError) {
  const Json backslash = Json::object({{"escapechar", "\\"}});
  EXPECT_EQ(extract("a,b\n1,2\\", backslash).error,
            "CSV parsing failed: EOF after an escape character, in the record that starts in line 2");
  EXPECT_EQ(extract("a,b\n1,\"2\\\"", backslash).error,
            "CSV parsing failed: EOF inside a quoted field that starts in line 2");
}

TEST(CsvExtractorFormat, DecimalIsTheOnlyPointOfANumber) {
  const Extracted got =
      extract("a;b;c\n1,5;1.5;-3\n-,25;2;2e3\n", Json::object({{"delimiter", ";"}, {"decimal", ","}}));
  EXPECT_EQ(got.columns, "a DOUBLE, b VARCHAR, c DOUBLE");
  EXPECT_EQ(got.rows, "1.5|1.5|-3.0\n-0.25|2|2000.0\n");
}

TEST(CsvExtractorFormat, ThousandsStandBetweenGroupsOfThreeDigits) {
  const Json german = Json::object({{"delimiter", ";"}, {"decimal", ","}, {"thousands", "."}});
  const Extracted got = extract("a;b\n1.234,5;1.000\n12,25;-12.345.678\n", german);
  EXPECT_EQ(got.columns, "a DOUBLE, b BIGINT");
  EXPECT_EQ(got.rows, "1234.5|1000\n12.25|-12345678\n");
  EXPECT_EQ(extract("a\n1 234\n", Json::object({{"thousands", " "}})).rows, "1234\n");
}

TEST(CsvExtractorFormat, WhatIsNotGroupedByThreeIsNoNumber) {
  for (const char* text : {"1,5", "1,2345", "12,34,567", ",123", "1,,234", "1,234,", "1.5,000"})
    EXPECT_EQ(
        extract("a;b\n" + std::string(text) + ";1\n", Json::object({{"delimiter", ";"}, {"thousands", ","}})).columns,
        "a VARCHAR, b BIGINT")
        << text;
}

TEST(CsvExtractorFormat, DtypeReadsNumbersInTheFilesFormat) {
  const Json types = Json::object({{"n", "int16"}, {"x", "float64"}});
  const Json german = Json::object({{"delimiter", ";"}, {"decimal", ","}, {"thousands", "."}, {"dtype", types}});
  EXPECT_EQ(extract("n;x\n1.234;1,5\n", german).rows, "1234|1.5\n");
  EXPECT_EQ(extract("n;x\n40.000;1,5\n", german).error,
            "CSV parsing failed: line 2, column 'n': '40.000' is beyond int16 (-32768 to 32767)");
  EXPECT_EQ(extract("n;x\n1;1.5\n", german).error, "CSV parsing failed: line 2, column 'x': '1.5' is not float64");
}

TEST(CsvExtractorFormat, CharactersThatMustDifferAreTold) {
  EXPECT_EQ(extract("a\n", Json::object({{"decimal", ","}, {"thousands", ","}})).error,
            "'thousands' and 'decimal' are the same character");
  EXPECT_EQ(extract("a\n", Json::object({{"quotechar", "'"}, {"escapechar", "'"}})).error,
            "'escapechar' and 'quotechar' are the same character");
  EXPECT_EQ(extract("a\n", Json::object({{"quotechar", ","}})).error,
            "'quotechar' and 'delimiter' are the same character");
  EXPECT_EQ(extract("a\n", Json::object({{"escapechar", "\""}})).error,
            "'escapechar' must be one ASCII character other than a quote or a line end, not \"\\\"\"");
}

TEST(CsvExtractorFormat, KeepDefaultNaFalseLeavesOnlyNaValues) {
  const Extracted none = extract("a,b\nNA,\nNULL,1\n", Json::object({{"keep_default_na", false}}));
  EXPECT_EQ(none.columns, "a VARCHAR, b VARCHAR");
  EXPECT_EQ(none.rows, "NA|\nNULL|1\n") << "an empty field is empty text";
  const Json dash = Json::object({{"keep_default_na", false}, {"na_values", Json::array({"-", ""})}});
  const Extracted some = extract("a,b\nNA,\n-,1\n", dash);
  EXPECT_EQ(some.columns, "a VARCHAR, b BIGINT");
  EXPECT_EQ(some.rows, "NA|NULL\nNULL|1\n");
}

TEST(CsvExtractorFormat, NaWordsAreAllTheWordsThatMeanNull) {
  const Extracted got = extract("a,b\nNA,\n-,1\n", Json::object({{"na_words", Json::array({"", "-"})}}));
  EXPECT_EQ(got.rows, "NA|NULL\nNULL|1\n");
  EXPECT_NE(extract("a\n", Json::object({{"na_words", Json::array({""})}, {"keep_default_na", true}}))
                .error.find("'na_words' are all the words"),
            std::string::npos);
}

TEST(CsvExtractorFormat, AFieldThatIsNotThereIsNullWhateverTheWords) {
  EXPECT_EQ(extract("a,b\nx\ny,z,\n", Json::object({{"keep_default_na", false}})).rows, "x|NULL\ny|z\n");
}

}  // namespace
}  // namespace osiris::worker::test
