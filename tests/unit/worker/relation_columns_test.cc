// What goes with the columns of a relation from step to step: comments, and having no type.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>

#include "worker/database/database.h"
#include "worker/driver_api/parquet_scans.h"

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

  // What the statements make of "{t}", as a relation.
  std::shared_ptr<const Relation> made(const std::vector<std::string>& statements) {
    StepDatabase maker(database_, "made", {});
    const std::string table = maker.output_table().quoted();
    for (std::string statement : statements) {
      statement.replace(statement.find("{t}"), 3, table);
      const Status status = Connection(maker.open_another()).execute(statement);
      EXPECT_TRUE(status.ok()) << statement;
    }
    return *maker.take_output();
  }
  // The relation as another worker has it.
  std::shared_ptr<const Relation> sent(const Relation& relation) {
    const auto file = directory_ / "r.parquet";
    const Status written = database_->export_parquet(relation, file);
    EXPECT_TRUE(written.ok());
    const auto back = database_->import_parquet(file, "df_made");
    EXPECT_TRUE(back.ok()) << (back.ok() ? "" : back.error().message);
    return back.ok() ? *back : nullptr;
  }
  std::string described(const Relation& relation) {
    const auto connection = database_->connect();
    auto columns =
        sql::run_query((*connection)->handle(),
                       "SELECT string_agg(column_name || ' ' || data_type || ' ' || coalesce(comment, '-'), ', ' ORDER "
                       "BY column_index) FROM duckdb_columns() WHERE database_name = '" +
                           relation.name().catalog + "' AND table_name = 'df_made'");
    return columns.ok() ? columns->text() : columns.error().message;
  }

  std::filesystem::path directory_;
  std::shared_ptr<Database> database_;
};

TEST_F(RelationColumns, CommentsGoWithARelationToAnotherWorker) {
  const auto relation = made({"CREATE TABLE {t} AS SELECT 1 AS a, 5::HUGEINT AS \"b c\", now() AS d",
                              "COMMENT ON COLUMN {t}.\"b c\" IS 'it''s noted'",
                              "COMMENT ON COLUMN {t}.d IS 'utc offset in minutes: 330'"});
  const auto back = sent(*relation);
  ASSERT_TRUE(back);
  EXPECT_EQ(described(*back),
            "a INTEGER -, b c HUGEINT it's noted, d TIMESTAMP WITH TIME ZONE utc offset in minutes: 330");
}

// More columns than one scan reads, more rows than the file has in a group.
TEST_F(RelationColumns, WideRowsStayRows) {
  std::string list;
  for (int i = 0; i < 600; ++i) {
    const std::string number = std::to_string(i);
    list += (i ? ", " : "") + ("((r + " + number + ") % 100)::" + (i % 500 ? "TINYINT" : "HUGEINT") + " AS c" + number);
  }
  const auto back = sent(*made({"CREATE TABLE {t} AS SELECT " + list + " FROM range(130000) t(r)"}));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->rows(), 130'000u);
  const auto connection = database_->connect();
  std::string same;
  for (const char* i : {"0", "1", "499", "500", "501", "599"})
    same += std::string(same.empty() ? "" : " AND ") + "c" + i + " = (rowid + " + i + ") % 100";
  auto checked = sql::run_query((*connection)->handle(),
                                "SELECT bool_and(" + same + ") || ' ' || count(*) FROM " + back->qualified_name());
  ASSERT_TRUE(checked.ok()) << checked.error().message;
  EXPECT_EQ(checked->text(), "true 130000");
}

// To find the values of a dictionary takes longer than all the rest.
TEST_F(RelationColumns, OnlyAColumnOfFewValuesTravelsWithADictionary) {
  ASSERT_TRUE(sent(*made({"CREATE TABLE {t} AS SELECT r % 100 AS few, r % 10000 AS many FROM range(40000) t(r)"})));
  const auto connection = database_->connect();
  auto found = sql::run_query((*connection)->handle(),
                              "SELECT string_agg(path_in_schema || ' ' || (dictionary_page_offset IS NOT NULL), ', ' "
                              "ORDER BY column_id) FROM parquet_metadata('" +
                                  (directory_ / "r.parquet").string() + "')");
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->text(), "few true, many false");
}

// For each column that it reads the engine looks at all that it reads.
TEST(ParquetScans, ReadSoManyColumnsAndNoMore) {
  for (const auto& [columns, scans] : {std::pair<size_t, size_t>{1, 1}, {500, 1}, {501, 2}, {10'000, 20}}) {
    const std::vector<FileColumn> all(
        columns, FileColumn{"c", ColumnType::plain(DUCKDB_TYPE_INTEGER), ColumnType::plain(DUCKDB_TYPE_INTEGER), ""});
    const std::string text = select_in_scans(all, "rows", FileReader::kWorker);
    size_t found = 0;
    for (size_t at = text.find(" FROM rows)"); at != std::string::npos; at = text.find(" FROM rows)", at + 1)) ++found;
    EXPECT_EQ(found, scans) << columns;
    EXPECT_EQ(std::count(text.begin(), text.end(), '"'), static_cast<std::ptrdiff_t>(2 * columns));
  }
}

TEST_F(RelationColumns, ColumnsOfNoTypeGoToAnotherWorkerAsSuch) {
  const auto back = sent(*made({"CREATE TABLE {t} (x \"NULL\", n INTEGER, h HUGEINT)"}));
  ASSERT_TRUE(back);
  EXPECT_EQ(described(*back), "x \"NULL\" -, n INTEGER -, h HUGEINT -");
  EXPECT_EQ(back->rows(), 0u);
}

TEST_F(RelationColumns, AColumnOfNoTypeThatHasRowsIsTextAtAnotherWorker) {
  const auto back = sent(*made({"CREATE TABLE {t} (x \"NULL\", n INTEGER)", "INSERT INTO {t} VALUES (NULL, 1)"}));
  ASSERT_TRUE(back);
  EXPECT_EQ(described(*back), "x VARCHAR -, n INTEGER -");
  EXPECT_EQ(back->rows(), 1u);
}

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
