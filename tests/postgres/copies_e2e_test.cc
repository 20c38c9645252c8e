// Copies in chunks between real servers: the real osiris, worker, PostgreSQL and MariaDB. A copy that is killed goes on
// from its last committed chunk, whatever killed it, and ends with the rows of an undisturbed one and nothing beside.
//
//   OSIRIS_KILL_SEED=N    the points of the kills again (printed by every run)
//   OSIRIS_KILLS=N        kills of each direction in the place of 34
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>

#include "tests/e2e/project.h"
#include "tests/mysql/mariadb_server.h"
#include "tests/postgres/postgres_server.h"
#include "tests/support/eventually.h"

namespace osiris::e2e {
namespace {

using osiris::test::MariaDbServer;
using osiris::test::PostgresServer;
using ::testing::HasSubstr;
using ::testing::Not;
using Clock = std::chrono::steady_clock;

constexpr int kRows = 3000, kChunkRows = 150, kChunks = kRows / kChunkRows;
constexpr int kRoundsPerKill = 8;  // of which some end before their kill

int number_of(const char* variable, int otherwise) {
  const char* given = std::getenv(variable);
  return given ? std::atoi(given) : otherwise;
}

class Copies : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto postgres = PostgresServer::start({.settings = {"log_statement=all"}});
    ASSERT_TRUE(postgres.ok()) << postgres.error().message;
    postgres_ = std::move(postgres)->release();
    auto mariadb = MariaDbServer::start({.arguments = {"--group-concat-max-len=10000000"}});
    ASSERT_TRUE(mariadb.ok()) << mariadb.error().message;
    mariadb_ = std::move(mariadb)->release();
    on_postgres("CREATE ROLE app LOGIN PASSWORD 'app-password'; GRANT CREATE, USAGE ON SCHEMA public TO app");
    on_mariadb(
        "CREATE DATABASE shop; CREATE USER app@'%' IDENTIFIED BY 'app-password'; GRANT ALL ON shop.* TO app@'%'");
  }
  static void TearDownTestSuite() {
    delete postgres_;
    delete mariadb_;
    postgres_ = nullptr;
    mariadb_ = nullptr;
  }
  void SetUp() override {
    const std::string rows = std::to_string(kRows);
    on_postgres(
        "DROP TABLE IF EXISTS source, target; SET ROLE app; CREATE TABLE source (id int PRIMARY KEY, v text, amount "
        "numeric(12,2)); INSERT INTO source SELECT n, CASE WHEN n % 7 <> 0 THEN repeat('v' || n, 20) END, n * 1.25 "
        "FROM generate_series(1, " +
        rows + ") n");
    on_mariadb(
        "USE shop; DROP TABLE IF EXISTS source, target; CREATE TABLE source (id INT PRIMARY KEY, v TEXT, amount "
        "DECIMAL(12,2)); INSERT INTO source SELECT seq, CASE WHEN seq % 7 <> 0 THEN REPEAT(CONCAT('v', seq), 20) END, "
        "seq * 1.25 FROM seq_1_to_" +
        rows);
    connect_to(postgres_->port());
    project_.set("PASSWORD", "app-password");
  }
  void connect_to(uint16_t postgres_port) {
    const auto connection = [](const char* family, uint16_t port, const char* database) {
      return std::string("  ") + family + ":\n    lake: {host: 127.0.0.1, port: " + std::to_string(port) +
             ", database: " + database + ", user: app, password: '${PASSWORD}'}\n";
    };
    project_.write("osiris_connections.yaml",
                   "version: 1\nconnections:\n" + connection("postgres", postgres_port, "postgres") +
                       connection("mysql", mariadb_->port(), "shop"),
                   0600);
  }
  void write_pipeline(const std::string& from, const std::string& to, const std::string& writer = "write_mode: replace",
                      const std::string& partition = "", const std::string& name = "copy") {
    const std::string chunks = "chunk_rows: " + std::to_string(kChunkRows);
    const std::string parts = from == "postgres" ? ", parts: 1" : "";
    project_.write(
        "copy.yaml",
        oml(name, {"  - id: read\n    component: " + from + ".extractor\n    mode: read\n    config: {connection: '@" +
                       from + ".lake', table: source, batch_size: 100, partition: {" +
                       (partition.empty() ? "column: id, " + chunks + parts : partition) + "}}\n",
                   "  - id: save\n    component: " + to + ".writer\n    mode: write\n    needs: [read]\n    config: " +
                       "{connection: '@" + to + ".lake', table: target, create_table: true, " + writer + "}\n"}));
  }
  static void on_postgres(const std::string& sql) {
    const Status done = postgres_->execute(sql);
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  static void on_mariadb(const std::string& sql) {
    const Status done = mariadb_->execute(sql);
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  static std::string ask(const std::string& server, const std::string& on_postgres, const std::string& on_mariadb) {
    const auto answer = server == "postgres" ? postgres_->query(on_postgres) : mariadb_->query(on_mariadb);
    return answer.ok() ? *answer : answer.error().message;
  }
  // All rows of a table in one line.
  static std::string rows_of(const std::string& server, const std::string& table) {
    return ask(server,
               "SELECT count(*), sum(amount), md5(string_agg(id || ':' || coalesce(v, '-') || amount, ',' ORDER BY "
               "id)) FROM " +
                   table,
               "SELECT COUNT(*), SUM(amount), MD5(GROUP_CONCAT(CONCAT(id, ':', COALESCE(v, '-'), amount) ORDER BY id "
               "SEPARATOR ',')) FROM shop." +
                   table);
  }
  // The tables of copies that a server has.
  static std::string left_on(const std::string& server) {
    return ask(server,
               "SELECT coalesce(string_agg(tablename, ' '), 'none') FROM pg_tables WHERE tablename LIKE 'osiris%'",
               "SELECT COALESCE(GROUP_CONCAT(TABLE_NAME), 'none') FROM information_schema.TABLES WHERE TABLE_NAME LIKE "
               "'osiris\\_%'");
  }
  // Chunks that the ledger has; -1: there is none.
  static int committed_on(const std::string& server) {
    const std::string left = left_on(server);
    const size_t at = left.find("_log");
    if (at == std::string::npos || left.find("_done") != std::string::npos) return -1;
    const size_t begin = left.find_last_of(" ,", at) == std::string::npos ? 0 : left.find_last_of(" ,", at) + 1;
    const std::string ledger = left.substr(begin, at + 4 - begin);
    return std::atoi(ask(server, "SELECT count(*) FROM " + ledger + " WHERE chunk >= 0",
                         "SELECT COUNT(*) FROM shop." + ledger + " WHERE chunk >= 0")
                         .c_str());
  }
  Outcome run(bool resumes = false) {
    return project_.osiris(resumes ? std::vector<std::string>{"run", "copy.yaml", "--resume"}
                                   : std::vector<std::string>{"run", "copy.yaml"});
  }
  // What the newest run said of its chunks.
  Json chunks() const {
    const std::vector<Json> said = Project::events(project_.session(), "copy_chunks");
    return said.empty() ? Json() : said.back();
  }
  uint64_t rows_read() const {
    for (const Json& metric : Project::lines(project_.session() / "metrics.jsonl"))
      if (metric["metric"].as_string() == "rows_read" && metric["step_id"].as_string() == "read")
        return metric["value"].as_uint();
    return 0;
  }
  static size_t reads_logged() {
    std::ifstream log(postgres_->directory() / "log");
    size_t reads = 0;
    for (std::string line; std::getline(log, line);) reads += line.find("COPY (SELECT") != std::string::npos;
    return reads;
  }
  // A run that ends by SIGKILL of the host, and the worker with it, somewhere in `life`; false: it ended first.
  bool kill_within(std::chrono::microseconds life, std::mt19937& random) {
    Running running = project_.start({"run", "copy.yaml", "--resume"});
    const auto until =
        Clock::now() + std::chrono::microseconds(std::uniform_int_distribution<int64_t>(0, life.count())(random));
    (void)osiris::test::eventually([&] { return Clock::now() >= until || !is_alive(running.pid()); });
    running.kill(SIGKILL);
    return running.end().exit == 128 + SIGKILL;
  }
  // A copy that stands in its middle: its rows from id `from` on break it.
  void fail_after(const std::string& server, int id) {
    on_postgres("DROP TABLE IF EXISTS target; CREATE TABLE target (id int CHECK (id < " + std::to_string(id) +
                "), v text, amount numeric(12,2)); ALTER TABLE target OWNER TO app");
    ASSERT_EQ(server, "postgres");
  }
  void survive_kills(const std::string& from, const std::string& to);

  static PostgresServer* postgres_;
  static MariaDbServer* mariadb_;
  Project project_;
};
PostgresServer* Copies::postgres_ = nullptr;
MariaDbServer* Copies::mariadb_ = nullptr;

void Copies::survive_kills(const std::string& from, const std::string& to) {
  const auto seed = static_cast<unsigned>(number_of("OSIRIS_KILL_SEED", static_cast<int>(std::random_device()())));
  const int kills = number_of("OSIRIS_KILLS", 34);
  std::printf("OSIRIS_KILL_SEED=%u\n", seed);
  std::mt19937 random(seed);
  write_pipeline(from, to, "write_mode: replace, verify: full");
  const auto begun = Clock::now();
  const Outcome undisturbed = run();
  ASSERT_EQ(undisturbed.exit, 0) << undisturbed.out << undisturbed.err;
  const auto life = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begun);
  const std::string expected = rows_of(to, "target");
  ASSERT_EQ(expected, rows_of(from, "source"));
  ASSERT_EQ(chunks()["committed"].as_int(), kChunks);
  int killed = 0, ended = 1, reused = 0;
  for (int round = 1; killed < kills && round <= kills * kRoundsPerKill; ++round) {
    const int before = std::max(committed_on(to), 0);
    const bool was_killed = kill_within(life, random);
    killed += was_killed;
    ended += !was_killed;
    const int after = committed_on(to);
    // What is committed stays, until the copy has ended.
    if (after >= 0) ASSERT_GE(after, before) << "round " << round;
    if (round % 5 != 0) continue;  // kills after kills too
    const int there = std::max(committed_on(to), 0);
    const Outcome outcome = run(true);
    ASSERT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
    ++ended;
    ASSERT_EQ(rows_of(to, "target"), expected) << "round " << round;
    ASSERT_EQ(left_on(to), "none\n") << "round " << round;
    EXPECT_EQ(chunks()["reused"].as_int(), there);
    EXPECT_EQ(rows_read(), static_cast<uint64_t>(kRows - there * kChunkRows)) << "only what is missing is read";
    reused += there;
  }
  ASSERT_EQ(run(true).exit, 0);
  EXPECT_EQ(rows_of(to, "target"), expected);
  EXPECT_EQ(left_on(to), "none\n");
  EXPECT_EQ(killed, kills) << "the others ended first";
  EXPECT_GT(reused, 0) << "some kill came between chunks";
}

TEST_F(Copies, GoOnAfterKillsFromPostgresToPostgres) {
  const size_t before = reads_logged();
  survive_kills("postgres", "postgres");
  std::printf("%zu reads\n", reads_logged() - before);
}

TEST_F(Copies, GoOnAfterKillsFromMariaDbToPostgres) { survive_kills("mysql", "postgres"); }

TEST_F(Copies, GoOnAfterKillsFromPostgresToMariaDb) { survive_kills("postgres", "mysql"); }

TEST_F(Copies, AFailedOneSaysHowToGoOnAndReadsAtMostOneChunkTwice) {
  write_pipeline("postgres", "postgres", "write_mode: append");
  fail_after("postgres", 2000);
  const size_t before = reads_logged();
  const Outcome failed = run();
  EXPECT_EQ(failed.exit, 1) << failed.out;
  EXPECT_THAT(failed.out + failed.err, HasSubstr("13 of 20 chunks are committed to table osiris_copy_"));
  EXPECT_THAT(failed.out + failed.err, HasSubstr("osiris run --resume goes on from there"));
  EXPECT_EQ(rows_of("postgres", "target").substr(0, 2), "0|");
  EXPECT_EQ(committed_on("postgres"), 13);
  // The staging table has the target's rule: it is mended there, and the columns are as they were.
  on_postgres("ALTER TABLE target DROP CONSTRAINT target_id_check");
  const std::string left = left_on("postgres");
  const std::string staging = left.substr(0, left.find_first_of(" \n"));
  on_postgres("ALTER TABLE " + staging.substr(0, 37) + " DROP CONSTRAINT IF EXISTS target_id_check");
  const Outcome resumed = run(true);
  EXPECT_EQ(resumed.exit, 0) << resumed.out << resumed.err;
  EXPECT_EQ(rows_of("postgres", "target"), rows_of("postgres", "source"));
  EXPECT_EQ(chunks()["reused"].as_int(), 13);
  EXPECT_EQ(left_on("postgres"), "none\n");
  EXPECT_LE(reads_logged() - before, static_cast<size_t>(kChunks + 2)) << "the chunk that failed, and the one after it";
}

TEST_F(Copies, WithoutResumeTheyBeginAnew) {
  write_pipeline("postgres", "postgres", "write_mode: append");
  fail_after("postgres", 2000);
  EXPECT_EQ(run().exit, 1);
  fail_after("postgres", 100000);
  const Outcome again = run();
  EXPECT_EQ(again.exit, 0) << again.out << again.err;
  EXPECT_EQ(chunks()["reused"].as_int(), 0);
  EXPECT_EQ(rows_of("postgres", "target"), rows_of("postgres", "source"));
  EXPECT_EQ(left_on("postgres"), "none\n");
}

TEST_F(Copies, ALaterRunWithoutChunksDropsWhatIsLeft) {
  write_pipeline("postgres", "postgres", "write_mode: append");
  fail_after("postgres", 2000);
  EXPECT_EQ(run().exit, 1);
  fail_after("postgres", 100000);
  on_postgres("DELETE FROM source WHERE id > 50");
  EXPECT_EQ(run().exit, 0);
  EXPECT_TRUE(chunks().is_null());
  EXPECT_EQ(left_on("postgres"), "none\n");
}

TEST_F(Copies, AnotherPipelinesAreLeftAlone) {
  write_pipeline("postgres", "postgres", "write_mode: append");
  fail_after("postgres", 2000);
  EXPECT_EQ(run().exit, 1);
  const std::string left = left_on("postgres");
  fail_after("postgres", 100000);
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
        std::string("UPDATE %log SET chunk = 400 WHERE chunk = 3")}) {
    SCOPED_TRACE(change);
    SetUp();
    write_pipeline("postgres", "postgres", "write_mode: replace, schema_drift: discard_columns");
    fail_after("postgres", 2000);
    EXPECT_EQ(run().exit, 1);
    const std::string left = left_on("postgres");
    const std::string staging = left.substr(0, 37);
    ASSERT_EQ(committed_on("postgres"), 13);
    std::string statement = change;
    if (const size_t at = statement.find("%log"); at != std::string::npos) statement.replace(at, 4, staging + "_log");
    if (const size_t at = statement.find("%staging"); at != std::string::npos) statement.replace(at, 8, staging);
    on_postgres(statement);
    on_postgres("ALTER TABLE target DROP CONSTRAINT target_id_check");
    const Outcome resumed = run(true);
    EXPECT_EQ(resumed.exit, 0) << resumed.out << resumed.err;
    EXPECT_EQ(chunks()["reused"].as_int(), 0);
    EXPECT_EQ(rows_of("postgres", "target"), rows_of("postgres", "source"));
    EXPECT_EQ(left_on("postgres"), "none\n");
  }
}

TEST_F(Copies, TwoAtOnceWaitForEachOther) {
  write_pipeline("postgres", "postgres", "write_mode: replace, lock_timeout: 1");
  fail_after("postgres", 100000);
  on_postgres("BEGIN; SELECT pg_advisory_lock(1)");
  // Another run's lock, held by a session of its own: the table is known by the step alone.
  Running first = project_.start({"run", "copy.yaml"});
  const Outcome second = run(true);
  const Outcome one = first.end();
  EXPECT_EQ(std::min(one.exit, second.exit), 0) << one.err << second.err;
  const std::string said = one.out + one.err + second.out + second.err;
  if (one.exit != 0 || second.exit != 0) {
    EXPECT_THAT(said, testing::AnyOf(HasSubstr("another run of step save is copying"), HasSubstr("under way")));
  }
  EXPECT_EQ(rows_of("postgres", "target"), rows_of("postgres", "source"));
  EXPECT_EQ(left_on("postgres"), "none\n");
}

TEST_F(Copies, AServerThatRestartsInTheMiddleLosesAtMostTheChunkUnderWay) {
  write_pipeline("mysql", "postgres", "write_mode: replace");
  Running running = project_.start({"run", "copy.yaml"});
  ASSERT_TRUE(
      osiris::test::eventually([] { return committed_on("postgres") >= 1 || left_on("postgres") == "none\n"; }));
  postgres_->crash();
  ASSERT_TRUE(postgres_->start_again().ok());
  const Outcome outcome = running.end();
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
