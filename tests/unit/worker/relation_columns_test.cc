// What goes with the columns of a relation from step to step: comments, and having no type.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "worker/database/database.h"

namespace osiris::worker {
namespace {

class RelationColumns : public testing::Test {
 protected:
  RelationColumns() {
    std::string pattern = std::filesystem::temp_directory_path() / "osiris-columns-XXXXXX";
    directory_ = mkdtemp(pattern.data());
    database_ = std::make_shared<Database>(DatabaseOptions{0, 1, directory_ / "spill"});
  }
  ~RelationColumns() override {
    database_.reset();
    std::filesystem::remove_all(directory_);
  }

  std::filesystem::path directory_;
  std::shared_ptr<Database> database_;
};

TEST_F(RelationColumns, CommentsOnColumnsGoWithARelationToItsReaders) {
  StepDatabase maker(database_, "made", {});
  const std::string table = maker.output_table().quoted();
  for (const std::string& statement : {"CREATE TABLE " + table + " AS SELECT 1 AS a, 2 AS \"b c\"",
                                       "COMMENT ON COLUMN " + table + ".\"b c\" IS 'it''s noted'"})
    ASSERT_TRUE(Connection(maker.open_another()).execute(statement).ok());
  const auto relation = maker.take_output();
  ASSERT_TRUE(relation.ok());
  StepDatabase reader(database_, "reader", {{{"df_made", "input_df"}, *relation}});
  for (const char* view : {"df_made", "input_df"}) {
    auto comments = sql::run_query(reader.handle(),
                                   "SELECT column_name || ': ' || comment FROM duckdb_columns() WHERE "
                                   "comment IS NOT NULL AND table_name = '" +
                                       std::string(view) + "'");
    ASSERT_TRUE(comments.ok());
    EXPECT_EQ(comments->text(), "b c: it's noted");
  }
}

TEST_F(RelationColumns, ColumnsOfNoTypeStaySoWhileThereAreNoRows) {
  StepDatabase maker(database_, "made", {});
  ASSERT_TRUE(Connection(maker.open_another())
                  .execute("CREATE TABLE " + maker.output_table().quoted() + " (x \"NULL\", y \"NULL\", n INTEGER)")
                  .ok());
  auto relation = maker.take_output();
  ASSERT_TRUE(relation.ok());
  for (int step = 0; step < 3; ++step) {
    StepDatabase database(database_, "next", {{{"df_made"}, *relation}});
    const auto rows = database.run_confined(
        "SELECT x, y AS z, y, sum(n) AS n FROM df_made WHERE x LIKE 'a%' OR x * 2 > 1 GROUP BY ALL");
    ASSERT_TRUE(rows.ok()) << rows.error().message;
    EXPECT_EQ(*rows, 0u);
    relation = database.take_output();
    ASSERT_TRUE(relation.ok());
  }
  StepDatabase last(database_, "last", {{{"df_made"}, *relation}});
  EXPECT_TRUE(last.run_confined(
                      "CREATE TABLE t AS SELECT 1 AS n; SELECT lower(x), y + 1, z || 'a', made.n FROM df_made made, t")
                  .ok());
}

}  // namespace
}  // namespace osiris::worker
