// Rows that go from a PostgreSQL server to a writer without being stored, beside the same steps that store them.
#include <gmock/gmock.h>

#include <thread>

#include "tests/postgres/cutting_proxy.h"
#include "tests/postgres/postgres_streams.h"
#include "tests/support/eventually.h"

namespace osiris::worker {
namespace {

using osiris::test::CuttingProxy;
using osiris::test::eventually;
using test::ask_shop;
using test::in_shop;
using test::plain_postgres;
using ::testing::HasSubstr;

TEST_F(PostgresStreams, GoFromServerToServer) {
  const Outcome seen = run_both({read_step(kRows), write_step("read")}, true);
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_THAT(seen.written, HasSubstr("\n50000|"));
}

TEST_F(PostgresStreams, GoThroughAQuery) {
  const Outcome seen =
      run_both({read_step(kRows), query_step("SELECT id, amount * 2 AS twice, list FROM df_read WHERE id % 2 = 1"),
                write_step("query", Json::object({{"primary_key", "id"}}))},
               true);
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_THAT(seen.written, HasSubstr("\n25000|"));
}

TEST_F(PostgresStreams, AreStoredByAQueryThatIsNoWritersInput) {
  const Outcome seen = run_both(
      {read_step(kRows), query_step("SELECT even, count(*) AS n, sum(amount) AS total FROM df_read GROUP BY 1"),
       write_step("query"),
       step("other", "duckdb.processor", {"query"}, Json::object({{"query", "SELECT n FROM df_query"}}))},
      true);
  EXPECT_TRUE(seen.errors.empty());
}

TEST_F(PostgresStreams, GoToFiles) {
  const std::string flat =
      "SELECT i AS id, 'word ' || i AS word, i / 7.0::float8 AS part, (i * -1.25)::numeric(12,2) AS amount, (i * "
      "1.25)::numeric(30,3) AS wide FROM generate_series(1, 50000) AS i";
  EXPECT_TRUE(run_both({read_step(flat), file_step("read", "filesystem.csv_writer", "out.csv")}, true).errors.empty());
  // A column that is computed is the engine's.
  EXPECT_TRUE(
      run_both({read_step("SELECT i AS id, '\\xff'::bytea AS bytes FROM generate_series(1, 50000) AS i"),
                file_step("read", "filesystem.csv_writer", "out.csv", Json::object({{"column_order", "query"}}))},
               true)
          .errors.empty());
  EXPECT_TRUE(
      run_both({read_step(flat), file_step("read", "filesystem.json_writer", "out.ndjson")}, true).errors.empty());
  EXPECT_TRUE(
      run_both({read_step(kRows), file_step("read", "filesystem.parquet_writer", "out.parquet")}, true).errors.empty());
}

TEST_F(PostgresStreams, TimestampsInCsvAreShownAsAllRowsWantIt) {
  const auto timestamps = [](const std::string& value) {
    return read_step("SELECT i AS id, " + value + " AS at FROM generate_series(1, 50000) AS i");
  };
  const Json write = file_step("read", "filesystem.csv_writer", "out.csv");
  const std::string start = "TIMESTAMP '2024-01-01' + i * interval ";
  for (const std::string& value :
       {start + "'1 day'", start + "'1 s'", start + "'1 ms'", "CASE WHEN i > 40000 THEN " + start + "'1 s' END",
        std::string("CASE WHEN i % 2 = 0 THEN 'infinity' ELSE TIMESTAMP 'epoch' END"), std::string("NULL::timestamp"),
        std::string("TIMESTAMPTZ '2024-01-01 12:00+02' + i * interval '1 us'")}) {
    SCOPED_TRACE(value);
    EXPECT_TRUE(run_both({timestamps(value), write}, true).errors.empty());
  }
  for (const char* late : {"1 hour", "1 ms", "1 us"}) {
    SCOPED_TRACE(late);
    EXPECT_TRUE(
        run_both({timestamps("TIMESTAMP '2024-01-01' + (i / 40000) * interval '" + std::string(late) + "'"), write},
                 false)
            .errors.empty());
  }
}

TEST_F(PostgresStreams, GoToADatabaseFile) {
  const std::vector<Json> steps = {read_step(kRows),
                                   file_step("read", "duckdb.writer", "out.duckdb", Json::object({{"table", "t"}}))};
  const Outcome seen = run(steps);
  EXPECT_TRUE(seen.streamed);
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_GT(seen.written.size(), 100000u);
}

TEST_F(PostgresStreams, ANumberThatJsonDoesNotHaveIsTheWritersError) {
  const Outcome seen = run_both({read_step("SELECT i AS id, CASE WHEN i = 40000 THEN 'NaN'::float8 ELSE i END AS part "
                                           "FROM generate_series(1, 50000) AS i"),
                                 file_step("read", "filesystem.json_writer", "out.ndjson")},
                                false);
  EXPECT_THAT(seen.errors.at("write"), HasSubstr("column 'part'"));
  EXPECT_EQ(seen.written, "<none>");
}

TEST_F(PostgresStreams, EveryModeEndsAsIfTheRowsWereStored) {
  made_ =
      "CREATE TABLE target (id int PRIMARY KEY, word text); INSERT INTO target SELECT i, 'old' FROM "
      "generate_series(49990, 50010) AS i";
  for (const char* mode : {"append", "replace", "truncate", "upsert"}) {
    SCOPED_TRACE(mode);
    const int first = std::string_view(mode) == "append" ? 60000 : 0;
    const Outcome seen = run_both(
        {read_step("SELECT i + " + std::to_string(first) + " AS id, 'new' AS word FROM generate_series(1, 50000) AS i"),
         write_step("read", Json::object({{"write_mode", mode}, {"primary_key", "id"}}))},
        true);
    EXPECT_TRUE(seen.errors.empty());
  }
}

TEST_F(PostgresStreams, TheTableThatIsReadIsNotWaitedFor) {
  made_ = "CREATE TABLE target AS SELECT i AS id FROM generate_series(1, 50000) AS i";
  for (Json how : {Json::object({{"write_mode", "truncate"}}), Json::object({{"schema_drift", "evolve"}})}) {
    const Outcome seen = run_both(
        {read_step("SELECT id, id AS more FROM target"),
         how["write_mode"].is_null()
             ? write_step("read", how)
             : write_step("read", Json::object({{"write_mode", "truncate"}, {"schema_drift", "discard_columns"}}))},
        false);
    EXPECT_TRUE(seen.errors.empty()) << seen.errors.begin()->second;
  }
}

TEST_F(PostgresStreams, AQueryThatFailsInTheMiddleFailsTheExtractAndNothingIsWritten) {
  made_ = "CREATE TABLE target (id int, q int); INSERT INTO target VALUES (1, 1)";
  const Outcome seen = run_both(
      {read_step("SELECT i AS id, 1 / (i - 40000) AS q FROM generate_series(1, 50000) AS i"), write_step("read")},
      false);
  EXPECT_THAT(seen.errors.at("read"), HasSubstr("division by zero"));
  EXPECT_EQ(sink_.event_names("write"), std::vector<std::string>{"step_skipped"});
  EXPECT_THAT(seen.written, HasSubstr("\n1|"));
}

TEST_F(PostgresStreams, AQueryThatIsRefusedIsRefusedOnce) {
  const Outcome seen = run_both({read_step("SELECT no_such_column FROM pg_class"), write_step("read")}, false);
  EXPECT_THAT(seen.errors.at("read"), HasSubstr("no_such_column"));
}

TEST_F(PostgresStreams, ARowThatTheTargetRefusesIsTheWritersError) {
  made_ = "CREATE TABLE target (id int CHECK (id <> 40000))";
  const Outcome seen =
      run_both({read_step("SELECT i AS id FROM generate_series(1, 50000) AS i"), write_step("read")}, false);
  EXPECT_THAT(seen.errors.at("write"), HasSubstr("target_id_check"));
  EXPECT_EQ(seen.errors.count("read"), 0u);
  EXPECT_THAT(seen.written, HasSubstr("\n0|"));
}

TEST_F(PostgresStreams, KeysThatAreThereTwiceAreTheWritersErrorAndTheQueryIsAskedOnce) {
  made_ = "CREATE TABLE target (id int PRIMARY KEY)";
  const std::vector<Json> steps = {
      read_step("SELECT i % 40000 AS id FROM generate_series(1, 50000) AS i"), query_step("SELECT id FROM df_read"),
      write_step("query", Json::object({{"write_mode", "upsert"}, {"primary_key", "id"}}))};
  const Outcome seen = run_both(steps, true);
  EXPECT_THAT(seen.errors.at("write"), HasSubstr("hold the key (id)"));
  EXPECT_EQ(seen.errors.size(), 1u);
  EXPECT_THAT(seen.written, HasSubstr("\n0|"));
}

TEST_F(PostgresStreams, RetryTimeoutSeveralReadersAndMaterializeAskForACopy) {
  const std::string rows = "SELECT i AS id FROM generate_series(1, 100) AS i";
  Json write = write_step("read");
  write.set("retry", Json::object({{"max_attempts", 2}, {"delay_s", 0}}));
  EXPECT_FALSE(run({read_step(rows), write}).streamed);
  write = write_step("read");
  write.set("timeout_s", 1000);
  EXPECT_FALSE(run({read_step(rows), write}).streamed);
  Json read = read_step(rows);
  read.set("retry", Json::object({{"max_attempts", 2}, {"delay_s", 0}}));
  EXPECT_FALSE(run({read, write_step("read")}).streamed);
  const Json other = step("other", "duckdb.processor", {"read"}, Json::object({{"query", "SELECT id FROM df_read"}}));
  run_both({read_step(rows), write_step("read"), other}, false);
}

TEST_F(PostgresStreams, AQueryThatDoesNotReadAllGoesOnWithWhatWasBegun) {
  const Outcome seen = run_both(
      {read_step(kRows), query_step("SELECT id FROM df_read ORDER BY id LIMIT 5"), write_step("query")}, false);
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_THAT(seen.written, HasSubstr("\n5|"));
}

class PostgresStreamsThatDoNotEnd : public PostgresStreams {
 protected:
  PostgresStreamsThatDoNotEnd() {
    made_ = "CREATE TABLE target (n bigint); INSERT INTO target VALUES (1)";
    is_under_way_ = begin_and_read(steps_, 50000);
  }
  const std::vector<Json> steps_ = {read_step("SELECT generate_series(1, 4000000000) AS n"), write_step("read")};
  bool is_under_way_ = false;
};

TEST_F(PostgresStreamsThatDoNotEnd, AreCancelledAsOneAndLeaveTheTargetAsItWas) {
  ASSERT_TRUE(is_under_way_);
  EXPECT_THAT(cancel(steps_).written, HasSubstr("\n1|"));
  EXPECT_TRUE(
      eventually([] { return ask_shop("SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'") == "0\n"; }));
}

TEST_F(PostgresStreamsThatDoNotEnd, FailWithTheConnectionThatWasEnded) {
  ASSERT_TRUE(is_under_way_);
  std::atomic<bool> is_over{false};
  std::thread administrator([&] {  // it is run again, once
    while (!is_over) {
      (void)plain_postgres().query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app' AND query LIKE 'COPY%STDOUT%' "
          "AND "
          "query_start < clock_timestamp() - interval '300 ms'");
    }
  });
  finish();
  is_over = true;
  administrator.join();
  const Outcome seen = look(steps_);
  EXPECT_THAT(seen.errors.at("read"), HasSubstr(" after "));
  EXPECT_EQ(sink_.event_names("write"), std::vector<std::string>{"step_skipped"});
  EXPECT_THAT(seen.written, HasSubstr("\n1|"));
}

class PostgresStreamsThatAreCut : public PostgresStreams {
 protected:
  Outcome run_by(const CuttingProxy& proxy) {
    made_ = "CREATE TABLE target (id int)";
    add_connection("postgres", "far",
                   test::postgres_fields(plain_postgres(), {{"port", int64_t{proxy.port()}}, {"connect_timeout", 2}}));
    return run({read_step("SELECT i AS id FROM generate_series(1, 1000) AS i"), query_step("SELECT id FROM df_read"),
                write_step("query", Json::object(), "@postgres.far")});
  }
};

TEST_F(PostgresStreamsThatAreCut, BetweenCommitAndAnswerAreNeverWrittenTwice) {
  CuttingProxy proxy(plain_postgres().port(), "COMMIT", CuttingProxy::Cut::kAfter, false);
  const Outcome seen = run_by(proxy);
  EXPECT_TRUE(proxy.has_cut());
  EXPECT_THAT(seen.errors.at("write"), HasSubstr("outcome unknown"));
  EXPECT_EQ(seen.errors.size(), 1u) << "the steps before ended well";
  EXPECT_EQ(sink_.event("output_written"), Json());
  EXPECT_EQ(ask_shop("SELECT count(*) FROM target"), "1000\n");
}

TEST_F(PostgresStreamsThatAreCut, AreWrittenWhereTheServerKnowsIt) {
  CuttingProxy proxy(plain_postgres().port(), "COMMIT", CuttingProxy::Cut::kAfter, true);
  const Outcome seen = run_by(proxy);
  EXPECT_TRUE(proxy.has_cut());
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_TRUE(seen.streamed);
  EXPECT_EQ(ask_shop("SELECT count(*) FROM target"), "1000\n");
}

}  // namespace
}  // namespace osiris::worker
