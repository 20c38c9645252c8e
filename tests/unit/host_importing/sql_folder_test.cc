#include "host/importing/sql_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace osiris {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::vector<Json> steps(const Imported& imported) { return imported.pipelines.at(0).document["steps"].items(); }

TEST(SqlFolder, IsAStepForEachFileBehindThoseItReads) {
  const auto imported = import_sql_folder(
      "models", {{"a_report", "{{ config(materialized='table') }}\nSELECT * FROM {{ ref('orders_clean') }};"},
                 {"orders_clean", "SELECT id FROM raw.orders WHERE id IS NOT NULL"}});
  ASSERT_TRUE(imported.ok()) << imported.error().message;
  const auto all = steps(*imported);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0]["component"].as_string(), "filesystem.csv_extractor");
  EXPECT_EQ(all[1]["config"]["query"].as_string(), "SELECT id FROM df_read_orders WHERE id IS NOT NULL\n");
  EXPECT_EQ(all[1]["needs"].dump(), R"(["read-orders"])");
  EXPECT_THAT(all[2]["config"]["query"].as_string(), HasSubstr("FROM df_orders_clean\n"));
  EXPECT_EQ(all[3]["config"]["path"].as_string(), "output/a_report.csv");
  EXPECT_THAT(testing::PrintToString(imported->left), HasSubstr("let it read the table 'orders'"));
}

TEST(SqlFolder, LeavesNamesOfItsOwnQueriesAlone) {
  const auto imported = import_sql_folder(
      "m", {{"a", "WITH recent AS (SELECT * FROM base) SELECT * FROM recent JOIN unnest([1]) USING (x)"},
            {"base", "SELECT 1 AS x"}});
  ASSERT_TRUE(imported.ok());
  EXPECT_EQ(steps(*imported)[1]["config"]["query"].as_string(),
            "WITH recent AS (SELECT * FROM df_base) SELECT * FROM recent JOIN unnest([1]) USING (x)\n");
}

TEST(SqlFolder, SaysWhatItCannotTakeOver) {
  const auto imported = import_sql_folder("m", {{"a", "SELECT {{ var('x') }} {% if y %} AS z {% endif %}"}});
  ASSERT_TRUE(imported.ok());
  EXPECT_THAT(testing::PrintToString(imported->left), HasSubstr("a.sql: has Jinja"));
}

TEST(SqlFolder, InACircleOrWithoutFilesIsRefused) {
  EXPECT_THAT(import_sql_folder("m", {{"a", "SELECT * FROM b"}, {"b", "SELECT * FROM a"}}).error().message,
              HasSubstr("a.sql, b.sql"));
  EXPECT_THAT(import_sql_folder("m", {}).error().message, HasSubstr(".sql"));
}

TEST(SqlFolder, ReadsTextsOfAnyKind) {
  for (const std::string& sql :
       {std::string("\0\xff", 2), std::string(100'000, '('), std::string(300'000, 'x'), std::string("FROM"),
        std::string("select * from x.y.z join ("), std::string("{{ ref('") + std::string(5'000, '\'')})
    EXPECT_TRUE(import_sql_folder("m", {{"a", sql}}).ok());
}

}  // namespace
}  // namespace osiris
