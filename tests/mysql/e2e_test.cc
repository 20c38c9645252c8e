// Pipelines from a real MariaDB server, end to end: the real osiris, worker and server.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "protocol/base/text.h"
#include "tests/e2e/project.h"
#include "tests/mysql/bench_table.h"
#include "tests/mysql/mariadb_server.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;
using osiris::test::MariaDbServer;

constexpr char kSecret[] = "c4nary/P@ss:word";

class Mysql : public testing::Test {
 protected:
  void SetUp() override {
    auto server = MariaDbServer::start();
    ASSERT_TRUE(server.ok()) << server.error().message;
    server_ = *std::move(server);
    on_server(std::string("CREATE DATABASE warehouse; CREATE USER report_reader@'%' IDENTIFIED BY '") + kSecret +
              "'; GRANT SELECT ON warehouse.* TO report_reader@'%'; USE warehouse;" +
              project_.read(example() / "tables.sql"));
    project_.write("osiris_connections.yaml", project_.read(example() / "osiris_connections.yaml"), 0600);
    project_.set("WAREHOUSE_DB_HOST", "127.0.0.1");
    project_.set("WAREHOUSE_DB_PORT", std::to_string(server_->port()));
    project_.set("WAREHOUSE_DB_PASSWORD", kSecret);
  }

  static fs::path example() { return source_dir() / "examples/02-mysql-duckdb-csv"; }
  void on_server(const std::string& sql) {
    const Status status = server_->execute(sql);
    ASSERT_TRUE(status.ok()) << status.error().message;
  }
  // A pipeline that extracts `query` and writes it to out.csv.
  Outcome run(const std::string& query, std::vector<std::string> options = {}) {
    write_pipeline(query);
    options.insert(options.begin(), {"run", "pipeline.yaml"});
    return project_.osiris(options);
  }
  void write_pipeline(const std::string& query) {
    project_.write(
        "pipeline.yaml",
        "oml_version: \"0.1.0\"\nname: pull\nsteps:\n  - id: pull\n    component: mysql.extractor\n    mode: read\n"
        "    config: {connection: \"@mysql.warehouse\", query: \"" +
            query +
            "\"}\n"
            "  - id: save\n    component: filesystem.csv_writer\n    mode: write\n    config: {path: out.csv}\n");
  }
  void expect_no_secret_anywhere(const Outcome& outcome) {
    std::string all = outcome.out + outcome.err;
    for (const auto& [path, content] : project_.tree()) all += path + content;
    for (const std::string& form : {std::string(kSecret), percent_encode(kSecret), base64(kSecret), to_hex(kSecret)})
      EXPECT_EQ(all.find(form), std::string::npos);
  }

  Project project_;
  std::unique_ptr<MariaDbServer> server_;
};

TEST_F(Mysql, TheExampleWritesTheBytesWrittenByHand) {
  project_.write("pipeline.yaml", project_.read(example() / "pipeline.yaml"));
  const Outcome outcome = project_.osiris({"run", "pipeline.yaml"});
  ASSERT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_EQ(project_.read("out/late_shipments.csv"),
            "carrier;late;total\r\nKolibri 🐦;2;3\r\nMöwe & Söhne;1;2\r\n\"Albatros; Sons\";0;1\r\n");
  EXPECT_EQ(project_.read("out/late_shipments.csv"), project_.read(example() / "expected/out/late_shipments.csv"));
  expect_no_secret_anywhere(outcome);
}

TEST_F(Mysql, ValuesReachTheCsvExactly) {
  const Outcome outcome = run("SELECT shipment_id, carrier, shipped_on, weight_kg FROM shipments ORDER BY shipment_id");
  ASSERT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_EQ(project_.read("out.csv"),
            "carrier,shipment_id,shipped_on,weight_kg\n"
            "Kolibri 🐦,1,2025-01-03,12.500\nKolibri 🐦,2,2025-01-09,\nMöwe & Söhne,3,2025-01-05,0.001\n"
            "Kolibri 🐦,5,2025-02-28,3.000\nAlbatros; Sons,6,,7.250\nAlbatros; Sons,7,2025-03-01,1.000\n"
            "Möwe & Söhne,18446744073709551615,2025-01-20,999999999.999\n");
}

TEST_F(Mysql, AWrongPasswordFailsTheStepAndIsToldWithoutThePassword) {
  project_.set("WAREHOUSE_DB_PASSWORD", "wr0ng-canary");
  const Outcome outcome = run("SELECT 1 AS a");
  EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
  EXPECT_NE((outcome.out + outcome.err).find("Access denied for user 'report_reader'"), std::string::npos)
      << outcome.out << outcome.err;
  EXPECT_EQ((outcome.out + outcome.err).find("wr0ng-canary"), std::string::npos);
  EXPECT_FALSE(fs::exists(project_.dir() / "out.csv"));
}

TEST_F(Mysql, AServerGoneInTheMiddleFailsTheStepAndWritesNothing) {
  write_pipeline("SELECT seq, SLEEP(seq > 20000) AS pause FROM seq_1_to_100000");
  Running running = project_.start({"run", "pipeline.yaml"});
  // Until the server is in the middle of the rows.
  for (bool started = false; !started;) {
    const auto count = server_->query(
        "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'report_reader' AND state = 'User sleep'");
    started = count.ok() && *count == "1\n";
  }
  server_->kill();
  const Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
  // What broke the stream, not what a second query would meet.
  EXPECT_NE((outcome.out + outcome.err).find("Lost connection to server"), std::string::npos)
      << outcome.out << outcome.err;
  EXPECT_FALSE(fs::exists(project_.dir() / "out.csv"));
}

TEST_F(Mysql, CtrlCWhileTheServerThinksStopsTheRun) {
  write_pipeline("SELECT SLEEP(3600) AS a");
  Running running = project_.start({"run", "pipeline.yaml"});
  for (bool started = false; !started;) {
    const auto count = server_->query(
        "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'report_reader' AND state = 'User sleep'");
    started = count.ok() && *count == "1\n";
  }
  running.kill(SIGINT);
  const Outcome outcome = running.end();
  EXPECT_EQ(outcome.exit, 130) << outcome.out << outcome.err;
  expect_no_secret_anywhere(outcome);
}

TEST_F(Mysql, TwoMillionRowsPassUnder512MebibytesWithTheExactCount) {
  const Status status = make_bench_table(*server_, 2000000);
  ASSERT_TRUE(status.ok()) << status.error().message;
  on_server("GRANT SELECT ON bench.* TO report_reader@'%'");
  const Outcome outcome = run("SELECT * FROM bench.orders", {"--memory-limit", "512MiB"});
  ASSERT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  const std::string csv = project_.read("out.csv");
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 2000001);
  EXPECT_EQ(csv.substr(0, csv.find('\n')), "amount,customer,day,id,is_paid,placed_at,quantity,rate,seen_at,token");
  EXPECT_NE(csv.find("\n,customer "), std::string::npos) << "a NULL amount is empty";
}

TEST_F(Mysql, TheDoctorSaysWhetherTheConnectionWorks) {
  Outcome outcome = project_.osiris({"connections", "doctor"});
  EXPECT_NE(outcome.out.find("mysql.warehouse"), std::string::npos) << outcome.out << outcome.err;
  EXPECT_NE(outcome.out.find("✓"), std::string::npos) << outcome.out << outcome.err;
  project_.set("WAREHOUSE_DB_PASSWORD", "wr0ng-canary");
  outcome = project_.osiris({"connections", "doctor"});
  EXPECT_NE(outcome.out.find("✗"), std::string::npos) << outcome.out << outcome.err;
  EXPECT_EQ((outcome.out + outcome.err).find("wr0ng-canary"), std::string::npos);
}

}  // namespace
}  // namespace osiris::e2e
