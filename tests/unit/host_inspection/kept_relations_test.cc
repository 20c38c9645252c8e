// Which rows of a run are relations of `osiris sql`, and which of them a query is given.
#include "host/inspection/kept_relations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace osiris {
namespace {

using testing::ElementsAre;

KeptRelation kept(const std::string& step_id, const std::string& name) {
  KeptEntry entry;
  entry.file = "/cache/" + step_id + ".parquet";
  return {step_id, name, entry, {}, {}};
}

TEST(KeptRelations, AreGivenToTheQueryThatNamesThem) {
  KeptRelations relations;
  relations.there = {kept("a", "df_a"), kept("ab", "df_ab"), kept("c", "df_c")};
  const auto given = [&](const char* sql) {
    LookPlan plan;
    return *add_relations(relations, sql, plan);
  };
  EXPECT_THAT(given("SELECT * FROM df_ab"), ElementsAre("ab"));
  EXPECT_THAT(given("SELECT * FROM DF_A JOIN \"df_c\""), ElementsAre("a", "c"));
  EXPECT_THAT(given("SELECT 1"), ElementsAre("a", "ab", "c"));
  EXPECT_THAT(given("SELECT * FROM xdf_a"), ElementsAre("a", "ab", "c"));
}

TEST(KeptRelations, AreListedAsRows) {
  for (const char* asks : {"SHOW TABLES", " show\n tables ; ", "SHOW ALL TABLES;", "describe"})
    EXPECT_TRUE(asks_for_relations(asks)) << asks;
  for (const char* not_so : {"SHOW df_a", "SHOW TABLES; SELECT 1", "SELECT 'show tables'", ""})
    EXPECT_FALSE(asks_for_relations(not_so)) << not_so;
  KeptRelations relations;
  relations.there = {kept("it's", "df_it_s"), {"save", "df_save", std::nullopt, {}, {}}};
  relations.there[0].entry->rows_out = 3;
  EXPECT_EQ(
      list_of(relations),
      "SELECT * FROM (VALUES ('df_it_s', 'it''s', 3), ('df_save', 'save', NULL)) relations(relation, step, rows)");
}

TEST(KeptRelations, OfOneNameGoTogether) {
  KeptRelations relations;
  relations.there = {kept("a-b", "df_a_b_1f2e3d4c"), kept("A_b", "df_A_b_5b6a7988"), kept("c", "df_c")};
  LookPlan plan;
  EXPECT_THAT(*add_relations(relations, "FROM df_a_b_1f2e3d4c", plan), ElementsAre("a-b", "A_b"));
}

TEST(KeptRelations, AreNotReadFromAFileThatIsGone) {
  KeptRelations relations;
  relations.there = {{"save", "df_save", std::nullopt, {"out.csv", "/nowhere/out.csv", 1, "", "save"}, {}}};
  LookPlan plan;
  const auto given = add_relations(relations, "FROM df_save", plan);
  ASSERT_FALSE(given.ok());
  EXPECT_EQ(given.error().message, "out.csv: the file is not there any more");
}

}  // namespace
}  // namespace osiris
