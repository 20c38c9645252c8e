// SQL whose rows do not follow from its inputs alone, and the engine's own word on which functions those are.
#include "host/cache/volatile_sql.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/base/temporary_directory.h"
#include "worker/database/database.h"

namespace osiris {
namespace {

TEST(VolatileSql, IsFoundWhereverItIsCode) {
  for (const char* sql :
       {"SELECT now()", "SELECT NOW ( )", "SELECT \"now\"()", "SELECT now/**/()", "SELECT now--\n()",
        "SELECT 1 + random() FROM t", "SELECT current_date", "SELECT CURRENT_TIMESTAMP::DATE", "SELECT uuid()",
        "SELECT * FROM t USING SAMPLE 10%", "SELECT * FROM t TABLESAMPLE reservoir(3)", "SELECT age(day) FROM t",
        "SELECT day.age() FROM t", "SELECT * FROM duckdb_settings()", "SELECT * FROM query('SELECT random()')",
        "SELECT nextval('s')", "SELECT list_transform(l, x -> random()) FROM t",
        "WITH a AS (SELECT today() AS d) SELECT * FROM a", "SELECT * FROM information_schema.tables"})
    EXPECT_NE(volatile_name_in(sql), "") << sql;
}

TEST(VolatileSql, IsNotFoundInTextsCommentsAndOtherNames) {
  for (const char* sql : {"SELECT 'now()' AS a", "SELECT 1 -- now()\n", "SELECT /* random() */ 1", "SELECT $$uuid()$$",
                          "SELECT snow(), nowhere() FROM t", "SELECT age, version, now FROM t", "SELECT random_seed(1)",
                          "SELECT a.current_dates FROM t a", "SELECT sum(x) FROM t GROUP BY ALL ORDER BY 1"})
    EXPECT_EQ(volatile_name_in(sql), "") << sql;
}

TEST(VolatileSql, NamesEveryFunctionOfTheEngineThatIs) {
  const TemporaryDirectory directory = *TemporaryDirectory::make();
  const auto database = std::make_shared<worker::Database>(worker::DatabaseOptions{0, 1, directory.path() / "spill"});
  const auto connection = database->connect();
  ASSERT_TRUE(connection.ok());
  std::string known;
  for (const std::string_view name : volatile_functions())
    known += (known.empty() ? "'" : ", '") + std::string(name) + "'";
  duckdb_result result;
  const std::string query =
      "SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE internal AND ((function_type = 'scalar' AND "
      "stability <> 'CONSISTENT') OR (function_type = 'macro' AND list_has_any(regexp_extract_all("
      "lower(macro_definition), '[a-z_0-9]+'), [" +
      known + "])))";
  ASSERT_EQ(duckdb_query((*connection)->handle(), query.c_str(), &result), DuckDBSuccess)
      << duckdb_result_error(&result);
  for (idx_t row = 0; row < duckdb_row_count(&result); ++row) {
    char* name = duckdb_value_varchar(&result, 0, row);
    if (std::string_view(name) != "error") {  // which gives no rows that could be kept
      EXPECT_NE(volatile_name_in("SELECT " + std::string(name) + "()"), "") << name;
    }
    duckdb_free(name);
  }
  duckdb_destroy_result(&result);
  EXPECT_TRUE(std::is_sorted(volatile_functions().begin(), volatile_functions().end()));
}

}  // namespace
}  // namespace osiris
