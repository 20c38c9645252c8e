// Which rows, from which file; files that are none; statements that are refused.
#include <sys/stat.h>
#include <unistd.h>

#include "tests/drivers/sqlite.extractor/database.h"
#include "tests/support/small_disk.h"

namespace osiris::worker::test {
namespace {

constexpr char kOrders[] =
    "CREATE TABLE orders (id INTEGER, customer TEXT, total REAL);"
    "INSERT INTO orders VALUES (1, 'Ann', 1.5), (2, 'Bob', 2.5), (3, 'Ann', 3.0)";

TEST(SqliteReading, ATableColumnsAndALimit) {
  StepHarness step;
  sqlite(step, kOrders);
  EXPECT_EQ(
      extract(step, Json::object({{"table", "ORDERS"}, {"columns", Json::array({"total", "id"})}, {"limit", 2}})).rows,
      "1.5|1\n2.5|2\n");
}

TEST(SqliteReading, AQueryAndAView) {
  StepHarness step;
  sqlite(step,
         std::string(kOrders) + "; CREATE VIEW sums AS SELECT customer, sum(total) AS total FROM orders GROUP BY 1");
  EXPECT_EQ(query(step, "SELECT customer, count(*) AS n FROM orders GROUP BY 1 ORDER BY 1 -- all").rows,
            "Ann|2\nBob|1\n");
  step.sql("DROP TABLE " + step.output_table().quoted());
  EXPECT_EQ(table(step, "sums").rows, "Ann|4.5\nBob|2.5\n");
}

TEST(SqliteReading, ANameThatNeedsQuotes) {
  StepHarness step;
  sqlite(step, "CREATE TABLE \"a \"\"b'c\" (\"x y\" INT); INSERT INTO \"a \"\"b'c\" VALUES (7)");
  EXPECT_EQ(extract(step, Json::object({{"table", "a \"b'c"}, {"columns", Json::array({"x y"})}})).rows, "7\n");
}

TEST(SqliteReading, WhatIsNotThereIsNamedWithTheNearest) {
  StepHarness step;
  sqlite(step, kOrders);
  EXPECT_EQ(table(step, "order").error, "in.db has no table 'order'");
  EXPECT_EQ(table(step, "order").hint, "did you mean 'orders'?");
  EXPECT_EQ(extract(step, Json::object({{"table", "orders"}, {"columns", Json::array({"totl"})}})).hint,
            "did you mean 'total'?");
  EXPECT_NE(query(step, "SELECT \"nmae\" FROM orders").error.find("no such column"), std::string::npos)
      << "a name in double quotes is no text";
}

TEST(SqliteReading, OnlyOneStatementThatReadsIsRun) {
  StepHarness step;
  sqlite(step, kOrders);
  const std::pair<const char*, const char*> rows[] = {{"DELETE FROM orders", "the query writes"},
                                                      {"SELECT 1; SELECT 2", "more than one statement"},
                                                      {"  ", "the query is empty"},
                                                      {"SELEC 1", "syntax error"},
                                                      {"ATTACH 'other.db' AS o", "not authorized"},
                                                      {"SELECT * FROM orders WHERE id = ?", "has parameters"},
                                                      {"DELETE FROM orders RETURNING id", "the query writes"}};
  for (const auto& [sql, error] : rows)
    EXPECT_NE(query(step, sql).error.find(error), std::string::npos) << sql << ": " << query(step, sql).error;
  EXPECT_EQ(query(step, "SELECT count(*) FROM orders").rows, "3\n");
}

TEST(SqliteReading, FilesThatAreNoneAreNamed) {
  StepHarness step("read");
  EXPECT_NE(table(step, "t").error.find("SQLite file not found"), std::string::npos);
  step.write_file("in.db", "id,name\n1,x\n" + std::string(2000, 'x'));
  EXPECT_NE(table(step, "t").error.find("in.db: cannot be opened: file is not a database"), std::string::npos);
  step.write_file("in.db", "");
  EXPECT_EQ(table(step, "t").hint, "it has no tables");
  sqlite(step, kOrders, "whole.db");
  step.write_file("in.db", step.read_file("whole.db").substr(0, 5000));
  EXPECT_NE(table(step, "orders").error.find("in.db is cut short: 5000 bytes are no whole pages of 4096"),
            std::string::npos);
  step.write_file("in.db", step.read_file("whole.db").substr(0, 4096));
  EXPECT_NE(table(step, "orders").error.find("in.db is cut short: it has 1 pages of 2"), std::string::npos);
  step.write_file("in.db", step.read_file("whole.db").substr(0, 50));
  EXPECT_NE(table(step, "orders").error, "");
}

TEST(SqliteReading, WhatIsInTheWriteAheadLogIsReadAndNothingIsWritten) {
  StepHarness step;
  sqlite3* writer = nullptr;
  ASSERT_EQ(sqlite3_open((step.work_dir() / "in.db").c_str(), &writer), SQLITE_OK);
  sqlite3_exec(writer, "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr);
  ASSERT_EQ(sqlite3_exec(writer, kOrders, nullptr, nullptr, nullptr), SQLITE_OK);
  const std::string before = step.read_file("in.db");
  EXPECT_EQ(query(step, "SELECT count(*) FROM orders").rows, "3\n");
  EXPECT_EQ(step.read_file("in.db"), before);
  sqlite3_close(writer);
}

TEST(SqliteReading, ALogThatTravelledToAnotherDirectoryIsRead) {
  StepHarness step;
  sqlite3* writer = nullptr;
  ASSERT_EQ(sqlite3_open((step.work_dir() / "live.db").c_str(), &writer), SQLITE_OK);
  sqlite3_exec(writer, "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr);
  ASSERT_EQ(sqlite3_exec(writer, kOrders, nullptr, nullptr, nullptr), SQLITE_OK);
  step.write_file("1/in.db", step.read_file("live.db"));
  step.write_file("2/in.db-wal", step.read_file("live.db-wal"));
  sqlite3_close(writer);
  step.plan_path("in.db", "1/in.db");
  step.plan_path("in.db-wal", "2/in.db-wal");
  // Both are put together in the scratch directory, which goes with the attempt.
  step.set_config({{"path", "in.db"}, {"query", "SELECT count(*) FROM orders"}});
  ASSERT_TRUE(step.run(sqlite_extractor()).ok());
  EXPECT_EQ(step.query("SELECT * FROM {out}"), "3\n");
  EXPECT_EQ(step.files_in("1"), std::vector<std::string>{"in.db"});
}

TEST(SqliteReading, AFullDiskBelowTheScratchDirectoryIsCalledOne) {
  StepHarness step;
  const osiris::test::SmallDisk disk(step.scratch_dir(), "64k");
  OSIRIS_NEEDS_DISK(disk);
  sqlite(step, "CREATE TABLE big(a); INSERT INTO big VALUES (randomblob(300000))");
  step.write_file("2/in.db-wal", "a log");
  step.plan_path("in.db", "in.db");
  step.plan_path("in.db-wal", "2/in.db-wal");
  step.set_config({{"path", "in.db"}, {"query", "SELECT count(*) FROM big"}});
  const auto outcome = step.run(sqlite_extractor());
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().category, "write.disk_full") << outcome.error().message;
  EXPECT_NE(outcome.error().message.find("No space left on device"), std::string::npos) << outcome.error().message;
}

TEST(SqliteReading, ALockedFileIsAClearError) {
  StepHarness step;
  sqlite(step, kOrders);
  sqlite3* writer = nullptr;
  ASSERT_EQ(sqlite3_open((step.work_dir() / "in.db").c_str(), &writer), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(writer, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  const Extracted got = table(step, "orders");
  EXPECT_NE(got.error.find("database is locked"), std::string::npos) << got.error;
  sqlite3_close(writer);
}

TEST(SqliteReading, KeysThatContradictEachOtherAreErrors) {
  StepHarness step;
  sqlite(step, kOrders);
  EXPECT_NE(extract(step, Json::object({{"table", "orders"}, {"query", "SELECT 1"}})).error.find("exclude each other"),
            std::string::npos);
  EXPECT_NE(extract(step, Json::object({})).error.find("'table' or 'query' is required"), std::string::npos);
  EXPECT_NE(extract(step, Json::object({{"query", "SELECT 1"}, {"columns", Json::array({"a"})}}))
                .error.find("'columns' belongs to 'table'"),
            std::string::npos);
}

}  // namespace
}  // namespace osiris::worker::test
