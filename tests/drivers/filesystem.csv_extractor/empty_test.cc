// A day without rows runs through the SQL that was written for the other days: a query that takes a column of numbers,
// booleans or text takes the column of a file that is only a header.
#include "tests/drivers/filesystem.csv_extractor/extract.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker::test {
namespace {

class CsvWithoutRows : public testing::TestWithParam<const char*> {};

TEST_P(CsvWithoutRows, FitsThisSql) {
  StepHarness step("read");
  step.write_file("in.csv", "x,y\n");
  step.set_config({{"path", "in.csv"}});
  ASSERT_EQ(run_extract(step).error, "");
  // As the next step sees it.
  ASSERT_TRUE(sql::execute(step.connection_handle(),
                           "CREATE TEMPORARY VIEW df_read AS SELECT * FROM " + step.output_table().quoted())
                  .ok());
  const auto result = sql::run_query(step.connection_handle(), GetParam());
  EXPECT_TRUE(result.ok()) << result.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Numbers, CsvWithoutRows,
    testing::Values("SELECT sum(x), avg(x), min(x), max(x) FROM df_read", "SELECT round(sum(x * y), 2) FROM df_read",
                    "SELECT x * 2, x + 1, -x, x / 2, x % 2, abs(x) FROM df_read",
                    "SELECT * FROM df_read WHERE x > 100 AND y BETWEEN 1 AND 5", "SELECT coalesce(x, 0) FROM df_read",
                    "SELECT sum(coalesce(x, 0)) FROM df_read", "SELECT greatest(x, 0), nullif(y, 0) FROM df_read",
                    "SELECT x::INTEGER, y::DECIMAL(10, 2) FROM df_read", "SELECT * FROM df_read WHERE x IN (1, 2)",
                    "SELECT sum(x * 2) / sum(y) FROM df_read", "SELECT sum(x) OVER (ORDER BY y) FROM df_read",
                    "SELECT median(x), quantile_cont(y, 0.5) FROM df_read",
                    "SELECT CASE WHEN x > 1 THEN 'high' ELSE 'low' END FROM df_read",
                    "SELECT make_date(x, 1, 1) FROM df_read", "SELECT x IN (SELECT 1) FROM df_read"));
INSTANTIATE_TEST_SUITE_P(
    Text, CsvWithoutRows,
    testing::Values("SELECT lower(x), upper(y), trim(x), length(y) FROM df_read", "SELECT x || '-' || y FROM df_read",
                    "SELECT * FROM df_read WHERE x LIKE 'a%' AND y = 'open'", "SELECT * FROM df_read WHERE x <> ''",
                    "SELECT substr(x, 1, 3), left(y, 2), replace(x, 'a', 'b') FROM df_read",
                    "SELECT regexp_matches(x, 'a'), split_part(y, ',', 1) FROM df_read",
                    "SELECT string_agg(x, ',') FROM df_read", "SELECT x IN ('a', 'b') FROM df_read",
                    "SELECT x::DATE, strptime(y, '%Y-%m-%d') FROM df_read", "SELECT x->>'$.a' FROM df_read",
                    "SELECT date_trunc('month', x::DATE), strftime(y::DATE, '%Y') FROM df_read",
                    "SELECT * FROM df_read WHERE x >= '2025-01-01' AND y::DATE >= DATE '2025-01-01'",
                    "SELECT sum(CASE WHEN x = 'a' THEN 1 ELSE 0 END) FROM df_read",
                    "SELECT x IN (SELECT 'a') FROM df_read"));
INSTANTIATE_TEST_SUITE_P(Booleans, CsvWithoutRows,
                         testing::Values("SELECT * FROM df_read WHERE x AND NOT y",
                                         "SELECT bool_or(x), count(*) FILTER (WHERE y) FROM df_read",
                                         "SELECT CASE WHEN x THEN 1 ELSE 0 END FROM df_read"));
INSTANTIATE_TEST_SUITE_P(
    Relations, CsvWithoutRows,
    testing::Values("SELECT x, count(*) FROM df_read GROUP BY x ORDER BY x",
                    "SELECT * FROM df_read JOIN (SELECT 1 AS k) u ON df_read.x = u.k",
                    "SELECT * FROM df_read JOIN (SELECT 'a' AS x) u USING (x)",
                    "SELECT x FROM df_read UNION ALL SELECT 1", "SELECT x FROM df_read UNION ALL SELECT 'a'",
                    "SELECT x FROM df_read UNION ALL SELECT DATE '2025-01-01'", "SELECT count(DISTINCT x) FROM df_read",
                    "SELECT list(x), first(y) FROM df_read",
                    "SELECT row_number() OVER (ORDER BY x), lag(y) OVER (ORDER BY x) FROM df_read"));

TEST(CsvWithoutAnyRow, ADeclaredTypeWins) {
  const Json types = Json::object({{"n", "int32"}, {"s", "str"}, {"d", "datetime64"}, {"i", "datetime64[ns, UTC]"}});
  const Json config = Json::object({{"dtype", types}, {"parse_dates", Json::array({"e"})}});
  EXPECT_EQ(extract("n,s,d,i,e,free\n", config).columns,
            "n INTEGER, s VARCHAR, d TIMESTAMP, i TIMESTAMP WITH TIME ZONE, e TIMESTAMP, free \"NULL\"");
}

TEST(CsvWithoutAnyRow, AFileOfNoBytesHasTheColumnsThatTheStepNames) {
  const Json types = Json::object({{"n", "int32"}});
  EXPECT_EQ(extract("", Json::object({{"dtype", types}, {"parse_dates", Json::array({"e"})}})).columns,
            "n INTEGER, e TIMESTAMP");
  EXPECT_EQ(extract("", Json::object({{"columns", Json::array({"a"})}, {"dtype", types}})).columns, "a \"NULL\"");
}

}  // namespace
}  // namespace osiris::worker::test
