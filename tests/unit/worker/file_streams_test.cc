// Parquet and DuckDB files that are read by the statement of another step, beside the same steps that store them.
#include <gmock/gmock.h>

#include <fstream>

#include "tests/unit/worker/streams_fixture.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/duckdb.extractor/driver.h"
#include "worker/drivers/duckdb.processor/driver.h"
#include "worker/drivers/filesystem.csv_writer/driver.h"
#include "worker/drivers/filesystem.json_writer/driver.h"
#include "worker/drivers/filesystem.parquet_extractor/driver.h"
#include "worker/drivers/filesystem.parquet_writer/driver.h"

namespace osiris::worker {
namespace {

using ::testing::HasSubstr;

class FileStreams : public StreamsFixture {
 protected:
  FileStreams()
      : StreamsFixture({&duckdb_extractor(), &duckdb_processor(), &filesystem_csv_writer(), &filesystem_json_writer(),
                        &filesystem_parquet_extractor(), &filesystem_parquet_writer()}) {}

  void clear() override { std::filesystem::remove(directory_ / "work" / out_); }
  std::string written() override {
    const auto file = read_file(directory_ / "work" / out_);
    return file.ok() ? *file : "<none>";
  }

  // In the engine, with "{work}" for the work directory; `file`: a database file there, or empty.
  void sql(std::string text, const std::string& file = {}) {
    const std::string work = (directory_ / "work").string();
    for (size_t at; (at = text.find("{work}")) != std::string::npos;) text.replace(at, 6, work);
    duckdb_database database = nullptr;
    duckdb_connection connection = nullptr;
    ASSERT_EQ(duckdb_open(file.empty() ? nullptr : (work + "/" + file).c_str(), &database), DuckDBSuccess);
    ASSERT_EQ(duckdb_connect(database, &connection), DuckDBSuccess);
    const Status done = sql::execute(connection, text);
    EXPECT_TRUE(done.ok()) << done.error().message;
    duckdb_disconnect(&connection);
    duckdb_close(&database);
  }

  static Json read_step(const std::string& driver, Json more) {
    return with_mode(step("read", driver, {}, std::move(more)), "extract");
  }
  static Json parquet(Json more = Json::object()) {
    if (more["path"].is_null()) more.set("path", "in.parquet");
    return read_step("filesystem.parquet_extractor", std::move(more));
  }
  static Json database(const std::string& query) {
    return read_step("duckdb.extractor", Json::object({{"path", "in.duckdb"}, {"query", query}}));
  }
  Json write_step(const std::string& from, const std::string& file) {
    out_ = file;
    const std::string kind = file.substr(file.rfind('.') + 1);
    return with_mode(step("write", "filesystem." + (kind == "ndjson" ? "json" : kind) + "_writer", {from},
                          Json::object({{"path", file}})),
                     "write");
  }

  std::string out_;
};

constexpr char kRows[] =
    "SELECT i AS id, i % 7 AS day, 'word ' || i AS word, i / 8 AS part, CASE WHEN i % 3 > 0 THEN "
    "(i * 1.5)::DECIMAL(12,2) END AS amount, (CASE i % 2 WHEN 0 THEN 'even' ELSE 'odd' END)::ENUM('even', 'odd') AS "
    "kind, "
    "[i, NULL] AS list, TIMESTAMP '2024-01-01' + INTERVAL (i) SECOND AS at FROM range(300000) t(i)";

TEST_F(FileStreams, ParquetIsReadByEveryWriter) {
  sql(std::string("COPY (") + kRows + ") TO '{work}/in.parquet'");
  for (const char* file : {"out.csv", "out.ndjson", "out.parquet"}) {
    SCOPED_TRACE(file);
    EXPECT_TRUE(run_both({parquet(), write_step("read", file)}, true).errors.empty());
  }
}

TEST_F(FileStreams, ParquetGoesThroughAQueryThatReadsSomeColumns) {
  sql(std::string("COPY (") + kRows + ") TO '{work}/in.parquet'");
  const Outcome seen = run_both({parquet(),
                                 query_step("SELECT day, count(*) AS n, sum(amount) AS total, "
                                            "any_value(typeof(kind)) AS type FROM df_read GROUP BY day "
                                            "ORDER BY day"),
                                 write_step("query", "out.csv")},
                                true);
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_THAT(seen.written, HasSubstr("\n0,42858,"));
}

TEST_F(FileStreams, SeveralFilesAreJoined) {
  sql("COPY (SELECT i AS id FROM range(100000) t(i)) TO '{work}/a.parquet'; "
      "COPY (SELECT i AS id, i * 2 AS twice FROM range(100000) t(i)) TO '{work}/b.parquet'");
  const Outcome seen = run_both({parquet(Json::object({{"path", "?.parquet"}})), write_step("read", "out.csv")}, true);
  EXPECT_TRUE(seen.errors.empty()) << seen.errors.begin()->second;
}

TEST_F(FileStreams, ALimitAndAQueryThatReadsTwiceAreStored) {
  sql(std::string("COPY (") + kRows + ") TO '{work}/in.parquet'");
  run_both({parquet(Json::object({{"limit", 10}})), write_step("read", "out.csv")}, false);
  EXPECT_TRUE(run_both({parquet(), query_step("SELECT id FROM df_read LIMIT 3"), write_step("query", "out.csv")}, false)
                  .errors.empty());
}

TEST_F(FileStreams, ADamagedPageFailsTheExtractAndNothingIsWritten) {
  sql("COPY (SELECT md5(i::VARCHAR) AS word FROM range(300000) t(i)) TO '{work}/in.parquet' (COMPRESSION snappy)");
  {
    std::fstream file(directory_ / "work/in.parquet", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(5'000'000);
    file.write(std::string(1000, '\xff').data(), 1000);
  }
  const Outcome seen = run_both({parquet(), write_step("read", "out.csv")}, false);
  EXPECT_EQ(seen.errors.count("read"), 1u);
  EXPECT_EQ(sink_.event_names("write"), std::vector<std::string>{"step_skipped"});
  EXPECT_EQ(seen.written, "<none>");
}

TEST_F(FileStreams, TheReadersSqlCannotReadOtherFiles) {
  sql("COPY (SELECT 1 AS id) TO '{work}/in.parquet'; COPY (SELECT 2 AS id) TO '{work}/other.parquet'");
  for (const char* name : {"in", "other"}) {
    const std::string file = "'" + (directory_ / "work" / name).string() + ".parquet'";
    const Outcome seen = run_both({parquet(), query_step("SELECT a.id FROM df_read a, read_parquet(" + file + ") b"),
                                   write_step("query", "out.csv")},
                                  false);
    EXPECT_EQ(seen.errors.count("query"), 1u);
  }
}

TEST_F(FileStreams, ADatabaseFileIsReadByEveryWriter) {
  sql(std::string(
          "CREATE TYPE mood AS ENUM ('even', 'odd'); CREATE TABLE t AS SELECT * REPLACE (kind::VARCHAR::mood AS "
          "kind) FROM (") +
          kRows + ")",
      "in.duckdb");
  for (const char* file : {"out.csv", "out.ndjson", "out.parquet"}) {
    SCOPED_TRACE(file);
    EXPECT_TRUE(run_both({database("SELECT * FROM t"), write_step("read", file)}, true).errors.empty());
  }
  const Outcome seen =
      run_both({database("SELECT * FROM t"),
                query_step("SELECT DISTINCT typeof(kind) AS type, typeof(list) AS of_list FROM df_read"),
                write_step("query", "out.csv")},
               true);
  EXPECT_TRUE(seen.errors.empty());
}

TEST_F(FileStreams, AQueryThatFailsInTheMiddleFailsTheExtract) {
  sql("CREATE TABLE t AS SELECT i FROM range(300000) r(i)", "in.duckdb");
  const Outcome seen =
      run_both({database("SELECT CASE WHEN i = 200000 THEN error('no such thing') ELSE i END AS i FROM t"),
                write_step("read", "out.csv")},
               false);
  EXPECT_THAT(seen.errors.at("read"), HasSubstr("no such thing"));
  EXPECT_EQ(seen.written, "<none>");
}

}  // namespace
}  // namespace osiris::worker
