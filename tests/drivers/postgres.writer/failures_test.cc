// What may go wrong while rows are written: each an error that says what, where and on which row, and the table is as
// it was.
#include <thread>

#include "tests/drivers/postgres.writer/writing.h"
#include "tests/support/eventually.h"

namespace osiris::worker::test {
namespace {

TEST(PostgresConstraint, NamesTheRow) {
  in_shop("CREATE TABLE rules (id int PRIMARY KEY, n int NOT NULL CHECK (n < 100)); INSERT INTO rules VALUES (-1, 1)");
  const auto write = [](const std::string& n) {
    return WriteStep("SELECT i::INTEGER AS id, " + n + "::INTEGER AS n FROM range(5000) t(i)", {{"table", "rules"}})
        .outcome();
  };
  const std::string check = write("CASE WHEN i = 4321 THEN 100 ELSE 1 END");
  EXPECT_NE(check.find("in table public.rules, row 4322: new row for relation \"rules\" violates check constraint"),
            std::string::npos)
      << check;
  const std::string null = write("CASE WHEN i = 7 THEN NULL ELSE 1 END");
  EXPECT_NE(null.find("row 8: null value in column \"n\""), std::string::npos) << null;
  const std::string twice =
      WriteStep("SELECT (i % 3000)::INTEGER AS id, 1 AS n FROM range(5000) t(i)", {{"table", "rules"}}).outcome();
  EXPECT_NE(twice.find("row 3001: duplicate key value"), std::string::npos) << twice;
  EXPECT_NE(twice.find("Key (id)=(0) already exists"), std::string::npos) << twice;
  EXPECT_EQ(ask_shop("SELECT * FROM rules"), "-1|1\n");
}

TEST(PostgresConstraint, IsFoundBeforeALongLoadEnds) {
  in_shop("CREATE TABLE early (id bigint CHECK (id > 0), pad text)");
  WriteStep step("SELECT i AS id, repeat('x', 1000) AS pad FROM range(2000000) t(i)", {{"table", "early"}});
  const std::string said = step.outcome();
  EXPECT_NE(said.find("row 1: new row for relation"), std::string::npos) << said;
  EXPECT_LT(step.progress_reports().back(), 1000000u) << "it sent what the server had refused";
}

TEST(PostgresConstraint, OfAnUpsertNamesTheKey) {
  in_shop("CREATE TABLE prices (id int PRIMARY KEY, p numeric CHECK (p > 0)); INSERT INTO prices VALUES (1, 5)");
  const std::string said = WriteStep("SELECT 1 AS id, (-2)::DECIMAL(4,1) AS p",
                                     {{"table", "prices"}, {"write_mode", "upsert"}, {"primary_key", "id"}})
                               .outcome();
  EXPECT_NE(said.find("prices_p_check"), std::string::npos) << said;
  EXPECT_NE(said.find("Failing row contains (1, -2.0)"), std::string::npos) << said;
  EXPECT_EQ(ask_shop("SELECT * FROM prices"), "1|5\n");
}

TEST(PostgresRights, ThatAreMissingAreSaid) {
  ASSERT_TRUE(
      plain_postgres().execute("CREATE TABLE theirs (id int); CREATE VIEW seen_only AS SELECT 1 AS id", "shop").ok());
  WriteStep step("SELECT 1 AS id", {{"table", "theirs"}});
  const Error error = step.error();
  EXPECT_EQ(error.category, "write.permission_denied");
  EXPECT_NE(error.message.find("permission denied for table theirs"), std::string::npos) << error.message;
  EXPECT_NE(WriteStep("SELECT 1 AS id", {{"table", "seen_only"}}).outcome().find("is no table"), std::string::npos);
}

TEST(PostgresServerThat, TakesNoWritesIsSaid) {
  ASSERT_TRUE(plain_postgres().execute("ALTER ROLE app SET default_transaction_read_only = on").ok());
  const std::string said = WriteStep("SELECT 1 AS id", {{"table", "readonly"}}).outcome();
  ASSERT_TRUE(plain_postgres().execute("ALTER ROLE app RESET default_transaction_read_only").ok());
  EXPECT_NE(said.find("SQLSTATE 25006"), std::string::npos) << said;
  EXPECT_NE(said.find("takes no writes"), std::string::npos) << said;
}

TEST(PostgresServerThat, IsOutOfDiskIsSaid) {
  in_shop(
      "CREATE TABLE full_disk (id int); INSERT INTO full_disk VALUES (-1); CREATE FUNCTION no_space() RETURNS trigger "
      "LANGUAGE plpgsql AS $$BEGIN IF NEW.id = 2000 THEN RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'could not "
      "extend file \"base/1/2\": No space left on device'; END IF; RETURN NEW; END$$; CREATE TRIGGER no_space BEFORE "
      "INSERT ON full_disk FOR EACH ROW EXECUTE FUNCTION no_space()");
  WriteStep step("SELECT i::INTEGER AS id FROM range(5000) t(i)", {{"table", "full_disk"}});
  const Error error = step.error();
  EXPECT_EQ(error.category, "write.disk_full") << error.message;
  EXPECT_NE(error.message.find("No space left on device (SQLSTATE 53100)"), std::string::npos) << error.message;
  EXPECT_EQ(ask_shop("SELECT * FROM full_disk"), "-1\n");
}

// A server whose files cannot grow any more, from the middle of a load on, in each way of writing.
TEST(PostgresServerThat, HasNoRoomLeftKeepsTheTable) {
  osiris::test::PostgresOptions options;
  options.disk_may_fill = true;
  auto server = osiris::test::PostgresServer::start(std::move(options));
  ASSERT_TRUE(server.ok()) << server.error().message;
  for (const char* sql :
       {"CREATE ROLE app LOGIN SUPERUSER PASSWORD E'p@ss/w:rd %41''\"\\\\'", "CREATE DATABASE shop OWNER app"})
    ASSERT_TRUE((*server)->execute(sql).ok());
  ASSERT_TRUE(
      (*server)
          ->execute("CREATE TABLE t AS SELECT -1::bigint AS id, 'old' AS pad; ALTER TABLE t ADD PRIMARY KEY (id)",
                    "shop")
          .ok());
  const auto step = [&](const char* mode, const char* rows) {
    auto made = std::make_unique<PostgresStep>(**server, postgres_writer());
    made->add_input("rows", std::string("SELECT i AS id, repeat('x', 500) AS pad FROM range(") + rows + ") t(i)");
    made->configure({{"table", "t"}, {"write_mode", mode}, {"primary_key", "id"}});
    return made;
  };
  for (const char* mode : {"append", "truncate", "replace", "upsert"}) {
    auto writing = step(mode, "400000");
    writing->on_progress([&](uint64_t) { (*server)->disk().fill(); });
    const Error error = writing->error();
    EXPECT_EQ(error.category, "write.disk_full") << mode << error.message;
    EXPECT_NE(error.message.find("No space left on device (SQLSTATE 53100)"), std::string::npos) << error.message;
    (*server)->disk().empty();
    EXPECT_EQ(*(*server)->query("SELECT * FROM t", "shop"), "-1|old\n") << mode;
    EXPECT_EQ(*(*server)->query("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'osiris%'", "shop"), "0\n");
  }
  const auto done = step("append", "1000")->run();
  EXPECT_TRUE(done.ok()) << done.error().message;
}

TEST(PostgresWait, ForAStatementEnds) {
  in_shop(
      "CREATE TABLE slow (id int); CREATE FUNCTION rest() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM "
      "pg_sleep(0.5); RETURN NEW; END$$; CREATE TRIGGER rest BEFORE INSERT ON slow FOR EACH ROW EXECUTE FUNCTION "
      "rest()");
  WriteStep step("SELECT i AS id FROM range(100) t(i)", {{"table", "slow"}, {"statement_timeout", 1}});
  const Error error = step.error();
  EXPECT_EQ(error.category, "runtime.timeout") << error.message;
  EXPECT_NE(error.message.find("statement timeout"), std::string::npos) << error.message;
  EXPECT_EQ(ask_shop("SELECT count(*) FROM slow"), "0\n");
}

TEST(PostgresServerThat, CrashesInTheMiddleLeavesTheTableAsItWas) {
  osiris::test::PostgresOptions options;
  options.settings = {"synchronous_commit=on"};  // or the crash takes more than this transaction
  auto server = osiris::test::PostgresServer::start(std::move(options));
  ASSERT_TRUE(server.ok()) << server.error().message;
  for (const char* sql :
       {"CREATE ROLE app LOGIN SUPERUSER PASSWORD E'p@ss/w:rd %41''\"\\\\'", "CREATE DATABASE shop OWNER app"})
    ASSERT_TRUE((*server)->execute(sql).ok());
  ASSERT_TRUE((*server)->execute("CREATE TABLE t AS SELECT -1::bigint AS id", "shop").ok());
  PostgresStep step(**server, postgres_writer());
  step.add_input("rows", "SELECT i AS id FROM range(3000000) t(i)");
  step.configure({{"table", "t"}, {"write_mode", "truncate"}});
  bool is_down = false;
  step.on_progress([&](uint64_t) {
    if (!std::exchange(is_down, true)) (*server)->crash();
  });
  const Error error = step.error();
  EXPECT_EQ(error.code, Code::kUnavailable);
  EXPECT_EQ(error.category, "connection.failed") << error.message;
  ASSERT_TRUE((*server)->start_again().ok());
  EXPECT_EQ(*(*server)->query("SELECT * FROM t", "shop"), "-1\n");
}

TEST(PostgresWait, ForALockEnds) {
  in_shop("CREATE TABLE busy (id int)");
  std::thread other([] { (void)plain_postgres().query("BEGIN; LOCK TABLE busy; SELECT pg_sleep(8); COMMIT", "shop"); });
  EXPECT_TRUE(osiris::test::eventually(
      [] { return ask_shop("SELECT count(*) FROM pg_locks WHERE relation = 'busy'::regclass AND granted") != "0\n"; }));
  WriteStep step("SELECT 1 AS id", {{"table", "busy"}, {"lock_timeout", 1}});
  const Error error = step.error();
  other.join();
  EXPECT_EQ(error.category, "runtime.timeout") << error.message;
  EXPECT_NE(error.message.find("lock timeout"), std::string::npos) << error.message;
}

TEST(PostgresWait, ForALockIsLeftWhenCancelled) {
  in_shop("CREATE TABLE held (id int)");
  std::thread other([] { (void)plain_postgres().query("BEGIN; LOCK TABLE held; SELECT pg_sleep(8); COMMIT", "shop"); });
  EXPECT_TRUE(osiris::test::eventually(
      [] { return ask_shop("SELECT count(*) FROM pg_locks WHERE relation = 'held'::regclass AND granted") != "0\n"; }));
  WriteStep step("SELECT 1 AS id", {{"table", "held"}});
  std::thread canceller([&] {
    EXPECT_TRUE(osiris::test::eventually([] {
      return ask_shop("SELECT count(*) FROM pg_locks WHERE relation = 'held'::regclass AND NOT granted") != "0\n";
    }));
    step.cancel();
  });
  EXPECT_EQ(step.error().code, Code::kCancelled);
  canceller.join();
  other.join();
  EXPECT_EQ(ask_shop("SELECT count(*) FROM held"), "0\n");
}

}  // namespace
}  // namespace osiris::worker::test
