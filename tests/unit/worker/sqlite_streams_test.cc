// SQLite files that are read by the statement of another step, beside the same steps that store them.
#include <gmock/gmock.h>
#include <sqlite3.h>

#include "tests/unit/worker/counting_reader.h"
#include "tests/unit/worker/streams_fixture.h"
#include "worker/drivers/duckdb.processor/driver.h"
#include "worker/drivers/filesystem.csv_writer/driver.h"
#include "worker/drivers/sqlite.extractor/driver.h"

namespace osiris::worker {
namespace {

using ::testing::HasSubstr;

class SqliteStreams : public StreamsFixture {
 protected:
  SqliteStreams()
      : StreamsFixture({&sqlite_extractor(), &duckdb_processor(), &filesystem_csv_writer(), &counting_reader()}) {}

  void clear() override { std::filesystem::remove(directory_ / "work/out.csv"); }
  std::string written() override {
    const auto file = read_file(directory_ / "work/out.csv");
    return file.ok() ? *file : "<none>";
  }

  void sqlite(const std::string& sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open((directory_ / "work/in.db").c_str(), &database), SQLITE_OK);
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, &error), SQLITE_OK) << (error ? error : "");
    sqlite3_free(error);
    sqlite3_close(database);
  }
  // t: 50,000 rows; `word` is the SQL of its text, `price` has the type of its values.
  void fill(const std::string& word = "'word ' || x") {
    sqlite(
        "CREATE TABLE t (id INTEGER, word TEXT, price, part REAL, bytes BLOB, is_odd BOOLEAN);"
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 50000) INSERT INTO t SELECT x, " +
        word + ", CASE x % 5 WHEN 0 THEN NULL WHEN 1 THEN x ELSE x / 2.0 END, x / 3.0, x'00ff', x % 2 FROM c");
  }
  static Json read_step(Json more = Json::object({{"table", "t"}})) {
    more.set("path", "in.db");
    return with_mode(step("read", "sqlite.extractor", {}, std::move(more)), "extract");
  }
  static Json write_step(const std::string& from) {
    return with_mode(step("write", "filesystem.csv_writer", {from}, Json::object({{"path", "out.csv"}})), "write");
  }
  static Json counting_step() { return with_mode(step("write", "counting.reader", {"read"}), "write"); }
};

TEST_F(SqliteStreams, ATableIsReadByAWriterAndByAQuery) {
  fill();
  EXPECT_TRUE(run_both({read_step(), write_step("read")}, true).errors.empty());
  EXPECT_TRUE(
      run_both({read_step(), query_step("SELECT id, price FROM df_read WHERE is_odd"), write_step("query")}, true)
          .errors.empty());
  EXPECT_TRUE(
      run_both({read_step(Json::object({{"query", "SELECT *, id * 2 FROM t"}, {"limit", 12345}})), write_step("read")},
               true)
          .errors.empty());
}

TEST_F(SqliteStreams, AnEmptyTableIsAStreamToo) {
  sqlite("CREATE TABLE t (id INTEGER, word)");
  EXPECT_EQ(run_both({read_step(), write_step("read")}, true).written, "id,word\n");
}

TEST_F(SqliteStreams, WhatIsReadOnceIsNotCopied) {
  fill();
  EXPECT_TRUE(run({read_step(), counting_step()}).errors.empty());
  EXPECT_EQ(counted.copies, 0u);
  EXPECT_EQ(counted.rows, 50000u);
  Json stored = read_step();
  stored.set("materialize", true);
  EXPECT_TRUE(run({stored, counting_step()}).errors.empty());
  EXPECT_EQ(counted.copies, 1u);
}

TEST_F(SqliteStreams, AValueOfAnotherTypeInTheMiddleFailsTheExtract) {
  fill("CASE x WHEN 40000 THEN x'ff' ELSE 'w' END");
  const Outcome seen = run_both({read_step(), query_step("SELECT id FROM df_read"), write_step("query")}, false);
  EXPECT_THAT(seen.errors.at("read"), HasSubstr("row 40000, column 'word': blob of 1 bytes is no VARCHAR"));
  EXPECT_EQ(sink_.event_names("query"), std::vector<std::string>{"step_skipped"});
  EXPECT_EQ(seen.written, "<none>");
}

TEST_F(SqliteStreams, AReaderThatFailsInTheMiddleFailsAsItsStep) {
  fill("CASE x WHEN 40000 THEN 'oops' ELSE '7' END");
  const Outcome seen =
      run_both({read_step(), query_step("SELECT CAST(word AS INTEGER) AS n FROM df_read"), write_step("query")}, false);
  EXPECT_EQ(seen.errors.count("read"), 0u);
  EXPECT_THAT(seen.errors.at("query"), HasSubstr("oops"));
  EXPECT_EQ(seen.written, "<none>");
}

TEST_F(SqliteStreams, SeveralReadersRetryAndAQueryThatReadsTwiceAskForACopy) {
  fill();
  const Json other = step("other", "duckdb.processor", {"read"}, Json::object({{"query", "SELECT id FROM df_read"}}));
  run_both({read_step(), write_step("read"), other}, false);
  Json read = read_step();
  read.set("retry", Json::object({{"max_attempts", 2}, {"delay_s", 0}}));
  EXPECT_FALSE(run({read, write_step("read")}).streamed);
  EXPECT_TRUE(
      run_both({read_step(), query_step("SELECT a.id FROM df_read a JOIN df_read b USING (id)"), write_step("query")},
               false)
          .errors.empty());
}

TEST_F(SqliteStreams, MoreRowsThanTheMemoryHoldsAreRead) {
  fill("printf('%.1500c', 'x') || x");
  memory_limit_bytes_ = 64u << 20;
  std::filesystem::create_directories(directory_ / "session/.worker");  // where the copy spills
  EXPECT_TRUE(run_both({read_step(), write_step("read")}, true).errors.empty());
}

TEST_F(SqliteStreams, ACancelStopsTheOneStatement) {
  fill();
  const std::vector<Json> steps = {read_step(Json::object({{"query", "SELECT a.id FROM t a, t b, t c"}})),
                                   write_step("read")};
  EXPECT_EQ(run_and_cancel(steps, 50000).written, "<none>");
}

}  // namespace
}  // namespace osiris::worker
