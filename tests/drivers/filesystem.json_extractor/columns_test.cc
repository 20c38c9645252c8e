// `columns`: keys with types, exact or not at all.
#include "tests/drivers/filesystem.json_extractor/extract.h"

namespace osiris::worker::test {
namespace {

Extracted typed(const std::string& value, const std::string& type) {
  return extract("[{\"x\": " + value + ", \"other\": [1, \"mixed\"]}]",
                 Json::object({{"columns", Json::object({{"x", type}})}}));
}

TEST(JsonColumns, AreTheseWithTheirTypesInThisOrder) {
  const Extracted got =
      extract("[{\"a\": 1, \"b\": \"2.50\", \"c\": 3}, {\"b\": 7}]",
              Json::object({{"columns", Json::object({{"b", "DECIMAL(6,2)"}, {"a", "INTEGER"}, {"gone", "DATE"}})}}));
  EXPECT_EQ(got.columns, "b DECIMAL(6,2), a INTEGER, gone DATE") << got.error;
  EXPECT_EQ(got.rows, "2.50|1|NULL\n7.00|NULL|NULL\n");
}

TEST(JsonColumns, TakeEveryDigitOfTheFile) {
  EXPECT_EQ(typed("1234567890123456789012345.678901", "DECIMAL(38,6)").rows, "1234567890123456789012345.678901\n");
  EXPECT_EQ(typed("0.10000000000000000001", "VARCHAR").rows, "0.10000000000000000001\n");
  EXPECT_EQ(typed("\"12\"", "BIGINT").rows, "12\n");
  EXPECT_EQ(typed("\"2025-01-02T03:04:05.123456Z\"", "TIMESTAMPTZ").rows, "2025-01-02 03:04:05.123456+00\n");
  EXPECT_EQ(typed("{\"a\": [1.50]}", "JSON").rows, "{\"a\": [1.50]}\n");
  EXPECT_EQ(typed("{\"a\": [1.50]}", "VARCHAR").rows, "{\"a\": [1.50]}\n");
  EXPECT_EQ(typed("true", "BOOLEAN").rows, "true\n");
  EXPECT_EQ(typed("null", "BIGINT").rows, "NULL\n");
  EXPECT_EQ(typed("\"a\\\"b\"", "VARCHAR").rows, "a\"b\n");
}

TEST(JsonColumns, AValueThatIsNotOfItsTypeIsNamedAndNeverRounded) {
  const std::pair<const char*, const char*> rows[] = {{"1.5", "BIGINT"},
                                                      {"\"x\"", "BIGINT"},
                                                      {"300", "UTINYINT"},
                                                      {"1e3", "BIGINT"},
                                                      {"1.005", "DECIMAL(6,2)"},
                                                      {"\"yes\"", "BOOLEAN"},
                                                      {"1", "BOOLEAN"},
                                                      {"\"2025-02-30\"", "DATE"},
                                                      {"\"2025-02-03 10:00:00\"", "DATE"},
                                                      {"\"2025-01-01 00:00:00.1234567\"", "TIMESTAMP"},
                                                      {"\"2025-01-01 00:00:00+02:00\"", "TIMESTAMP"},
                                                      {"\"10:00:00-03\"", "TIME"},
                                                      {"{}", "DOUBLE"},
                                                      {"\"no uuid\"", "UUID"},
                                                      {"12345", "DECIMAL(6,2)"}};
  for (const auto& [value, type] : rows) {
    const Extracted got = typed(value, type);
    EXPECT_NE(got.error.find(std::string("in.json, record 1: column 'x' is ") + type), std::string::npos)
        << value << " " << type << ": " << got.error << got.rows;
    EXPECT_EQ(got.category, "extract.schema_mismatch");
  }
  EXPECT_EQ(typed("1.500", "DECIMAL(6,2)").rows, "1.50\n") << "zeros change nothing";
}

TEST(JsonColumns, TheRecordIsCountedInItsFile) {
  StepHarness step("read");
  step.write_file("in/a.ndjson", "{\"x\": 1}\n{\"x\": 2}\n");
  step.write_file("in/b.json", "[{\"x\": 3}, {\"x\": \"four\"}]");
  step.set_config({{"path", "in/*"}, {"columns", Json::object({{"x", "BIGINT"}})}});
  EXPECT_EQ(run_extract(step).error,
            "in/b.json, record 2: column 'x' is BIGINT, and 'four' is no such value, or not exactly");
}

TEST(JsonColumns, AWrongTypeOrTwoNamesForOneColumnAreErrors) {
  EXPECT_NE(typed("1", "TEXT; DROP").error.find("which is none"), std::string::npos);
  EXPECT_NE(extract("[]", Json::object({{"columns", Json::object({{"a", "BIGINT"}, {"A", "BIGINT"}})}}))
                .error.find("one column in SQL"),
            std::string::npos);
}

}  // namespace
}  // namespace osiris::worker::test
