// Every component of a database against what can be wrong with its server, account and table: the real osiris, worker,
// PostgreSQL and MariaDB. Each run fails as a step does, with its category and the words of the server, leaves the
// target as it was and nothing beside it, and no secret in any file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <thread>

#include "protocol/base/text.h"
#include "tests/e2e/project.h"
#include "tests/mysql/mariadb_server.h"
#include "tests/postgres/postgres_server.h"
#include "tests/support/eventually.h"
#include "tests/unit/http/scripted_server.h"

namespace osiris::e2e {
namespace {

using osiris::test::MariaDbOptions;
using osiris::test::MariaDbServer;
using osiris::test::PostgresOptions;
using osiris::test::PostgresServer;
using testing::HasSubstr;

constexpr char kPassword[] = "c4nary/P@ss:word", kWrong[] = "wr0ng/c4nary:word";

enum class Family { kPostgres, kMysql };
std::string name_of(Family family) { return family == Family::kPostgres ? "postgres" : "mysql"; }

struct Fault {
  std::string name;
  std::string connection;     // fields that are added, or replaced; PORT, CA and so on are the servers'
  std::string reads, writes;  // more of the step's config; "-": no fault to it
  std::string category;       // of a read; of a write "write." in the place of "extract."
  std::string says;
  std::string before = {}, after = {};  // SQL of the server's administrator
  std::string meanwhile = {};           // held open while the step runs
};

std::vector<Fault> faults_of(Family family) {
  const bool is_postgres = family == Family::kPostgres;
  const std::string verify_ca = is_postgres ? "sslmode: verify-ca, sslrootcert: " : "ssl_mode: verify_ca, ssl_ca: ";
  std::vector<Fault> all = {
      {"wrong password", "password: '${WRONG}'", "", "", "connection.auth_failed", "app"},
      {"refused", "port: 1", "", "", "connection.failed", "refused"},
      {"no such host", "host: no-such-host.invalid, connect_timeout: 5", "", "", "connection.failed",
       "no-such-host.invalid"},
      {"a server that says nothing", "port: SILENT, connect_timeout: 1", "", "", "connection.timeout", "1 s"},
      {"no such database", "database: nowhere", "", "", "connection.invalid_config", "nowhere"},
      {"an untrusted certificate", "port: EXPIRED, " + verify_ca + "OTHER_CA", "", "", "connection.failed",
       "certificate"},
      {"an expired certificate", "port: EXPIRED, " + verify_ca + "OWN_CA", "", "", "connection.failed", "certificate"},
      {"no such table", "", "table: absent", "table: absent, create_table: false", "extract.query_failed", "absent"},
      {"no right", "user: stranger", "", "table: narrow, schema_drift: discard_columns", "extract.permission_denied",
       "denied"},
      {"a column that the table lacks", "", "-", "table: narrow", "extract.failed", "v"},
      {"a row that is there", "", "-", "write_mode: append", "extract.failed",
       is_postgres ? "row 2" : "Duplicate entry '2'"}};
  if (is_postgres) {
    all.push_back({"a statement that takes too long", "statement_timeout: 1", "query: 'SELECT pg_sleep(60) AS s'",
                   "table: slow", "runtime.timeout", "statement timeout"});
    all.push_back({"a lock", "", "lock_timeout: 1", "lock_timeout: 1", "runtime.timeout", "lock timeout", "", "",
                   "BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(600)"});
    all.push_back({"a server that takes no writes", "", "-", "", "extract.failed", "takes no writes",
                   "ALTER ROLE app SET default_transaction_read_only = on",
                   "ALTER ROLE app RESET default_transaction_read_only"});
  } else {
    all.push_back({"a statement that takes too long", "", "table: slow, source: {statement_timeout: 1}", "-",
                   "runtime.timeout", "max_statement_time"});
    all.push_back({"a lock", "", "-", "lock_timeout: 1", "runtime.timeout", "Lock wait timeout", "", "",
                   "START TRANSACTION; SELECT * FROM shop.t FOR UPDATE; DO SLEEP(600)"});
    all.push_back({"a server that takes no writes", "", "-", "", "extract.failed", "takes no writes",
                   "SET GLOBAL read_only = 1", "SET GLOBAL read_only = 0"});
  }
  return all;
}

class DatabaseFaults : public testing::TestWithParam<Family> {
 protected:
  void SetUp() override {
    PostgresOptions expired;
    expired.tls = expired.tls_is_expired = true;
    MariaDbOptions mariadb_expired;
    mariadb_expired.tls = mariadb_expired.tls_is_expired = true;
    is_postgres_ = GetParam() == Family::kPostgres;
    if (is_postgres_) {
      auto plain = PostgresServer::start();
      ASSERT_TRUE(plain.ok()) << plain.error().message;
      postgres_ = *std::move(plain);
      auto late = PostgresServer::start(std::move(expired));
      ASSERT_TRUE(late.ok()) << late.error().message;
      expired_postgres_ = *std::move(late);
    } else {
      auto plain = MariaDbServer::start();
      ASSERT_TRUE(plain.ok()) << plain.error().message;
      mariadb_ = *std::move(plain);
      auto late = MariaDbServer::start(std::move(mariadb_expired));
      ASSERT_TRUE(late.ok()) << late.error().message;
      expired_mariadb_ = *std::move(late);
    }
    const std::string password(kPassword);
    if (is_postgres_)
      on_server(
          "CREATE ROLE app LOGIN PASSWORD '" + password + "'; CREATE ROLE stranger LOGIN PASSWORD '" + password +
          "'; GRANT CREATE, USAGE ON SCHEMA public TO app; SET ROLE app; CREATE TABLE t (id int PRIMARY KEY, v "
          "text); INSERT INTO t VALUES (2, 'old'); CREATE TABLE narrow (id int PRIMARY KEY); CREATE TABLE slow (id "
          "int, v text); CREATE FUNCTION rest() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep(60); "
          "RETURN NEW; END$$; CREATE TRIGGER rest BEFORE INSERT ON slow FOR EACH ROW EXECUTE FUNCTION rest()");
    else
      on_server(
          "CREATE DATABASE shop; CREATE USER app@'%' IDENTIFIED BY '" + password + "', stranger@'%' IDENTIFIED BY '" +
          password +
          "'; GRANT ALL ON shop.* TO app@'%'; GRANT ALL ON nowhere.* TO app@'%'; USE shop; "
          "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (2, 'old'); CREATE TABLE narrow (id int "
          "PRIMARY KEY); CREATE VIEW slow AS SELECT 1 AS id, SLEEP(60) AS v; GRANT SELECT ON narrow TO stranger@'%'");
  }
  void on_server(const std::string& sql) {
    const Status done = is_postgres_ ? postgres_->execute(sql) : mariadb_->execute(sql);
    ASSERT_TRUE(done.ok()) << done.error().message << sql;
  }
  std::string ask(const std::string& sql) {
    const auto answer = is_postgres_ ? postgres_->query(sql) : mariadb_->query(sql);
    return answer.ok() ? *answer : answer.error().message;
  }
  std::string rows() { return ask(is_postgres_ ? "SELECT * FROM t" : "SELECT * FROM shop.t"); }
  std::string left() {
    return ask(is_postgres_ ? "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'osiris%'"
                            : "SELECT COUNT(*) FROM information_schema.tables WHERE table_name LIKE 'osiris%'");
  }
  // Ends what `meanwhile` holds.
  void end_holders() {
    if (is_postgres_) {
      (void)ask(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> "
          "pg_backend_pid()");
      return;
    }
    const std::string kill =
        ask("SELECT COALESCE(GROUP_CONCAT(CONCAT('KILL ', ID) SEPARATOR ';'), '') FROM information_schema.PROCESSLIST "
            "WHERE "
            "INFO LIKE 'DO SLEEP(600)%'");
    (void)mariadb_->execute(kill);
  }
  void connect(Project& project, const Fault& fault, int silent_port) {
    const std::string port = std::to_string(is_postgres_ ? postgres_->port() : mariadb_->port());
    std::map<std::string, std::string> values = {{"host", "127.0.0.1"},
                                                 {"port", port},
                                                 {"database", is_postgres_ ? "postgres" : "shop"},
                                                 {"user", "app"},
                                                 {"password", "'${PASSWORD}'"}};
    for (const std::string& field : split(fault.connection, ',')) {
      const size_t colon = field.find(':');
      if (colon == std::string::npos) continue;
      values[std::string(trim(field.substr(0, colon)))] = std::string(trim(field.substr(colon + 1)));
    }
    const auto replace = [&](std::string& value, const std::string& word, const std::string& by) {
      if (value == word) value = by;
    };
    std::string line;
    for (auto& [field, value] : values) {
      replace(value, "SILENT", std::to_string(silent_port));
      replace(value, "EXPIRED", std::to_string(is_postgres_ ? expired_postgres_->port() : expired_mariadb_->port()));
      replace(value, "OWN_CA", is_postgres_ ? expired_postgres_->ca_file() : expired_mariadb_->ca_file());
      replace(value, "OTHER_CA", is_postgres_ ? expired_postgres_->other_ca_file() : expired_mariadb_->other_ca_file());
      line += (line.empty() ? "" : ", ") + field + ": " + value;
    }
    project.write("osiris_connections.yaml",
                  "version: 1\nconnections:\n  " + name_of(GetParam()) + ":\n    db: {" + line + "}\n", 0600);
    project.set("PASSWORD", kPassword);
    project.set("WRONG", kWrong);
  }
  void expect_clear_failure(const Fault& fault, bool writes);

  bool is_postgres_ = true;
  std::unique_ptr<PostgresServer> postgres_, expired_postgres_;
  std::unique_ptr<MariaDbServer> mariadb_, expired_mariadb_;
};

// `more` over the usual config of a step.
std::string config_of(const std::string& family, const std::string& more, bool writes) {
  const bool names_table = more.starts_with("table: ") || more.starts_with("query: ");
  return "{connection: '@" + family + ".db'" + (names_table ? "" : ", table: t") +
         (writes && more.find("write_mode") == std::string::npos ? ", write_mode: append" : "") +
         (more.empty() ? "" : ", " + more) + "}";
}

void DatabaseFaults::expect_clear_failure(const Fault& fault, bool writes) {
  const std::string& more = writes ? fault.writes : fault.reads;
  if (more == "-") return;
  SCOPED_TRACE(name_of(GetParam()) + (writes ? ", writes, " : ", reads, ") + fault.name);
  const http::ScriptedServer silent([](http::Connection& connection) { connection.wait_for_peer(); });
  Project project;
  connect(project, fault, silent.port());
  // The second row is there already; the others are not.
  project.write("in.csv", fault.name == "a row that is there" ? "id,v\n1,a\n2,b\n" : "id,v\n11,a\n12,b\n");
  const std::string family = name_of(GetParam()), config = config_of(family, more, writes);
  const std::string csv = writes ? "filesystem.csv_extractor\n    mode: read\n    config: {path: in.csv}\n"
                                 : "filesystem.csv_writer\n    mode: write\n    config: {path: out.csv}\n";
  const std::string asks = "  - id: asks\n    component: " + family + (writes ? ".writer" : ".extractor") +
                           "\n    mode: " + (writes ? "write" : "read") + "\n    config: " + config + "\n";
  const std::string other = "  - id: other\n    component: " + csv;
  project.write("p.yaml", oml("p", writes ? std::vector{other, asks} : std::vector{asks, other}));
  if (!fault.before.empty()) on_server(fault.before);
  std::thread holder;
  if (!fault.meanwhile.empty()) {
    holder = std::thread(
        [&] { (void)(is_postgres_ ? postgres_->execute(fault.meanwhile) : mariadb_->execute(fault.meanwhile)); });
    EXPECT_TRUE(osiris::test::eventually([&] {
      return ask(is_postgres_
                     ? "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
                     : "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'DO SLEEP(600)%'") != "0\n";
    }));
  }
  const Outcome outcome = project.osiris({"run", "p.yaml", "--json"});
  if (holder.joinable()) {
    end_holders();
    holder.join();
  }
  if (!fault.after.empty()) on_server(fault.after);
  EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
  std::string category, said;
  const Json document = outcome.json();
  for (const Json& each : document["steps"].items()) {
    if (each["step_id"].as_string() != "asks") continue;
    category = each["category"].as_string();
    said = each["error"].as_string() + "; " + each["hint"].as_string();
  }
  const std::string wanted =
      writes && fault.category.starts_with("extract.")
          ? (fault.category == "extract.permission_denied" ? "write.permission_denied" : "write.failed")
          : fault.category;
  EXPECT_EQ(category, wanted) << said;
  EXPECT_THAT(said, HasSubstr(fault.says));
  EXPECT_EQ(rows(), "2|old\n");
  EXPECT_EQ(left(), "0\n");
  EXPECT_FALSE(std::filesystem::exists(project.dir() / "out.csv"));
  std::string all = outcome.out + outcome.err;
  for (const auto& [path, content] : project.tree()) all += path + content;
  for (const std::string secret : {kPassword, kWrong})
    for (const std::string& form : {secret, percent_encode(secret), base64(secret), to_hex(secret)})
      EXPECT_EQ(all.find(form), std::string::npos) << form;
}

TEST_P(DatabaseFaults, AreClearErrorsThatLeaveNothing) {
  for (const Fault& fault : faults_of(GetParam()))
    for (const bool writes : {false, true}) expect_clear_failure(fault, writes);
}

INSTANTIATE_TEST_SUITE_P(Servers, DatabaseFaults, testing::Values(Family::kPostgres, Family::kMysql),
                         [](const auto& family) {
                           return family.param == Family::kPostgres ? "PostgreSql" : "MariaDb";
                         });

}  // namespace
}  // namespace osiris::e2e
