// Rows that go from a MariaDB server to a writer without being stored, beside the same steps that store them.
#include <gmock/gmock.h>

#include <thread>

#include "tests/drivers/mysql.writer/writing.h"
#include "tests/postgres/cutting_proxy.h"
#include "tests/unit/worker/streams_fixture.h"
#include "worker/drivers/duckdb.processor/driver.h"
#include "worker/drivers/filesystem.csv_writer/driver.h"
#include "worker/drivers/mysql.extractor/driver.h"

namespace osiris::worker {
namespace {

using osiris::test::CuttingProxy;
using test::ask_database;
using test::in_database;
using test::loading_server;
using ::testing::HasSubstr;

class MysqlStreams : public StreamsFixture {
 protected:
  MysqlStreams()
      : StreamsFixture({&mysql_extractor(), &duckdb_processor(), &mysql_writer(), &filesystem_csv_writer()}) {
    add_connection("mysql", "shop", test::fields_for(loading_server()));
  }

  void clear() override { in_database("DROP TABLE IF EXISTS target; " + made_); }
  std::string written() override {
    return ask_database("SELECT * FROM shop.target ORDER BY 1").substr(0, 5000) +
           ask_database("SELECT COUNT(*) FROM shop.target");
  }

  static Json read_step(const std::string& query, Json more = Json::object()) {
    more.set("query", query);
    return connected(with_mode(step("read", "mysql.extractor", {}, std::move(more)), "extract"), "@mysql.shop");
  }
  static Json write_step(const std::string& from, Json more = Json::object(),
                         const std::string& connection = "@mysql.shop") {
    more.set("table", "target");
    more.set("create_table", true);
    return connected(with_mode(step("write", "mysql.writer", {from}, std::move(more)), "write"), connection);
  }
  static Json connected(Json made, const std::string& connection) {
    made.set("connection", connection);
    return made;
  }
  static std::string rows(const std::string& list, int count) {
    return "SELECT " + list + " FROM shop.seq_1_to_" + std::to_string(count);
  }

  std::string made_;  // makes the target as it is before a run
};

TEST_F(MysqlStreams, GoFromServerToServerInEveryMode) {
  made_ = "CREATE TABLE target (id BIGINT PRIMARY KEY, word VARCHAR(20)); INSERT INTO target VALUES (50001, 'old')";
  for (const char* mode : {"append", "replace", "truncate", "upsert"}) {
    SCOPED_TRACE(mode);
    const Outcome seen = run_both({read_step(rows("seq AS id, CONCAT('word ', seq) AS word", 50000)),
                                   write_step("read", Json::object({{"write_mode", mode}, {"primary_key", "id"}}))},
                                  true);
    EXPECT_TRUE(seen.errors.empty());
    EXPECT_THAT(seen.written, HasSubstr("1|word 1\n"));
  }
}

TEST_F(MysqlStreams, GoThroughAQueryToANewTable) {
  const Outcome seen = run_both({read_step(rows("seq AS id, seq / 4 AS q, NULL AS n", 50000)),
                                 query_step("SELECT id, q FROM df_read WHERE id % 2 = 0"), write_step("query")},
                                true);
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_THAT(seen.written, ::testing::EndsWith("25000\n"));
}

TEST_F(MysqlStreams, TheTableThatIsReadMayGetAColumn) {
  made_ = "CREATE TABLE target (id BIGINT); INSERT INTO target VALUES (1)";
  const Outcome seen = run_both({read_step("SELECT id + 1 AS id, 'x' AS more FROM shop.target"),
                                 write_step("read", Json::object({{"schema_drift", "evolve"}}))},
                                false);
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_EQ(seen.written, "1|NULL\n2|x\n2\n");
}

TEST_F(MysqlStreams, TheTableThatIsReadMayBeEmptied) {
  made_ = "CREATE TABLE target (id BIGINT); INSERT INTO target VALUES (1)";
  const Outcome seen = run_both({read_step("SELECT id + 1 AS id FROM shop.target"),
                                 write_step("read", Json::object({{"write_mode", "truncate"}}))},
                                true);
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_EQ(seen.written, "2\n1\n");
}

TEST_F(MysqlStreams, ARowThatTheTargetRefusesIsTheWritersError) {
  made_ = "CREATE TABLE target (id BIGINT CHECK (id <> 40000))";
  const Outcome seen = run_both({read_step(rows("seq AS id", 50000)), write_step("read")}, false);
  EXPECT_EQ(seen.errors.count("read"), 0u);
  EXPECT_EQ(seen.errors.count("write"), 1u);
  EXPECT_EQ(seen.written, "0\n");
}

TEST_F(MysqlStreams, AWarningAtTheEndFailsTheExtractAndNothingIsWritten) {
  made_ = "CREATE TABLE target (id BIGINT)";
  const Outcome seen =
      run_both({read_step(rows("seq AS id, CAST('x' AS UNSIGNED) AS n", 50000)), write_step("read")}, false);
  EXPECT_EQ(seen.errors.count("read"), 1u);
  EXPECT_EQ(sink_.event_names("write"), std::vector<std::string>{"step_skipped"});
  EXPECT_EQ(seen.written, "0\n");
}

TEST_F(MysqlStreams, AProcedureIsCalledOnce) {
  made_ = "CREATE TABLE target (id BIGINT); CREATE OR REPLACE PROCEDURE numbers() SELECT 1 AS id";
  const Outcome seen = run_both(
      {read_step("CALL numbers()", Json::object({{"allow", Json::array({"call"})}})), write_step("read")}, false);
  EXPECT_TRUE(seen.errors.empty()) << seen.errors.begin()->second;
}

TEST_F(MysqlStreams, AreCancelledAsOne) {
  made_ = "CREATE TABLE target (id BIGINT)";
  const std::vector<Json> steps = {
      read_step("SELECT a.seq AS id FROM shop.seq_1_to_1000000 a JOIN shop.seq_1_to_1000000 b"), write_step("read")};
  EXPECT_EQ(run_and_cancel(steps, 50000).written, "0\n");
}

TEST_F(MysqlStreams, ACommitThatGetsNoAnswerIsNotRepeated) {
  made_ = "CREATE TABLE target (id BIGINT)";
  CuttingProxy proxy(loading_server().port(), "COMMIT", CuttingProxy::Cut::kAfter, false);
  add_connection("mysql", "far",
                 test::fields_for(loading_server(), {{"port", int64_t{proxy.port()}}, {"connect_timeout", 1}}));
  const Outcome seen = run({read_step(rows("seq AS id", 1000)), write_step("read", Json::object(), "@mysql.far")});
  EXPECT_TRUE(proxy.has_cut());
  EXPECT_THAT(seen.errors.at("write"), HasSubstr("outcome unknown"));
  EXPECT_EQ(seen.errors.size(), 1u);
  EXPECT_EQ(ask_database("SELECT COUNT(*) FROM shop.target"), "1000\n");
}

}  // namespace
}  // namespace osiris::worker
