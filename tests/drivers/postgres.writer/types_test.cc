// Every type of a relation: the column that is made for it, and that its extremes arrive as they are.
#include "tests/drivers/postgres.writer/writing.h"
#include "tests/drivers/type_case.h"

namespace osiris::worker::test {
namespace {

class PostgresColumns : public testing::TestWithParam<TypeCase> {};

TEST_P(PostgresColumns, ArriveExactly) {
  const std::string name = std::string("made_") + GetParam().name;
  EXPECT_EQ(WriteStep(select_of(GetParam().values), {{"table", name}, {"verify", "full"}}).outcome().substr(0, 3),
            "ok ");
  EXPECT_EQ(ask_shop("SELECT v FROM " + name), std::string(GetParam().rows) + "NULL\n");
  EXPECT_EQ(ask_shop("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = '" + name +
                     "'::regclass AND attnum = 1"),
            std::string(GetParam().type) + "\n");
}

constexpr TypeCase kCases[] = {
    {"boolean", "true|false", "boolean", "t\nf\n"},
    {"tinyint", "(-128)::TINYINT|127::TINYINT", "smallint", "-128\n127\n"},
    {"utinyint", "255::UTINYINT", "smallint", "255\n"},
    {"usmallint", "65535::USMALLINT", "integer", "65535\n"},
    {"integer", "(-2147483648)::INTEGER", "integer", "-2147483648\n"},
    {"uinteger", "4294967295::UINTEGER", "bigint", "4294967295\n"},
    {"bigint", "(-9223372036854775808)::BIGINT", "bigint", "-9223372036854775808\n"},
    {"ubigint", "18446744073709551615::UBIGINT|0::UBIGINT", "numeric(20,0)", "18446744073709551615\n0\n"},
    {"hugeint", "170141183460469231731687303715884105727::HUGEINT|(-10000)::HUGEINT", "numeric(39,0)",
     "170141183460469231731687303715884105727\n-10000\n"},
    {"uhugeint", "340282366920938463463374607431768211455::UHUGEINT", "numeric(39,0)",
     "340282366920938463463374607431768211455\n"},
    {"bignum", "'123456789012345678901234567890123456789012345'::BIGNUM", "numeric",
     "123456789012345678901234567890123456789012345\n"},
    {"float", "'nan'::FLOAT|1.5::FLOAT", "real", "NaN\n1.5\n"},
    {"double", "'-inf'::DOUBLE|0.1::DOUBLE", "double precision", "-Infinity\n0.1\n"},
    {"decimal_small", "(-0.01)::DECIMAL(4,2)|99.99::DECIMAL(4,2)", "numeric(4,2)", "-0.01\n99.99\n"},
    {"decimal", "12345678.9::DECIMAL(18,3)|10000::DECIMAL(18,3)|0.001::DECIMAL(18,3)", "numeric(18,3)",
     "12345678.900\n10000.000\n0.001\n"},
    {"decimal_38", "9999999999999999999999999999.9999999999::DECIMAL(38,10)", "numeric(38,10)",
     "9999999999999999999999999999.9999999999\n"},
    {"varchar", "''|'naïve 🦆'|'a very long text that is not kept inline'", "text",
     "\nnaïve 🦆\na very long text that is not kept inline\n"},
    {"json", "'{\"a\" : 1}'::JSON", "json", "{\"a\" : 1}\n"},
    {"enum", "'b'::ENUM('a','b')", "text", "b\n"},
    {"blob", "'\\x00\\xFF'::BLOB", "bytea", "\\x00ff\n"},
    {"bit", "'1'::BIT|'101010101010'::BIT|'11110000'::BIT", "bit varying", "1\n101010101010\n11110000\n"},
    {"uuid", "'ffffffff-0000-0000-0000-00000000000a'::UUID", "uuid", "ffffffff-0000-0000-0000-00000000000a\n"},
    {"date", "'0001-01-01'::DATE|'9999-12-31'::DATE|'4713-11-24 (BC)'::DATE|'infinity'::DATE", "date",
     "0001-01-01\n9999-12-31\n4713-11-24 BC\ninfinity\n"},
    {"timestamp", "'0001-01-01'::TIMESTAMP|'9999-12-31 23:59:59.999999'::TIMESTAMP|'-infinity'::TIMESTAMP",
     "timestamp without time zone", "0001-01-01 00:00:00\n9999-12-31 23:59:59.999999\n-infinity\n"},
    {"timestamp_s", "'2024-02-29 01:02:03'::TIMESTAMP_S", "timestamp without time zone", "2024-02-29 01:02:03\n"},
    {"timestamptz", "'1999-12-31 23:59:59.5'::TIMESTAMPTZ", "timestamp with time zone",
     "1999-12-31 20:29:59.5-03:30\n"},
    {"time", "'23:59:59.999999'::TIME|'24:00:00'::TIME", "time without time zone", "23:59:59.999999\n24:00:00\n"},
    {"timetz", "'12:00:00+05:30'::TIMETZ|'01:02:03.4-15:59:59'::TIMETZ", "time with time zone",
     "12:00:00+05:30\n01:02:03.4-15:59:59\n"},
    {"interval", "INTERVAL '14 months -3 days 04:05:06.789'", "interval", "1 year 2 mons -3 days +04:05:06.789\n"},
    {"list", "[1, NULL, 3]|[]::INTEGER[]", "integer[]", "{1,NULL,3}\n{}\n"},
    {"list_of_texts", "['a', 'a very long text that is not kept inline', NULL]", "text[]",
     "{a,\"a very long text that is not kept inline\",NULL}\n"},
    {"list_of_decimals", "[1.50::DECIMAL(5,2)]", "numeric(5,2)[]", "{1.50}\n"},
    {"array", "[1, 2]::INTEGER[2]", "integer[]", "{1,2}\n"},
};
INSTANTIATE_TEST_SUITE_P(Types, PostgresColumns, testing::ValuesIn(kCases),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(PostgresTypes, WithoutAnEqualAreRefusedBeforeTheFirstRow) {
  for (const char* value : {"{'a': 1}", "MAP {'a': 1}", "[[1]]", "'2024-01-01'::TIMESTAMP_NS"}) {
    const std::string said =
        WriteStep(std::string("SELECT 1 AS id, ") + value + " AS v", {{"table", "never"}}).outcome();
    EXPECT_NE(said.find("table public.never, column 'v': no type of PostgreSQL's holds a "), std::string::npos) << said;
    EXPECT_EQ(ask_shop("SELECT to_regclass('never')"), "NULL\n");
  }
}

struct Fit {
  const char* name;
  const char* value;   // DuckDB's
  const char* column;  // PostgreSQL's type
  const char* says;    // what it shows, or a part of the error after '!'
};
class PostgresFits : public testing::TestWithParam<Fit> {};

TEST_P(PostgresFits, AColumnThatIsThere) {
  in_shop(
      "DROP DOMAIN IF EXISTS price CASCADE; CREATE DOMAIN price AS numeric(6,2) CHECK (value >= 0);"
      "DROP TYPE IF EXISTS mood CASCADE; CREATE TYPE mood AS ENUM ('sad', 'glad')");
  const std::string name = std::string("fits_") + GetParam().name;
  in_shop("CREATE TABLE " + name + " (v " + GetParam().column + ")");
  const std::string said = WriteStep(std::string("SELECT unnest([NULL, ") + GetParam().value + "]) AS v",
                                     {{"table", name}, {"verify", "full"}})
                               .outcome();
  const std::string expected = GetParam().says;
  if (expected[0] != '!') {
    EXPECT_EQ(said, "ok 2");
    EXPECT_EQ(ask_shop("SELECT v FROM " + name + " WHERE v IS NOT NULL"), expected + "\n");
    return;
  }
  EXPECT_NE(said.find(expected.substr(1)), std::string::npos) << said;
  EXPECT_NE(said.find("column 'v'"), std::string::npos) << said;
  EXPECT_EQ(ask_shop("SELECT count(*) FROM " + name), "0\n");
}

constexpr Fit kFits[] = {
    {"narrower", "7::BIGINT", "smallint", "7"},
    {"too_large", "70000::BIGINT", "smallint", "!row 2: the number is beyond smallint"},
    {"unsigned", "18446744073709551615::UBIGINT", "bigint", "!beyond bigint"},
    {"integer_as_numeric", "7::INTEGER", "numeric(5,2)", "7.00"},
    {"blanks", "'ab'", "char(5)", "ab   "},
    {"decimals", "[1.5::DECIMAL(4,1), NULL, 0]", "numeric(20,5)[]", "{1.50000,NULL,0.00000}"},
    {"decimal_as_wider", "1.5::DECIMAL(4,1)", "numeric(20,5)", "1.50000"},
    {"decimal_as_narrower", "1.50::DECIMAL(4,2)", "numeric(5,1)", "1.5"},
    {"decimal_that_would_be_rounded", "1.25::DECIMAL(4,2)", "numeric(5,1)", "!row 2: the number has more digits"},
    {"tens", "1230::DECIMAL(6,1)", "numeric(5,-1)", "1230"},
    {"number_cut_to_tens", "1234", "numeric(5,-1)", "!row 2: the number has more digits"},
    {"number_cut_to_hundreds", "1230", "numeric(5,-2)", "!row 2: the number has more digits"},
    {"text_cut_to_tens", "'1234'", "numeric(5,-1)", "!row 2: the number has more digits"},
    {"months", "INTERVAL '14 months'", "interval year to month", "1 year 2 mons"},
    {"days_of_months", "INTERVAL '1 month 3 days'", "interval year to month",
     "!parts that interval year to month cuts"},
    {"months_of_years", "INTERVAL '14 months'", "interval year", "!parts that interval year cuts"},
    {"hours_of_days", "INTERVAL '1 day 2 hours'", "interval day", "!parts that interval day cuts"},
    {"minutes_of_hours", "INTERVAL '02:03:00'", "interval day to hour", "!parts that interval day to hour cuts"},
    {"seconds_of_minutes", "INTERVAL '02:03:04'", "interval hour to minute",
     "!parts that interval hour to minute cuts"},
    {"seconds_of_days", "INTERVAL '1 day 02:03:04.5'", "interval day to second", "1 day 02:03:04.5"},
    {"intervals_cut", "[INTERVAL '02:03:00']", "interval hour[]", "!parts that interval hour[] cuts"},
    {"text_as_numeric", "'-0012.50'", "numeric", "-12.50"},
    {"nan_as_numeric", "'NaN'", "numeric", "NaN"},
    {"no_number", "'12,5'", "numeric", "!the text is no number"},
    {"double_as_real", "1.5::DOUBLE", "real", "1.5"},
    {"double_that_would_be_rounded", "0.1::DOUBLE", "real", "!not exact as real"},
    {"double_as_integer", "1.5::DOUBLE", "integer", "!a DOUBLE is not written to that"},
    {"varchar", "'abcde'", "varchar(5)", "abcde"},
    {"varchar_of_characters", "'ääääö'", "varchar(5)", "ääääö"},
    {"too_long", "'abcdef'", "varchar(5)", "!longer than character varying(5)"},
    {"too_long_by_blanks", "'abcde '", "varchar(5)", "!longer than"},
    {"nul", "'a' || chr(0)", "text", "!NUL character"},
    {"jsonb", "'{\"b\":1}'", "jsonb", "{\"b\": 1}"},
    {"enum", "'glad'", "mood", "glad"},
    {"domain", "1.5::DECIMAL(4,2)", "price", "1.50"},
    {"bits", "'101'::BIT", "bit(3)", "101"},
    {"other_bits", "'1011'::BIT", "bit(3)", "!it has 4 bits"},
    {"seconds", "'2024-01-01 00:00:01'::TIMESTAMP", "timestamp(0)", "2024-01-01 00:00:01"},
    {"finer", "'2024-01-01 00:00:01.5'::TIMESTAMP", "timestamp(0)", "!finer than timestamp(0)"},
    {"date_as_timestamp", "'2024-01-01'::DATE", "timestamp", "2024-01-01 00:00:00"},
    {"timestamp_without_zone", "'2024-01-01'::TIMESTAMP", "timestamptz", "!a TIMESTAMP is not written to that"},
    {"generated", "1", "int GENERATED ALWAYS AS (1) STORED", "!the server generates it"},
    {"early_date", "'4714-01-01 (BC)'::DATE", "date", "!beyond PostgreSQL's"},
    {"list", "[1::BIGINT]", "int[]", "{1}"},
    {"list_too_large", "[9000000000]", "int[]", "!beyond integer[]"},
};
INSTANTIATE_TEST_SUITE_P(Values, PostgresFits, testing::ValuesIn(kFits),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace osiris::worker::test
