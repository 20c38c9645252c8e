// Every type: what it becomes, and that its extremes arrive as they are.
#include "tests/drivers/postgres/steps.h"
#include "worker/drivers/postgres.extractor/driver.h"

namespace osiris::worker::test {
namespace {

struct Case {
  const char* name;
  const char* type;     // PostgreSQL's
  const char* becomes;  // DuckDB's
  const char* values;   // literals of that type, '|' between them
  const char* rows;     // what DuckDB shows of them
};

class PostgresTypes : public testing::TestWithParam<Case> {};

std::string select_of(const Case& one) {
  std::string select, rest = one.values;
  for (size_t at = 0; at != std::string::npos;) {
    const size_t bar = rest.find('|', at);
    const std::string value = rest.substr(at, bar == std::string::npos ? bar : bar - at);
    select += (select.empty() ? "VALUES (" : "), (") + value + "::" + one.type;
    at = bar == std::string::npos ? bar : bar + 1;
  }
  return "SELECT v FROM (" + select + "), (NULL::" + one.type + ")) AS one(v)";
}

TEST_P(PostgresTypes, ArriveExactly) {
  PostgresStep step(postgres_extractor());
  step.configure({{"query", select_of(GetParam())}});
  EXPECT_EQ(step.rows(), std::string(GetParam().rows) + "NULL\n");
  EXPECT_EQ(step.output_columns(), std::string("v ") + GetParam().becomes);
}

constexpr Case kCases[] = {
    {"bool", "bool", "BOOLEAN", "true|false", "true\nfalse\n"},
    {"smallint", "smallint", "SMALLINT", "'-32768'|'32767'", "-32768\n32767\n"},
    {"integer", "integer", "INTEGER", "'-2147483648'|'2147483647'", "-2147483648\n2147483647\n"},
    {"bigint", "bigint", "BIGINT", "'-9223372036854775808'|'9223372036854775807'",
     "-9223372036854775808\n9223372036854775807\n"},
    {"oid", "oid", "UINTEGER", "'4294967295'", "4294967295\n"},
    {"real", "real", "FLOAT", "'NaN'|'-Infinity'|'3.4028235e38'", "nan\n-inf\n3.4028235e+38\n"},
    {"double", "double precision", "DOUBLE", "'NaN'|'Infinity'|'1.7976931348623157e308'|'-0'",
     "nan\ninf\n1.7976931348623157e+308\n-0.0\n"},
    {"decimal", "numeric(12,2)", "DECIMAL(12,2)", "'-0.01'|'9999999999.99'|'0'|'1000000'",
     "-0.01\n9999999999.99\n0.00\n1000000.00\n"},
    {"decimal_small", "numeric(4,4)", "DECIMAL(5,4)", "'0.0001'|'-0.9999'", "0.0001\n-0.9999\n"},
    {"decimal_odd_scale", "numeric(9,3)", "DECIMAL(9,3)", "'123456.789'|'0.001'|'0.01'", "123456.789\n0.001\n0.010\n"},
    {"decimal_38", "numeric(38,10)", "DECIMAL(38,10)", "'9999999999999999999999999999.9999999999'|'-1e-10'",
     "9999999999999999999999999999.9999999999\n-0.0000000001\n"},
    {"decimal_38_whole", "numeric(38,0)", "DECIMAL(38,0)", "'-99999999999999999999999999999999999999'",
     "-99999999999999999999999999999999999999\n"},
    {"decimal_negative_scale", "numeric(3,-2)", "DECIMAL(5,0)", "'99949'", "99900\n"},
    {"decimal_more_scale", "numeric(3,5)", "DECIMAL(6,5)", "'0.00999'", "0.00999\n"},
    {"numeric", "numeric", "VARCHAR", "'NaN'|'Infinity'|'1e-30'|'12345678901234567890123456789012345678901234567890.5'",
     "NaN\nInfinity\n0.000000000000000000000000000001\n12345678901234567890123456789012345678901234567890.5\n"},
    {"decimal_65", "numeric(65,30)", "VARCHAR", "'1.5'", "1.500000000000000000000000000000\n"},
    {"text", "text", "VARCHAR", "''|'naïve 🦆'|'a very long text that is not kept inline'",
     "\nnaïve 🦆\na very long text that is not kept inline\n"},
    {"varchar", "varchar(5)", "VARCHAR", "'abc  '", "abc  \n"},
    {"char", "char(5)", "VARCHAR", "'abc'", "abc  \n"},
    {"one_char", "\"char\"", "VARCHAR", "'x'", "x\n"},
    {"name", "name", "VARCHAR", "'orders'", "orders\n"},
    {"bytea", "bytea", "BLOB", "'\\x00ff'|''", "\\x00\\xFF\n\n"},
    {"uuid", "uuid", "UUID", "'00000000-0000-0000-0000-000000000001'|'ffffffff-ffff-ffff-ffff-ffffffffffff'",
     "00000000-0000-0000-0000-000000000001\nffffffff-ffff-ffff-ffff-ffffffffffff\n"},
    {"json", "json", "JSON", R"('{"a" : 1}'|'null')", "{\"a\" : 1}\nnull\n"},
    {"jsonb", "jsonb", "JSON", R"('{"b" : [1,2]}')", "{\"b\": [1, 2]}\n"},
    {"xml", "xml", "VARCHAR", "'<a/>'", "<a/>\n"},
    {"date", "date", "DATE", "'0001-01-01'|'9999-12-31'|'0044-03-15 BC'|'4713-11-24 BC'|'infinity'|'-infinity'",
     "0001-01-01\n9999-12-31\n0044-03-15 (BC)\n4713-11-24 (BC)\ninfinity\n-infinity\n"},
    {"timestamp", "timestamp", "TIMESTAMP",
     "'0001-01-01 00:00:00'|'9999-12-31 23:59:59.999999'|'1999-12-31 23:59:59.999999'|'0044-03-15 12:00 BC'|'infinity'",
     "0001-01-01 00:00:00\n9999-12-31 23:59:59.999999\n1999-12-31 23:59:59.999999\n0044-03-15 (BC) "
     "12:00:00\ninfinity\n"},
    {"timestamptz", "timestamptz", "TIMESTAMP WITH TIME ZONE", "'2024-03-31 02:30:00+02'|'-infinity'",
     "2024-03-31 00:30:00+00\n-infinity\n"},
    {"time", "time", "TIME", "'00:00'|'23:59:59.999999'|'24:00:00'", "00:00:00\n23:59:59.999999\n24:00:00\n"},
    {"timetz", "timetz", "TIME WITH TIME ZONE", "'12:00:00+05:30'|'01:02:03.4-15:59:59'",
     "12:00:00+05:30\n01:02:03.4-15:59:59\n"},
    {"interval", "interval", "INTERVAL", "'1 year 2 mons -3 days 04:05:06.789'|'-178000000 years'",
     "1 year 2 months -3 days 04:05:06.789\n-178000000 years\n"},
    {"bit", "bit(3)", "BIT", "'101'", "101\n"},
    {"varbit", "varbit", "BIT", "'1'|'0000000011111111'|'101010101010101010101'",
     "1\n0000000011111111\n101010101010101010101\n"},
    {"inet", "inet", "VARCHAR", "'10.0.0.1'|'2001:db8::/32'", "10.0.0.1/32\n2001:db8::/32\n"},
    {"macaddr", "macaddr", "VARCHAR", "'08:00:2b:01:02:03'", "08:00:2b:01:02:03\n"},
    {"money", "money", "VARCHAR", "'12.5'", "$12.50\n"},
    {"point", "point", "VARCHAR", "'(1,2.5)'", "(1,2.5)\n"},
    {"range", "int4range", "VARCHAR", "'[1,5)'", "[1,5)\n"},
    {"tsvector", "tsvector", "VARCHAR", "'a b'", "'a' 'b'\n"},
    {"integers", "int[]", "INTEGER[]", "'{1,NULL,-3}'|'{}'", "[1, NULL, -3]\n[]\n"},
    {"texts", "text[]", "VARCHAR[]", "'{a,NULL,\"a long text that is not kept inline\"}'",
     "[a, NULL, a long text that is not kept inline]\n"},
    {"decimals", "numeric(5,2)[]", "DECIMAL(5,2)[]", "'{1.5,-2}'", "[1.50, -2.00]\n"},
    {"numerics", "numeric[]", "VARCHAR[]", "'{1.5,NaN}'", "[1.5, NaN]\n"},
    {"times", "timestamptz[]", "TIMESTAMP WITH TIME ZONE[]", "'{2024-01-01 00:00+00}'", "['2024-01-01 00:00:00+00']\n"},
    {"uuids", "uuid[]", "UUID[]", "'{00000000-0000-0000-0000-000000000001}'",
     "[00000000-0000-0000-0000-000000000001]\n"},
    {"networks", "cidr[]", "VARCHAR[]", "'{10.0.0.0/8}'", "[10.0.0.0/8]\n"},
};
INSTANTIATE_TEST_SUITE_P(Types, PostgresTypes, testing::ValuesIn(kCases),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(PostgresOwnTypes, EnumsDomainsAndCompositesArrive) {
  in_shop(
      "DROP TYPE IF EXISTS mood CASCADE; CREATE TYPE mood AS ENUM ('sad', 'glad');"
      "DROP DOMAIN IF EXISTS price CASCADE; CREATE DOMAIN price AS numeric(6,2) CHECK (value >= 0);"
      "DROP TYPE IF EXISTS pair CASCADE; CREATE TYPE pair AS (a int, b text)");
  PostgresStep step(postgres_extractor());
  step.configure({{"query",
                   "SELECT 'glad'::mood AS m, '1.5'::price AS p, ROW(1, 'x y')::pair AS c, '{sad,glad}'::mood[] AS ms,"
                   " ROW(1, NULL) AS r"}});
  EXPECT_EQ(step.rows(), "glad|1.50|(1,\"x y\")|[sad, glad]|(1,)\n");
  EXPECT_EQ(step.output_columns(), "m VARCHAR, p DECIMAL(6,2), c VARCHAR, ms VARCHAR[], r VARCHAR");
}

TEST(PostgresNumeric, MayBeADeclaredDecimal) {
  PostgresStep step(postgres_extractor());
  step.configure({{"query", "SELECT sum(n) AS total FROM (VALUES (1.25), (2)) AS v(n)"}, {"numeric", "decimal(20,4)"}});
  EXPECT_EQ(step.rows(), "3.2500\n");
  EXPECT_EQ(step.output_columns(), "total DECIMAL(20,4)");
}

struct Refused {
  const char* name;
  const char* value;
  const char* says;
};
class PostgresRefuses : public testing::TestWithParam<Refused> {};

TEST_P(PostgresRefuses, WhatNoTypeHolds) {
  PostgresStep step(postgres_extractor());
  step.configure({{"query", std::string("SELECT v FROM (VALUES (NULL), (") + GetParam().value + ")) AS one(v)"},
                  {"numeric", "decimal(10,2)"}});
  const Error error = step.error();
  EXPECT_NE(error.message.find("column 'v', row 2"), std::string::npos) << error.message;
  EXPECT_NE(error.message.find(GetParam().says), std::string::npos) << error.message;
  EXPECT_EQ(error.category, "extract.schema_mismatch");
  EXPECT_FALSE(step.has_output_table());
}

INSTANTIATE_TEST_SUITE_P(Values, PostgresRefuses,
                         testing::Values(Refused{"NaN", "'NaN'::numeric(10,2)", "NaN or infinite"},
                                         Refused{"Infinity", "'-Infinity'::numeric", "NaN or infinite"},
                                         Refused{"TooManyDigits", "1.234::numeric", "does not fit DECIMAL(10,2)"},
                                         Refused{"TooLarge", "1e10::numeric", "does not fit DECIMAL(10,2)"},
                                         Refused{"LateTimestamp", "'294276-12-31'::timestamp", "beyond those"},
                                         Refused{"EmptyBits", "''::varbit", "empty"},
                                         Refused{"TwoDimensions", "'{{1},{2}}'::int[]", "2 dimensions"},
                                         Refused{"OtherFirstIndex", "'[0:1]={1,2}'::int[]", "begins at index 0"}),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace osiris::worker::test
