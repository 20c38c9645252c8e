// Every type on its way to a script and back, in each format: as it was, or refused with column and type.
#include <gmock/gmock.h>

#include "tests/drivers/python.processor/python_step.h"

namespace osiris::worker::test {
namespace {

using ::testing::HasSubstr;

constexpr char kCopy[] =
    "import os, shutil\nshutil.copyfile(os.environ['OSIRIS_INPUT'], os.environ['OSIRIS_OUTPUT'])\n";

struct Typed {
  const char* name;
  const char* value;     // an SQL expression
  const char* declared;  // how `columns` spells its type
};
void PrintTo(const Typed& typed, std::ostream* out) { *out << typed.name; }

class PythonCarries : public testing::TestWithParam<std::tuple<Typed, const char*>> {};

TEST_P(PythonCarries, EachTypeThereAndBack) {
  const auto& [typed, format] = GetParam();
  StepHarness step;
  prepare(step);
  step.add_input("t", "SELECT " + std::string(typed.value) + " AS c, 1 AS i UNION ALL SELECT NULL, 2");
  step.set_config(
      {{"format", format}, {"code", kCopy}, {"columns", Json::object({{"c", typed.declared}, {"i", "INTEGER"}})}});
  const auto outcome = step.run(python_processor());
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  EXPECT_EQ(
      step.query(
          "SELECT count(*) FROM (SELECT typeof(c), c FROM \"in t\".main.t EXCEPT ALL SELECT typeof(c), c FROM {out})"),
      "0\n")
      << step.query("SELECT typeof(c), c::VARCHAR FROM {out}");
}

INSTANTIATE_TEST_SUITE_P(
    As, PythonCarries,
    testing::Combine(
        testing::Values(Typed{"HugeInt", "99999999999999999999999999999999999999::HUGEINT", "HUGEINT"},
                        Typed{"UHugeInt", "99999999999999999999999999999999999999::UHUGEINT", "UHUGEINT"},
                        Typed{"TimeWithZone", "'10:00:00.123456+05:30'::TIMETZ", "TIMETZ"},
                        Typed{"TimeNs", "'10:00:00.123456789'::TIME_NS", "TIME_NS"}, Typed{"Bit", "'0101'::BIT", "BIT"},
                        Typed{"Enum", "'it''s'::ENUM('a', 'it''s')", "ENUM('a', 'it''s')"},
                        Typed{"TimestampS", "'2024-01-01 10:00:00'::TIMESTAMP_S", "TIMESTAMP_S"},
                        Typed{"TimestampMs", "'2024-01-01 10:00:00.123'::TIMESTAMP_MS", "TIMESTAMP_MS"},
                        Typed{"TimestampNs", "'2024-01-01 10:00:00.123456789'::TIMESTAMP_NS", "TIMESTAMP_NS"},
                        Typed{"TimestampWithZone", "'2024-01-01 10:00:00.123456+02'::TIMESTAMPTZ", "TIMESTAMPTZ"},
                        Typed{"Interval", "INTERVAL '-1 month 2 days 03:04:05.678901'", "INTERVAL"},
                        Typed{"Decimal", "123456789012.345::DECIMAL(38,3)", "DECIMAL(38,3)"},
                        Typed{"UBigInt", "18446744073709551615::UBIGINT", "UBIGINT"},
                        Typed{"Double", "0.1::DOUBLE", "DOUBLE"}, Typed{"Float", "0.1::FLOAT", "FLOAT"},
                        Typed{"Blob", "'\\x00\\xff'::BLOB", "BLOB"},
                        Typed{"Uuid", "'d1b2a3c4-0000-4000-8000-000000000001'::UUID", "UUID"},
                        Typed{"Array", "[1, 2, 3]::INTEGER[3]", "INTEGER[3]"},
                        Typed{"ListOfHuge", "[1::HUGEINT, NULL]", "HUGEINT[]"}),
        testing::Values("parquet", "csv", "ndjson")),
    [](const auto& test) { return std::string(std::get<0>(test.param).name) + "_" + std::get<1>(test.param); });

class PythonTypesOfFiles : public PythonStep {};

TEST_F(PythonTypesOfFiles, ACopyOfAParquetInputHasItsTypes) {
  step.add_input("t",
                 "SELECT 5::HUGEINT AS h, '10:00:00+05:30'::TIMETZ AS z, '01'::BIT AS b, 'x'::ENUM('x','y') AS e, "
                 "union_value(k := 1::HUGEINT)::UNION(k HUGEINT, t VARCHAR) AS u, INTERVAL '1 day' AS i");
  step.set_config({{"code", kCopy}});
  expect_success();
  EXPECT_EQ(step.output_columns(),
            "h HUGEINT, z TIME WITH TIME ZONE, b BIT, e ENUM('x', 'y'), u UNION(k HUGEINT, t VARCHAR), i INTERVAL");
  EXPECT_EQ(step.query("SELECT union_tag(u)::VARCHAR, u::VARCHAR FROM {out}"), "k|1\n");
}

TEST_F(PythonTypesOfFiles, ACopyOfAParquetInputHasItsCommentsAndItsColumnsOfNoType) {
  step.add_input("t", "SELECT '2024-01-01 10:00:00+02'::TIMESTAMPTZ AS z, NULL AS x WHERE false");
  step.sql("CREATE OR REPLACE TABLE \"in t\".main.t (z TIMESTAMPTZ, x \"NULL\")");
  ASSERT_TRUE(sql::execute(step.connection_handle(),
                           "CREATE OR REPLACE TEMP VIEW df_t AS FROM \"in t\".main.t; COMMENT ON COLUMN "
                           "temp.main.df_t.z IS 'utc offset in minutes: 120'")
                  .ok());
  const std::string comments =
      "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE database_name = 'out 7f3a'";
  step.set_config({{"code", kCopy}});
  expect_success();
  EXPECT_EQ(step.query(comments), "z|TIMESTAMP WITH TIME ZONE|utc offset in minutes: 120\nx|\"NULL\"|NULL\n");
  step.sql("DROP TABLE \"out 7f3a\".main.df_step");
  step.set_config({{"code", kCopy}, {"columns", Json::object({{"z", "TIMESTAMPTZ"}, {"x", "INTEGER"}})}});
  expect_success();
  EXPECT_EQ(step.query(comments), "z|TIMESTAMP WITH TIME ZONE|utc offset in minutes: 120\nx|INTEGER|NULL\n");
}

TEST_F(PythonTypesOfFiles, TheDescriptionSaysWhatAColumnIsInTheFile) {
  step.add_input("t", "SELECT 5::HUGEINT AS h, 1 AS i, '01'::BIT AS b");
  set_code(step, "write([c for c in step['inputs']['df_t']['columns']])\n", {{"format", "ndjson"}});
  expect_success();
  EXPECT_EQ(step.query("SELECT name, type FROM {out}"), "h|HUGEINT\ni|INTEGER\nb|BIT\n");
  StepHarness parquet;
  prepare(parquet);
  parquet.add_input("t", "SELECT 5::HUGEINT AS h, 1 AS i, '01'::BIT AS b");
  parquet.set_config({{"code",
                       "import json, os, shutil\nstep = json.load(open(os.environ['OSIRIS_STEP']))\n"
                       "columns = step['inputs']['df_t']['columns']\n"
                       "assert [c.get('file_type') for c in columns] == ['DECIMAL(38,0)', None, 'VARCHAR'], columns\n"
                       "shutil.copyfile(os.environ['OSIRIS_INPUT'], os.environ['OSIRIS_OUTPUT'])\n"}});
  const auto outcome = parquet.run(python_processor());
  EXPECT_TRUE(outcome.ok()) << outcome.error().message;
}

TEST_F(PythonTypesOfFiles, WhatAFormatCannotHoldIsRefusedWithColumnAndType) {
  struct Refused {
    const char* format;
    const char* value;
    const char* words;
  };
  for (const Refused& refused :
       {Refused{"ndjson", "'nan'::DOUBLE", "column 'c' (DOUBLE) cannot be kept in NDJSON"},
        Refused{"ndjson", "[1.5, 'nan'::DOUBLE]", "column 'c' (DOUBLE[]) cannot be kept in NDJSON"},
        Refused{"ndjson", "{'a': '-inf'::FLOAT}", "column 'c' (STRUCT(\"a\" FLOAT)) cannot be kept in NDJSON"},
        Refused{"csv", "union_value(k := 1)", "column 'c' (UNION(\"k\" INTEGER)) cannot be kept in CSV"},
        Refused{"parquet", "[union_value(k := 1)]", "column 'c' (UNION(\"k\" INTEGER)[]) cannot be kept in Parquet"},
        Refused{"parquet", "170141183460469231731687303715884105727::HUGEINT",
                "column 'c' (HUGEINT) cannot be kept in Parquet as DECIMAL(38,0)"}}) {
    StepHarness fresh;
    prepare(fresh);
    fresh.add_input("t", "SELECT " + std::string(refused.value) + " AS c");
    fresh.set_config({{"format", refused.format}, {"code", kCopy}});
    const auto outcome = fresh.run(python_processor());
    ASSERT_FALSE(outcome.ok()) << refused.value;
    EXPECT_THAT(outcome.error().message, HasSubstr(refused.words));
  }
}

TEST_F(PythonTypesOfFiles, WideDecimalsOfJsonAreTextOrRefused) {
  const auto out = [this](const char* value) {
    set_code(step, std::string("open(os.environ['OSIRIS_OUTPUT'], 'w').write('{\"c\": ") + value + "}\\n')\n",
             {{"columns", Json::object({{"c", "DECIMAL(38,3)"}})}});
  };
  out("12345678901234567890123456789012345.678");
  EXPECT_THAT(failure(), HasSubstr("a number of more than 15 digits for column 'c', a DECIMAL"));
  out("\"12345678901234567890123456789012345.678\"");
  expect_success();
  EXPECT_EQ(step.query("SELECT c FROM {out}"), "12345678901234567890123456789012345.678\n");
}

TEST_F(PythonTypesOfFiles, WideDecimalsGoThereExactly) {
  for (const char* format : {"parquet", "csv"}) {
    StepHarness fresh;
    prepare(fresh);
    fresh.add_input("t", "SELECT 12345678901234567890123456789012345.678::DECIMAL(38,3) AS c");
    fresh.set_config({{"format", format}, {"code", kCopy}, {"columns", Json::object({{"c", "DECIMAL(38,3)"}})}});
    const auto outcome = fresh.run(python_processor());
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_EQ(fresh.query("SELECT c FROM {out}"), "12345678901234567890123456789012345.678\n");
  }
}

TEST_F(PythonTypesOfFiles, TextThatSpellsNaNIsText) {
  step.add_input("t", "SELECT ['NaN', '\"Infinity'] AS c, 1.5 AS d, {'NaN': 2.5::DOUBLE} AS e");
  step.set_config({{"format", "ndjson"}, {"code", kCopy}});
  expect_success();
}

}  // namespace
}  // namespace osiris::worker::test
