// The type of a column by all its values.
#include "tests/drivers/filesystem.json_extractor/extract.h"

namespace osiris::worker::test {
namespace {

// Records {"x": value} of these values.
Extracted of(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) text += "{\"x\": " + value + "}\n";
  return extract(text, Json::object(), "in.ndjson");
}

TEST(JsonTypes, EachKindHasItsType) {
  EXPECT_EQ(of({"1", "-2"}).columns, "x BIGINT");
  EXPECT_EQ(of({"1.5", "2"}).columns, "x DOUBLE");
  EXPECT_EQ(of({"true", "null"}).columns, "x BOOLEAN");
  EXPECT_EQ(of({"\"2025-01-01\"", "\"x\""}).columns, "x VARCHAR") << "text that looks like a date is text";
  EXPECT_EQ(of({"null", "null"}).columns, "x VARCHAR");
  EXPECT_EQ(of({"[1, 2]", "[]", "null"}).columns, "x BIGINT[]");
  EXPECT_EQ(of({"{\"a\": 1}", "{\"b\": [\"t\"]}"}).columns, "x STRUCT(a BIGINT, b VARCHAR[])");
}

TEST(JsonTypes, WholeNumbersKeepAllDigits) {
  EXPECT_EQ(of({"9223372036854775807", "-9223372036854775808"}).columns, "x BIGINT");
  const Extracted unsigned_64 = of({"0", "18446744073709551615"});
  EXPECT_EQ(unsigned_64.columns, "x UBIGINT");
  EXPECT_EQ(unsigned_64.rows, "0\n18446744073709551615\n");
  const Extracted mixed = of({"-1", "18446744073709551615"});
  EXPECT_EQ(mixed.columns, "x HUGEINT") << mixed.error;
  EXPECT_EQ(mixed.rows, "-1\n18446744073709551615\n");
  const Extracted wide = of({"1", "18446744073709551616", "-99999999999999999999999999999999999999"});
  EXPECT_EQ(wide.columns, "x HUGEINT") << wide.error;
  EXPECT_EQ(wide.rows, "1\n18446744073709551616\n-99999999999999999999999999999999999999\n");
}

TEST(JsonTypes, NumbersBeyondAllTypesAreTextAndSaid) {
  const std::string large = "1234567890123456789012345678901234567890";
  const Extracted got = of({"1", large, "1.50"});
  EXPECT_EQ(got.columns, "x VARCHAR") << got.error;
  EXPECT_EQ(got.rows, "1\n" + large + "\n1.50\n");
  EXPECT_NE(got.logs.find("column 'x' holds numbers beyond 128 bits: it is kept as text"), std::string::npos)
      << got.logs;
  EXPECT_EQ(of({"1e999"}).rows, "1e999\n");
}

TEST(JsonTypes, AWholeNumberThatDoubleWouldRoundIsText) {
  const Extracted got = of({"9007199254740993", "0.5"});
  EXPECT_EQ(got.rows, "9007199254740993\n0.5\n");
  EXPECT_NE(got.logs.find("numbers that no single type holds exactly"), std::string::npos) << got.logs;
  EXPECT_EQ(of({"9007199254740992", "0.5"}).columns, "x DOUBLE");
}

TEST(JsonTypes, DigitsThatDoubleDoesNotKeepAreSaid) {
  const Extracted got = of({"0.1", "0.12345678901234567890"});
  EXPECT_EQ(got.columns, "x DOUBLE");
  EXPECT_NE(got.logs.find("does not keep all digits of 0.12345678901234567890"), std::string::npos) << got.logs;
  EXPECT_EQ(of({"0.30000000000000004", "1e300", "5e-324"}).logs, "") << "these come back as they are";
}

TEST(JsonTypes, ValuesOfDifferentKindsAreJsonAndSaid) {
  const Extracted got = of({"1", "\"one\"", "[1.50, {\"a\": \"b\"}]", "null"});
  EXPECT_EQ(got.columns, "x JSON") << got.error;
  EXPECT_EQ(got.rows, "1\n\"one\"\n[1.50, {\"a\": \"b\"}]\nNULL\n");
  EXPECT_NE(got.logs.find("column 'x' holds numbers and text and lists: it is kept as JSON"), std::string::npos)
      << got.logs;
}

TEST(JsonTypes, NestedValuesOfDifferentKindsMakeTheColumnJson) {
  const Extracted got = of({"{\"a\": 1}", "{\"a\": \"x\"}"});
  EXPECT_EQ(got.columns, "x JSON");
  EXPECT_EQ(got.rows, "{\"a\": 1}\n{\"a\": \"x\"}\n");
  EXPECT_EQ(of({"[1, \"x\"]"}).rows, "[1, \"x\"]\n");
  EXPECT_EQ(of({"{}", "{}"}).columns, "x JSON") << "a STRUCT has members";
  EXPECT_EQ(of({"{\"a\": 1, \"A\": 2}"}).columns, "x JSON") << "SQL does not tell them apart";
  EXPECT_EQ(of({"[" + std::string(60, '[') + std::string(60, ']') + "]"}).columns, "x JSON");
}

TEST(JsonTypes, NestedNumbersKeepTheirDigits) {
  const Extracted got = of({"{\"a\": 18446744073709551616}", "{\"a\": -1}"});
  EXPECT_EQ(got.columns, "x STRUCT(a HUGEINT)");
  EXPECT_EQ(got.rows, "{'a': 18446744073709551616}\n{'a': -1}\n");
}

TEST(JsonTypes, TextKeepsEveryCharacter) {
  const Extracted got = of({R"("a\"b\\c\/d\n\t\u00e9\ud83d\ude00")", "\"\xc3\xa9\""});
  EXPECT_EQ(got.rows, "a\"b\\c/d\n\t\xc3\xa9\xf0\x9f\x98\x80\n\xc3\xa9\n") << got.error;
}

TEST(JsonTypes, RecordsOfDifferentShapesAreJoined) {
  const Extracted got = extract("[{\"a\": 1}, {\"b\": \"x\"}, {}, {\"b\": null, \"a\": 2}]");
  EXPECT_EQ(got.columns, "a BIGINT, b VARCHAR");
  EXPECT_EQ(got.rows, "1|NULL\nNULL|x\nNULL|NULL\n2|NULL\n");
}

}  // namespace
}  // namespace osiris::worker::test
