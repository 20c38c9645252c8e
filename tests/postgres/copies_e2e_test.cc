// Copies in chunks between real servers: how they end, go on, begin anew, and what they leave.
#include <gmock/gmock.h>
#include <thread>

#include "protocol/base/file.h"
#include "tests/postgres/copies.h"
#include "tests/support/eventually.h"

namespace osiris::e2e {
namespace {

using ::testing::HasSubstr;

TEST_F(Copies, AFailedOneSaysHowToGoOnAndReadsAtMostOneChunkTwice) {
  write_pipeline("postgres", "postgres", "write_mode: append");
  fail_after(2000);
  const size_t before = reads_logged();
  const Outcome failed = run();
  EXPECT_EQ(failed.exit, 1) << failed.out;
  EXPECT_THAT(failed.out + failed.err, HasSubstr("13 of 60 chunks are committed to table osiris_copy_"));
  EXPECT_THAT(failed.out + failed.err, HasSubstr("osiris run --resume goes on from there"));
  EXPECT_EQ(rows_of("postgres", "target").substr(0, 2), "0|");
  EXPECT_EQ(committed_on("postgres"), 13);
  mend();
  const Outcome resumed = run(true);
  EXPECT_EQ(resumed.exit, 0) << resumed.out << resumed.err;
  EXPECT_EQ(rows_of("postgres", "target"), rows_of("postgres", "source"));
  EXPECT_EQ(chunks()["reused"].as_int(), 13);
  EXPECT_EQ(left_on("postgres"), "none\n");
  EXPECT_LE(reads_logged() - before, static_cast<size_t>(kChunks + 3))
      << "the chunk that failed, the one after it, and the rows that have no key";
}

TEST_F(Copies, WithoutResumeTheyBeginAnew) {
  write_pipeline("postgres", "postgres", "write_mode: append");
  fail_after(2000);
  EXPECT_EQ(run().exit, 1);
  fail_after(100000);
  const Outcome again = run();
  EXPECT_EQ(again.exit, 0) << again.out << again.err;
  EXPECT_EQ(chunks()["reused"].as_int(), 0);
  EXPECT_EQ(rows_of("postgres", "target"), rows_of("postgres", "source"));
  EXPECT_EQ(left_on("postgres"), "none\n");
}

TEST_F(Copies, ALaterRunWithoutChunksDropsWhatIsLeft) {
  write_pipeline("postgres", "postgres", "write_mode: append");
  fail_after(2000);
  EXPECT_EQ(run().exit, 1);
  fail_after(100000);
  on_postgres("DELETE FROM source WHERE id > 50");
  EXPECT_EQ(run().exit, 0);
  EXPECT_TRUE(chunks().is_null());
  EXPECT_EQ(left_on("postgres"), "none\n");
}

// The owner of the source reads what a run took of it, and that what arrived is what was read.
TEST_F(Copies, EverySummaryTellsWhatTheSourceGaveAndHowTheRowsWereCompared) {
  for (const std::string from : {"postgres", "mysql"})
    for (const std::string to : {"postgres", "mysql"}) {
      SCOPED_TRACE(from + " to " + to);
      write_pipeline(from, to, "write_mode: replace, verify: full", from == "postgres" ? "column: id, parts: 3" : "");
      const Outcome outcome = run(false, {"--json"});
      ASSERT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
      const Json document = outcome.json();
      const Json& read = document["steps"].items().at(0);
      EXPECT_GT(read["source"]["bytes"].as_int(), kRows * 10) << read.dump();
      EXPECT_EQ(read["source"]["connections"].as_int(), from == "postgres" ? 3 : 1);
      EXPECT_TRUE(read["source"]["longest_transaction_ms"].is_number()) << read.dump();
      const Json& verified = document["steps"].items().at(1)["verified"];
      EXPECT_EQ(verified["rows"].as_int(), kRows) << verified.dump();
      EXPECT_EQ(verified["by"].as_string(), "full");
      EXPECT_EQ(verified["fingerprint"].as_string().size(), 32u);
      std::string cards;
      for (const auto& [file, content] : project_.tree())
        if (file.ends_with("run-card.md")) cards += content;
      EXPECT_THAT(cards, HasSubstr("longest transaction, ms | connections | bytes"));
    }
}

// Chunks are asked for: several connections alone are one transaction.
TEST_F(Copies, WithoutChunksAllIsCopiedAnewAndSaidSo) {
  for (const std::string to : {"postgres", "mysql"}) {
    write_pipeline("postgres", to, "write_mode: replace", "column: id, parts: 2");
    connect_to(postgres_->port(), to == "mysql" ? uint16_t{1} : mariadb_->port());
    if (to == "postgres") fail_after(2000);
    EXPECT_EQ(run().exit, 1);
    EXPECT_EQ(left_on("postgres"), "none\n");
    mend();
    connect_to(postgres_->port(), mariadb_->port());
    const Outcome resumed = run(true);
    EXPECT_EQ(resumed.exit, 0) << resumed.out << resumed.err;
    EXPECT_EQ(rows_read(), static_cast<uint64_t>(kRows));
    std::string session;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(project_.session()))
      if (const auto text = read_file(entry.path()); text.ok()) session += *text;
    EXPECT_THAT(session, HasSubstr("the rows have no chunks, so all of them are copied anew"));
    EXPECT_EQ(rows_of(to, "target"), rows_of("postgres", "source"));
  }
}

TEST_F(Copies, AnotherPipelinesAreLeftAlone) {
  write_pipeline("postgres", "postgres", "write_mode: append");
  fail_after(2000);
  EXPECT_EQ(run().exit, 1);
  const std::string left = left_on("postgres");
  fail_after(100000);
  write_pipeline("postgres", "postgres", "write_mode: append", "", "other");
  EXPECT_EQ(run(true).exit, 0);
  EXPECT_EQ(chunks()["reused"].as_int(), 0);
  EXPECT_EQ(left_on("postgres"), left);
  write_pipeline("postgres", "postgres", "write_mode: replace");
  EXPECT_EQ(run().exit, 0);
  EXPECT_EQ(left_on("postgres"), "none\n");
}

TEST_F(Copies, BeginAnewWhereTheSourceOrTheTargetOrTheLedgerIsAnother) {
  for (const std::string& change :
       {std::string("ALTER TABLE source ADD COLUMN more int"), std::string("ALTER TABLE source ALTER id TYPE bigint"),
        std::string("UPDATE %log SET rows = rows - 1, content = content WHERE chunk = 3"),
        std::string("DELETE FROM %log WHERE chunk = 3"), std::string("DELETE FROM %log WHERE chunk = -1"),
        std::string("DELETE FROM %staging WHERE id = 7"), std::string("DROP TABLE %log"),
        std::string("DROP TABLE %staging"), std::string("ALTER TABLE %log DROP COLUMN seal"),
        std::string("DROP TABLE target"), std::string("UPDATE %log SET chunk = 400 WHERE chunk = 3")}) {
    SCOPED_TRACE(change);
    SetUp();
    write_pipeline("postgres", "postgres", "write_mode: replace, schema_drift: discard_columns");
    fail_after(2000);
    EXPECT_EQ(run().exit, 1);
    const std::string left = left_on("postgres");
    const std::string staging = left.substr(0, 37);
    ASSERT_EQ(committed_on("postgres"), 13);
    std::string statement = change;
    if (const size_t at = statement.find("%log"); at != std::string::npos) statement.replace(at, 4, staging + "_log");
    if (const size_t at = statement.find("%staging"); at != std::string::npos) statement.replace(at, 8, staging);
    on_postgres(statement);
    mend();
    const Outcome resumed = run(true);
    EXPECT_EQ(resumed.exit, 0) << resumed.out << resumed.err;
    EXPECT_EQ(chunks()["reused"].as_int(), 0);
    EXPECT_EQ(rows_of("postgres", "target"), rows_of("postgres", "source"));
    EXPECT_EQ(left_on("postgres"), "none\n");
  }
}

TEST_F(Copies, ATargetThatIsNotThereCostsTheSourceNothing) {
  write_pipeline("postgres", "mysql");
  connect_to(postgres_->port(), 1);
  const size_t before = reads_logged();
  const Outcome refused = run();
  EXPECT_EQ(refused.exit, 1) << refused.out;
  EXPECT_THAT(refused.out + refused.err, HasSubstr("step save"));
  EXPECT_EQ(reads_logged(), before) << "its rows are not stored in the place of being copied";
}

TEST_F(Copies, TwoAtOnceWaitForEachOther) {
  write_pipeline("postgres", "postgres", "write_mode: append, lock_timeout: 1");
  fail_after(2000);
  ASSERT_EQ(run().exit, 1);
  mend();
  const std::string prefix = left_on("postgres").substr(0, 25);
  std::thread other(
      [&] { (void)postgres_->query("SELECT pg_advisory_lock(hashtext('" + prefix + "'), 20212), pg_sleep(4)"); });
  ASSERT_TRUE(osiris::test::eventually(
      [] { return ask("postgres", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", "") == "1\n"; }));
  const Outcome refused = run(true);
  EXPECT_EQ(refused.exit, 1);
  EXPECT_THAT(refused.out + refused.err, HasSubstr("another run of step save is copying to table target"));
  EXPECT_EQ(committed_on("postgres"), 13) << "what the other one has is left alone";
  other.join();
  write_pipeline("postgres", "postgres");
  Running first = project_.start({"run", "copy.yaml"});
  const Outcome second = run();
  const Outcome one = first.end();
  EXPECT_EQ(one.exit, 0) << one.err;
  EXPECT_EQ(second.exit, 0) << second.err;
  EXPECT_EQ(rows_of("postgres", "target"), rows_of("postgres", "source"));
  EXPECT_EQ(left_on("postgres"), "none\n");
}

TEST_F(Copies, AServerThatRestartsInTheMiddleLosesAtMostTheChunkUnderWay) {
  write_pipeline("mysql", "postgres", "write_mode: replace");
  Running running = project_.start({"run", "copy.yaml"});
  ASSERT_TRUE(osiris::test::eventually([&] { return committed_on("postgres") >= 1 || !is_alive(running.pid()); }));
  postgres_->crash();
  ASSERT_TRUE(postgres_->start_again().ok());
  const Outcome outcome = running.end();
  until_still("postgres");
  const int there = std::max(committed_on("postgres"), 0);
  const Outcome resumed = run(true);
  EXPECT_EQ(resumed.exit, 0) << resumed.out << resumed.err;
  if (outcome.exit != 0) {
    EXPECT_EQ(chunks()["reused"].as_int(), there);
  }
  EXPECT_EQ(rows_of("postgres", "target"), rows_of("mysql", "source"));
  EXPECT_EQ(left_on("postgres"), "none\n");
}

TEST_F(Copies, KeysOfManyKindsDivideAllRows) {
  on_postgres(
      "SET ROLE app; DROP TABLE source; CREATE TABLE source (id int, v text COLLATE \"en-x-icu\", amount "
      "numeric(12,2)); INSERT INTO source SELECT CASE WHEN n % 5 <> 0 THEN n % 37 END, CASE WHEN n % 9 <> 0 THEN "
      "chr(65 + n % 50) || '''\\' || n END, n * 1.25 FROM generate_series(1, 2000) n");
  on_mariadb(
      "USE shop; DROP TABLE source; CREATE TABLE source (id INT, v VARCHAR(40) COLLATE utf8mb4_general_ci, amount "
      "DECIMAL(12,2), KEY (v)); INSERT INTO source SELECT IF(seq % 5 <> 0, seq % 37, NULL), IF(seq % 9 <> 0, "
      "CONCAT(IF(seq % 2, 'a', 'A'), CHAR(65 + seq % 50), '''', seq), NULL), seq * 1.25 FROM seq_1_to_2000");
  const auto sum = [](const std::string& server, const std::string& table) {
    return ask(server, "SELECT count(*), sum(amount), count(id), count(v), count(DISTINCT v) FROM " + table,
               "SELECT COUNT(*), SUM(amount), COUNT(id), COUNT(v), COUNT(DISTINCT BINARY v) FROM shop." + table);
  };
  for (const std::string& from : {std::string("postgres"), std::string("mysql")})
    for (const char* column : {"id", "v", "amount"}) {
      SCOPED_TRACE(from + " " + column);
      on_postgres("DROP TABLE IF EXISTS target");
      write_pipeline(from, "postgres", "write_mode: replace, verify: full",
                     std::string("column: ") + column + ", chunk_rows: 130");
      const Outcome outcome = run();
      EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
      EXPECT_GT(chunks()["committed"].as_int(), 1);
      EXPECT_EQ(sum("postgres", "target"), sum(from, "source"));
    }
}

TEST_F(Copies, AnEmptyTableAndASmallOneAreOneTransaction) {
  for (const char* statement : {"TRUNCATE source", "INSERT INTO source VALUES (1, 'a', 1), (2, 'b', 2)"}) {
    on_postgres(statement);
    write_pipeline("postgres", "postgres");
    EXPECT_EQ(run().exit, 0);
    EXPECT_TRUE(chunks().is_null());
    EXPECT_EQ(rows_of("postgres", "target"), rows_of("postgres", "source"));
    EXPECT_EQ(left_on("postgres"), "none\n");
  }
}

TEST_F(Copies, EveryModeEndsAsWithoutChunks) {
  for (const std::string& to : {std::string("postgres"), std::string("mysql")}) {
    SCOPED_TRACE(to);
    const auto on_target = [&](const std::string& sql) {
      to == "postgres" ? on_postgres(sql) : on_mariadb("USE shop; " + sql);
    };
    for (const std::string& mode :
         {std::string("write_mode: append"), std::string("write_mode: truncate"),
          std::string("write_mode: upsert, primary_key: id"), std::string("write_mode: replace, primary_key: id")}) {
      for (const bool is_there : {true, false}) {
        SCOPED_TRACE(mode + (is_there ? " into a table" : " as a new table"));
        on_target("DROP TABLE IF EXISTS target");
        if (is_there) {
          on_target("CREATE TABLE target (id int PRIMARY KEY, v text, amount decimal(12,2))");
          on_target(mode == "write_mode: append" ? "INSERT INTO target VALUES (-1, 'old', 1)"
                                                 : "INSERT INTO target VALUES (1, 'old', 1)");
          if (to == "postgres") on_postgres("ALTER TABLE target OWNER TO app");
        }
        write_pipeline("postgres", to, mode + ", verify: full");
        const Outcome outcome = run();
        EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
        EXPECT_EQ(chunks()["committed"].as_int(), kChunks);
        const int more = is_there && mode == "write_mode: append" ? 1 : 0;
        EXPECT_EQ(ask(to, "SELECT count(*) FROM target WHERE v IS NULL OR v <> 'old' OR id < 0",
                      "SELECT COUNT(*) FROM shop.target WHERE v IS NULL OR v <> 'old' OR id < 0"),
                  std::to_string(kRows + more) + "\n");
        EXPECT_EQ(left_on(to), "none\n");
      }
    }
  }
}

}  // namespace
}  // namespace osiris::e2e
