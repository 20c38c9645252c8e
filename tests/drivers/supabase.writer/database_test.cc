// On a connection that leads to the database everything is postgres.writer's: one transaction, tables that are made.
#include "tests/drivers/supabase.writer/writing.h"

namespace osiris::worker::test {
namespace {

constexpr auto kDatabase = SupabaseStep::Way::kDatabase;

TEST(SupabaseDatabaseWrite, MakesTheTable) {
  in_shop("DROP TABLE IF EXISTS made");
  EXPECT_EQ(Write("SELECT 1::BIGINT AS id, 2.5::DECIMAL(8,3) AS kwh",
                  {{"table", "made"}, {"primary_key", "id"}, {"create_if_missing", true}}, kDatabase)
                .outcome(),
            "ok 1");
  EXPECT_EQ(ask_shop("SELECT * FROM made"), "1|2.500\n");
  EXPECT_TRUE(shop_api().requests().empty());
}

TEST(SupabaseDatabaseWrite, ShowsTheStatementWhereItMayNot) {
  in_shop("DROP TABLE IF EXISTS unmade");
  const std::string said =
      Write("SELECT 1::BIGINT AS id", {{"table", "unmade"}, {"create_if_missing", false}}, kDatabase).outcome();
  EXPECT_NE(said.find("CREATE TABLE \"public\".\"unmade\" (\"id\" bigint)"), std::string::npos) << said;
}

TEST(SupabaseDatabaseWrite, LeavesTheTableAsItWasWhenItFails) {
  in_shop(
      "DROP TABLE IF EXISTS whole; CREATE TABLE whole (id int PRIMARY KEY CHECK (id < 5000)); INSERT INTO whole VALUES "
      "(-1)");
  for (const char* mode : {"append", "replace", "upsert"}) {
    const std::string said = Write("SELECT i::INTEGER AS id FROM range(10000) t(i)",
                                   {{"table", "whole"}, {"write_mode", mode}, {"primary_key", "id"}}, kDatabase)
                                 .outcome();
    EXPECT_NE(said.find("violates check constraint"), std::string::npos) << said;
    EXPECT_EQ(ask_shop("SELECT * FROM whole"), "-1\n") << mode;
  }
}

TEST(SupabaseDatabaseWrite, IsInTheConnectionsSchema) {
  ASSERT_TRUE(plain_postgres()
                  .execute("DROP SCHEMA IF EXISTS lake CASCADE; CREATE SCHEMA lake AUTHORIZATION app", "shop")
                  .ok());
  Write step("SELECT 1 AS id", {{"table", "there"}}, kDatabase);
  Json fields = dsn_fields();
  fields.set("schema", "lake");
  step.set_connection("supabase", "shop", fields);
  EXPECT_EQ(step.outcome(), "ok 1");
  EXPECT_EQ(ask_shop("SELECT * FROM lake.there"), "1\n");
}

}  // namespace
}  // namespace osiris::worker::test
