// The write modes and the keys of the config, by LOAD DATA LOCAL and by INSERT.
#include <thread>

#include "tests/drivers/mysql.writer/writing.h"

namespace osiris::worker::test {
namespace {

using osiris::test::MariaDbServer;

constexpr char kTwo[] = "SELECT * FROM (VALUES (1::INTEGER, 'one'), (2, 'two')) t(id, name)";
constexpr char kOther[] = "SELECT * FROM (VALUES (2::INTEGER, 'zwei'), (3, 'drei')) t(id, name)";

class MysqlModes : public testing::TestWithParam<bool> {
 protected:
  MariaDbServer& server() { return GetParam() ? loading_server() : inserting_server(); }
  std::string write(const std::string& select, std::initializer_list<Json::Member> config) {
    MysqlWriteStep step(select, config, server());
    const std::string outcome = step.outcome();
    said_ = step.everything_said();
    EXPECT_EQ(said_.find(kPassword), std::string::npos);
    EXPECT_EQ(ask("SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'osiris%'"), "");
    return outcome;
  }
  std::string ask(const std::string& sql) { return ask_database(sql, server()); }
  std::string table(const std::string& name) { return ask("SELECT * FROM shop." + name + " ORDER BY 1, 2"); }
  std::string said_;
};

INSTANTIATE_TEST_SUITE_P(By, MysqlModes, testing::Bool(),
                         [](const auto& one) { return one.param ? "LoadData" : "Insert"; });

TEST_P(MysqlModes, AppendMakesTheTableAndAddsToIt) {
  in_database("DROP TABLE IF EXISTS app", server());
  EXPECT_EQ(write(kTwo, {{"table", "app"}, {"primary_key", "name"}, {"create_table", true}}), "ok 2");
  EXPECT_EQ(write("SELECT 'x\\y''\t\nz' AS NAME, 9 AS Id", {{"table", "app"}, {"echo", true}}), "ok 1");
  EXPECT_EQ(ask("SELECT id, HEX(name) FROM shop.app ORDER BY id"), "1|6F6E65\n2|74776F\n9|785C7927090A7A\n");
  EXPECT_EQ(said_.find("LOAD DATA LOCAL") != std::string::npos, false) << "rows are not echoed";
}

TEST_P(MysqlModes, ATableThatIsNotThereIsAnErrorThatShowsIt) {
  const std::string said = write(kTwo, {{"table", "nowhere"}});
  EXPECT_NE(said.find("table nowhere does not exist"), std::string::npos) << said;
  EXPECT_NE(said.find("CREATE TABLE `nowhere` (`id` INT NULL, `name` LONGTEXT NULL)"), std::string::npos) << said;
}

TEST_P(MysqlModes, EveryNameIsQuoted) {
  in_database("DROP TABLE IF EXISTS `we``ird`", server());
  EXPECT_EQ(write("SELECT 1 AS \"a`b\", 2 AS \"select\"", {{"table", "we`ird"}, {"create_table", true}}), "ok 1");
  EXPECT_EQ(ask("SELECT `a``b`, `select` FROM shop.`we``ird`"), "1|2\n");
}

TEST_P(MysqlModes, TruncateEmptiesTheTableAndKeepsIt) {
  in_database(
      "CREATE OR REPLACE TABLE trunc (id int, name varchar(9), more int DEFAULT 5); INSERT INTO trunc VALUES (7, 'x', "
      "1)",
      server());
  EXPECT_EQ(write(kTwo, {{"table", "trunc"}, {"write_mode", "truncate"}}), "ok 2");
  EXPECT_EQ(table("trunc"), "1|one|5\n2|two|5\n");
  EXPECT_EQ(write(kOther, {{"table", "trunc"}, {"truncate_before", true}}), "ok 2");
  EXPECT_EQ(table("trunc"), "2|zwei|5\n3|drei|5\n");
}

TEST_P(MysqlModes, ReplaceSwapsTheTableAndKeepsWhatItIs) {
  in_database(
      "CREATE OR REPLACE TABLE swap (id int PRIMARY KEY, name varchar(20) DEFAULT 'none', KEY by_name (name));"
      "INSERT INTO swap VALUES (7, 'old')",
      server());
  EXPECT_EQ(write(kTwo, {{"table", "swap"}, {"write_mode", "replace"}}), "ok 2");
  EXPECT_EQ(table("swap"), "1|one\n2|two\n");
  EXPECT_EQ(ask("SELECT DISTINCT index_name FROM information_schema.statistics WHERE table_name = 'swap' ORDER BY 1"),
            "by_name\nPRIMARY\n");
}

TEST_P(MysqlModes, ReplaceFillsATableWithTriggersItself) {
  in_database(
      "CREATE OR REPLACE TABLE seen (id int, name text); CREATE OR REPLACE TABLE audit (id int);"
      "CREATE TRIGGER notes AFTER INSERT ON seen FOR EACH ROW INSERT INTO audit VALUES (NEW.id);"
      "INSERT INTO seen VALUES (7, 'old')",
      server());
  EXPECT_EQ(write(kTwo, {{"table", "seen"}, {"write_mode", "replace"}}), "ok 2");
  EXPECT_EQ(table("seen"), "1|one\n2|two\n");
  EXPECT_NE(said_.find("because it has the trigger notes"), std::string::npos) << said_;
  EXPECT_EQ(ask("SELECT COUNT(*) FROM shop.audit"), "3\n");
}

TEST_P(MysqlModes, UpsertInsertsNewRowsAndUpdatesTheOthers) {
  in_database(
      "CREATE OR REPLACE TABLE ups (id int PRIMARY KEY, name varchar(20)); INSERT INTO ups VALUES (1, 'one'), (2, "
      "'two')",
      server());
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(write(kOther, {{"table", "ups"}, {"write_mode", "upsert"}, {"upsert_keys", "ID"}}), "ok 2");
  EXPECT_EQ(table("ups"), "1|one\n2|zwei\n3|drei\n");
}

TEST_P(MysqlModes, UpsertNeedsKeysThatTellRowsApart) {
  const auto upsert = [&](const std::string& select, const char* name) {
    return write(select, {{"table", name}, {"write_mode", "upsert"}, {"primary_key", "id"}});
  };
  in_database(
      "CREATE OR REPLACE TABLE keyless (id int, name text);"
      "CREATE OR REPLACE TABLE keyed (id int PRIMARY KEY, name varchar(20));"
      "CREATE OR REPLACE TABLE two_keys (id int PRIMARY KEY, name varchar(20) UNIQUE)",
      server());
  EXPECT_NE(upsert(kTwo, "keyless").find("no primary key or unique index on (id)"), std::string::npos);
  EXPECT_NE(upsert(kTwo, "two_keys").find("a second unique index, on (name)"), std::string::npos);
  EXPECT_NE(upsert("SELECT 5 AS id, 'x' AS name FROM range(3)", "keyed").find("the key (id) = (5) 3 times"),
            std::string::npos);
  EXPECT_NE(upsert("SELECT 'x' AS name", "keyed").find("'id'"), std::string::npos);
  EXPECT_NE(write(kTwo, {{"table", "keyed"}, {"write_mode", "upsert"}}).find("'primary_key' is required"),
            std::string::npos);
  EXPECT_EQ(table("keyed"), "");
}

TEST_P(MysqlModes, DriftFreezesUnlessToldOtherwise) {
  in_database("CREATE OR REPLACE TABLE drift (id int)", server());
  const auto drift = [&](const char* how) {
    return write("SELECT 1 AS id, 1.5::DECIMAL(4,1) AS price", {{"table", "drift"}, {"schema_drift", how}});
  };
  EXPECT_NE(drift("freeze").find("table drift has no column 'price'; it has id"), std::string::npos);
  EXPECT_EQ(drift("discard_columns"), "ok 1");
  EXPECT_EQ(drift("evolve"), "ok 1");
  EXPECT_EQ(table("drift"), "1|NULL\n1|1.5\n");
  in_database("CREATE OR REPLACE TABLE drift (id int CHECK (id < 9))", server());
  EXPECT_NE(write("SELECT 9 AS id, 1 AS more", {{"table", "drift"}, {"schema_drift", "evolve"}}).substr(0, 2), "ok");
  EXPECT_EQ(ask("SELECT column_name FROM information_schema.columns WHERE table_name = 'drift'"), "id\n")
      << "a column that was added for nothing goes again";
}

TEST_P(MysqlModes, RowsThatTheServerWouldChangeAreErrors) {
  in_database(
      "CREATE OR REPLACE TABLE rules (id int PRIMARY KEY, n tinyint NOT NULL, t varchar(3), CHECK (n < 100));"
      "INSERT INTO rules VALUES (-1, 1, 'a')",
      server());
  const auto rules = [&](const std::string& n, const std::string& t = "'x'") {
    return write("SELECT i::INTEGER AS id, " + n + "::INTEGER AS n, " + t + " AS t FROM range(1000) t(i)",
                 {{"table", "rules"}});
  };
  EXPECT_NE(rules("CASE WHEN i = 321 THEN 128 ELSE 1 END").find("row 322"), std::string::npos);
  EXPECT_NE(rules("CASE WHEN i = 7 THEN NULL ELSE 1 END").find("'n'"), std::string::npos);
  EXPECT_NE(rules("CASE WHEN i = 7 THEN 100 ELSE 1 END").find("CONSTRAINT"), std::string::npos);
  EXPECT_NE(rules("1", "'abcd'").find("for column 't' at row 1"), std::string::npos) << rules("1", "'abcd'");
  EXPECT_NE(write("SELECT (i % 600)::INTEGER AS id, 1 AS n FROM range(1000) t(i)", {{"table", "rules"}})
                .find("Duplicate entry '0' for key 'PRIMARY'"),
            std::string::npos);
  EXPECT_EQ(table("rules"), "-1|1|a\n");
}

TEST_P(MysqlModes, ANullThatTheServerWouldReplaceIsAnError) {
  in_database(
      "CREATE OR REPLACE TABLE numbered (id int AUTO_INCREMENT PRIMARY KEY, n int);"
      "CREATE OR REPLACE TABLE stamped (n int, at timestamp NOT NULL);"
      "CREATE OR REPLACE TABLE unstamped (n int, at timestamp NULL)",
      server());
  EXPECT_NE(write("SELECT nullif(i, 1)::INTEGER AS id, 7 AS n FROM range(3) t(i)", {{"table", "numbered"}})
                .find("column 'id', row 2: it is NULL, and the server would put a value of its own there"),
            std::string::npos);
  EXPECT_EQ(write("SELECT 7 AS n", {{"table", "numbered"}}), "ok 1") << "a column that is left out is the server's";
  EXPECT_EQ(table("numbered"), "1|7\n");
  const std::string late = "SELECT 1 AS n, NULL::TIMESTAMP AS at";
  EXPECT_NE(write(late, {{"table", "stamped"}}).find("column 'at', row 1: it is NULL"), std::string::npos);
  EXPECT_EQ(table("stamped"), "");
  EXPECT_EQ(write(late, {{"table", "unstamped"}}), "ok 1");
}

TEST_P(MysqlModes, ReplaceKeepsTheHistoryOfATable) {
  in_database(
      "CREATE OR REPLACE TABLE versioned (id int PRIMARY KEY, name varchar(9)) WITH SYSTEM VERSIONING;"
      "INSERT INTO versioned VALUES (7, 'old')",
      server());
  EXPECT_EQ(write(kTwo, {{"table", "versioned"}, {"write_mode", "replace"}}), "ok 2");
  EXPECT_NE(said_.find("because it keeps the history of its rows"), std::string::npos) << said_;
  EXPECT_EQ(table("versioned"), "1|one\n2|two\n");
  EXPECT_EQ(ask("SELECT COUNT(*) FROM shop.versioned FOR SYSTEM_TIME ALL"), "3\n");
}

TEST_P(MysqlModes, ManyRowsArriveInSeveralStatements) {
  in_database("DROP TABLE IF EXISTS many", server());
  const std::string select = "SELECT i AS id, repeat('x', 100) AS pad FROM range(200000) t(i)";
  EXPECT_EQ(write(select, {{"table", "many"}, {"create_table", true}, {"batch_size", 30000}}), "ok 200000");
  EXPECT_EQ(ask("SELECT COUNT(*), COUNT(DISTINCT id), SUM(LENGTH(pad)) FROM shop.many"), "200000|200000|20000000\n");
}

TEST_P(MysqlModes, AnEngineWithoutTransactionsIsRefused) {
  in_database("CREATE OR REPLACE TABLE isam (id int, name text) ENGINE=Aria TRANSACTIONAL=0", server());
  EXPECT_NE(write(kTwo, {{"table", "isam"}}).find("an engine without transactions"), std::string::npos);
  EXPECT_EQ(write(kTwo, {{"table", "isam"}, {"write_mode", "replace"}}), "ok 2");
}

TEST_P(MysqlModes, TwoWritersBothArrive) {
  for (const char* mode : {"append", "replace", "truncate", "upsert"}) {
    in_database("CREATE OR REPLACE TABLE shared (id int PRIMARY KEY)", server());
    const auto one = [&](int first) {
      return MysqlWriteStep("SELECT (i + " + std::to_string(first) + ")::INTEGER AS id FROM range(5000) t(i)",
                            {{"table", "shared"}, {"write_mode", mode}, {"primary_key", "id"}}, server())
          .outcome();
    };
    std::string other;
    std::thread thread([&] { other = one(5000); });
    EXPECT_EQ(one(0), "ok 5000") << mode;
    thread.join();
    EXPECT_EQ(other, "ok 5000") << mode;
    const bool is_added = std::string(mode) == "append" || std::string(mode) == "upsert";
    EXPECT_EQ(ask("SELECT COUNT(*) FROM shop.shared"), is_added ? "10000\n" : "5000\n") << mode;
  }
}

}  // namespace
}  // namespace osiris::worker::test
