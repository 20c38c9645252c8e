// Two servers with a table `source` each, and a pipeline that copies it in chunks from one to the other.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "tests/e2e/project.h"
#include "tests/mysql/mariadb_server.h"
#include "tests/postgres/postgres_server.h"
#include "tests/support/eventually.h"

namespace osiris::e2e {

constexpr int kRows = 9000, kChunkRows = 150, kChunks = kRows / kChunkRows;

inline osiris::test::PostgresOptions logging() {
  osiris::test::PostgresOptions options;
  options.settings = {"log_statement=all"};
  return options;
}

inline osiris::test::MariaDbOptions with_long_texts() {
  osiris::test::MariaDbOptions options;
  options.arguments = {"--group-concat-max-len=10000000"};
  return options;
}

class Copies : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto postgres = osiris::test::PostgresServer::start(logging());
    ASSERT_TRUE(postgres.ok()) << postgres.error().message;
    postgres_ = std::move(postgres)->release();
    auto mariadb = osiris::test::MariaDbServer::start(with_long_texts());
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
    drop_copies();
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
    connect_to(postgres_->port(), mariadb_->port());
    project_.set("PASSWORD", "app-password");
  }
  void connect_to(uint16_t postgres_port, uint16_t mariadb_port) {
    const auto connection = [](const char* family, uint16_t port, const char* database) {
      return std::string("  ") + family + ":\n    lake: {host: 127.0.0.1, port: " + std::to_string(port) +
             ", database: " + database + ", user: app, password: '${PASSWORD}'}\n";
    };
    project_.write("osiris_connections.yaml",
                   "version: 1\nconnections:\n" + connection("postgres", postgres_port, "postgres") +
                       connection("mysql", mariadb_port, "shop"),
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
  static void drop_copies() {
    on_postgres(
        "DO $$ DECLARE t text; BEGIN FOR t IN SELECT tablename FROM pg_tables WHERE tablename LIKE 'osiris%' LOOP "
        "EXECUTE 'DROP TABLE ' || t; END LOOP; END $$");
  }
  // Until a server has done what a run that is gone asked it for last.
  static void until_still(const std::string& server) {
    EXPECT_TRUE(osiris::test::eventually([&] {
      return ask(server, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'",
                 "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'app'") == "0\n";
    }));
  }
  // Chunks that the ledger has; -1: there is none.
  static int committed_on(const std::string& server) {
    const std::string left = left_on(server);
    const size_t at = left.find("_log");
    if (at == std::string::npos) return -1;
    const size_t before = left.find_last_of(" ,", at), after = left.find_first_of(" ,\n", at);
    const size_t begin = before == std::string::npos ? 0 : before + 1;
    const std::string ledger = left.substr(begin, after - begin);
    return std::atoi(ask(server, "SELECT count(*) FROM " + ledger + " WHERE chunk >= 0",
                         "SELECT COUNT(*) FROM shop." + ledger + " WHERE chunk >= 0")
                         .c_str());
  }
  Outcome run(bool resumes = false, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"run", "copy.yaml"});
    if (resumes) more.emplace_back("--resume");
    return project_.osiris(more);
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
  // PostgreSQL's target refuses rows from this id on, and its staging table with it.
  static void fail_after(int id) {
    on_postgres("DROP TABLE IF EXISTS target; CREATE TABLE target (id int PRIMARY KEY CHECK (id < " +
                std::to_string(id) + "), v text, amount numeric(12,2)); ALTER TABLE target OWNER TO app");
  }
  static void mend() {
    on_postgres(
        "DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT conrelid::regclass FROM pg_constraint WHERE conname "
        "LIKE 'target_id_check%' LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', t, (SELECT conname FROM "
        "pg_constraint WHERE conrelid = t AND contype = 'c')); END LOOP; END $$");
  }

  inline static osiris::test::PostgresServer* postgres_ = nullptr;
  inline static osiris::test::MariaDbServer* mariadb_ = nullptr;
  Project project_;
};

}  // namespace osiris::e2e
