// The example 03-mysql-to-supabase as it is written, from a real MariaDB into a project: by PostgREST's stand-in, and
// into the database itself. Both give the same rows.
#include <gtest/gtest.h>

#include "protocol/base/text.h"
#include "tests/e2e/project.h"
#include "tests/mysql/mariadb_server.h"
#include "tests/supabase/postgrest.h"

namespace osiris::e2e {
namespace {

using osiris::test::MariaDbServer;
using osiris::test::PostgresServer;
using osiris::test::Postgrest;
using osiris::test::RestFault;
using osiris::test::RestRequest;

constexpr char kKey[] = "c4nary/service+key";
constexpr char kPassword[] = "c4nary/P@ss:word";

class MeterReadings : public testing::Test {
 protected:
  void SetUp() override {
    auto source = MariaDbServer::start();
    ASSERT_TRUE(source.ok()) << source.error().message;
    source_ = *std::move(source);
    const Status filled = source_->execute(
        std::string("CREATE DATABASE metering; CREATE USER sync@'%' IDENTIFIED BY '") + kPassword +
        "'; GRANT SELECT ON metering.* TO sync@'%'; USE metering; "
        "CREATE TABLE readings (meter_id varchar(20), read_on date, kwh decimal(9,3), quality int);"
        "INSERT INTO readings SELECT CONCAT('m', seq % 100), CURRENT_DATE - INTERVAL (seq % 5) DAY, seq / 8, seq FROM "
        "seq_1_to_1000;"
        "INSERT INTO readings VALUES ('old', CURRENT_DATE - INTERVAL 30 DAY, 1, 1), ('ü \"x\"', CURRENT_DATE, NULL, "
        "1)");
    ASSERT_TRUE(filled.ok()) << filled.error().message;
    auto target = PostgresServer::start();
    ASSERT_TRUE(target.ok()) << target.error().message;
    target_ = *std::move(target);
    ASSERT_TRUE(target_->execute("CREATE DATABASE shop").ok());
    on_target(std::string("CREATE ROLE loader LOGIN PASSWORD '") + kPassword +
              "'; GRANT CREATE, USAGE ON SCHEMA public TO loader; SET ROLE loader;"
              "CREATE TABLE meter_readings_log (meter_id text, read_on date, kwh numeric(9,3), quality int)");
    osiris::test::PostgrestOptions options;
    options.service_key = kKey;
    options.service_role = "loader";
    api_ = std::make_unique<Postgrest>(*target_, options);
    project_.write("pipeline.yaml", project_.read(source_dir() / "tests/fixtures/examples/03-mysql-to-supabase.yaml"));
    for (const auto& [name, value] : {std::pair("METERING_DB_HOST", std::string("127.0.0.1")),
                                      {"METERING_DB_PASSWORD", kPassword},
                                      {"LAKE_URL", api_->url()},
                                      {"LAKE_SERVICE_ROLE_KEY", kKey},
                                      {"LAKE_PG_PASSWORD", percent_encode(kPassword)}})
      project_.set(name, value);
  }

  // The example's connections, where the servers of this test are.
  void connect(bool has_dsn) {
    std::string lake = "      url: ${LAKE_URL}\n      service_role_key: ${LAKE_SERVICE_ROLE_KEY}\n";
    if (has_dsn)
      lake += "      pg_dsn: postgresql://loader:${LAKE_PG_PASSWORD}@127.0.0.1:" + std::to_string(target_->port()) +
              "/shop?sslmode=disable\n";
    project_.write("osiris_connections.yaml",
                   "version: 1\nconnections:\n  mysql:\n    metering:\n      host: ${METERING_DB_HOST}\n      port: " +
                       std::to_string(source_->port()) +
                       "\n      database: metering\n      user: sync\n      password: ${METERING_DB_PASSWORD}\n"
                       "  supabase:\n    lake:\n      default: true\n" +
                       lake,
                   0600);
  }
  void on_target(const std::string& sql) {
    const Status done = target_->execute(sql, "shop");
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  std::string ask(const std::string& sql) {
    const auto answer = target_->query(sql, "shop");
    return answer.ok() ? *answer : answer.error().message;
  }
  void expect_no_secret_anywhere(const Outcome& outcome) {
    std::string all = outcome.out + outcome.err;
    for (const auto& [path, content] : project_.tree()) all += path + content;
    for (const std::string secret : {kKey, kPassword})
      for (const std::string& form : {secret, percent_encode(secret), base64(secret), to_hex(secret)})
        EXPECT_EQ(all.find(form), std::string::npos) << form;
  }

  Project project_;
  std::unique_ptr<MariaDbServer> source_;
  std::unique_ptr<PostgresServer> target_;
  std::unique_ptr<Postgrest> api_;
};

TEST_F(MeterReadings, ReachTheProjectByPostgrest) {
  connect(false);
  on_target(
      "SET ROLE loader; CREATE TABLE meter_readings (meter_id text, read_on date, kwh numeric(9,3), quality int,"
      " PRIMARY KEY (meter_id, read_on)); INSERT INTO meter_readings VALUES ('m1', CURRENT_DATE - 1, 0, 0)");
  const Outcome outcome = project_.osiris({"run", "pipeline.yaml"});
  ASSERT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_EQ(ask("SELECT count(*), sum(quality) FROM meter_readings_log"), "1001|500501\n");
  EXPECT_EQ(ask("SELECT count(*), count(DISTINCT (meter_id, read_on)) FROM meter_readings"), "101|101\n");
  EXPECT_EQ(ask("SELECT kwh IS NULL FROM meter_readings WHERE meter_id = 'ü \"x\"'"), "t\n");
  expect_no_secret_anywhere(outcome);
}

TEST_F(MeterReadings, ReachTheDatabase) {
  connect(true);
  const Outcome outcome = project_.osiris({"run", "pipeline.yaml"});
  ASSERT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_EQ(ask("SELECT count(*), sum(quality) FROM meter_readings_log"), "1001|500501\n");
  EXPECT_EQ(ask("SELECT count(*), count(DISTINCT (meter_id, read_on)) FROM meter_readings"), "101|101\n");
  EXPECT_TRUE(api_->requests().empty());
  expect_no_secret_anywhere(outcome);
}

TEST_F(MeterReadings, ThatHaveNoTableAreAnErrorWithItsStatement) {
  connect(false);
  const Outcome outcome = project_.osiris({"run", "pipeline.yaml"});
  EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
  EXPECT_NE(outcome.err.find("table public.meter_readings does not exist"), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("CREATE TABLE \"public\".\"meter_readings\" (\"meter_id\" text, \"read_on\" date, \"kwh\" "
                             "numeric(9,3), \"quality\" integer, PRIMARY KEY (\"meter_id\", \"read_on\"))"),
            std::string::npos)
      << outcome.err;
  expect_no_secret_anywhere(outcome);
}

// The answer to the second batch of the log never comes.
TEST_F(MeterReadings, WhoseFateIsUnknownFailTheRunOnce) {
  connect(false);
  on_target("SET ROLE loader; CREATE TABLE meter_readings (LIKE meter_readings_log, PRIMARY KEY (meter_id, read_on))");
  project_.write("pipeline.yaml", [&] {
    std::string text = project_.read("pipeline.yaml");
    const std::string step = "    needs: [pull-readings]\n    config:\n      connection: \"@supabase.lake\"";
    text.insert(text.find(step), "    retry: {max_attempts: 3, delay: 0}\n");
    return text;
  }());
  size_t posts = 0;
  api_->on_request([&](const RestRequest& request, size_t) -> std::optional<RestFault> {
    if (request.method != "POST" || request.table() != "meter_readings_log" || ++posts != 2) return std::nullopt;
    return RestFault{RestFault::Kind::kCutAfter, {}};
  });
  const Outcome outcome = project_.osiris({"run", "pipeline.yaml"});
  EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
  EXPECT_NE(outcome.err.find("rows 251 to 500: outcome unknown"), std::string::npos) << outcome.err;
  EXPECT_EQ(ask("SELECT count(*) FROM meter_readings_log"), "500\n") << "neither the batch nor the step was repeated";
}

TEST_F(MeterReadings, TheDoctorLooksBothWays) {
  for (const bool has_dsn : {false, true}) {
    connect(has_dsn);
    Outcome outcome = project_.osiris({"connections", "doctor", "--family", "supabase"});
    EXPECT_NE(outcome.out.find("✓ supabase.lake"), std::string::npos) << outcome.out << outcome.err;
    project_.set(has_dsn ? "LAKE_PG_PASSWORD" : "LAKE_SERVICE_ROLE_KEY", "wr0ng-canary");
    outcome = project_.osiris({"connections", "doctor", "--family", "supabase"});
    EXPECT_NE(outcome.out.find("✗ supabase.lake"), std::string::npos) << outcome.out << outcome.err;
    EXPECT_EQ((outcome.out + outcome.err).find("wr0ng-canary"), std::string::npos);
  }
}

TEST_F(MeterReadings, ADryRunShowsTheHostOfTheDsn) {
  connect(true);
  const Outcome outcome = project_.osiris({"run", "pipeline.yaml", "--dry-run"});
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("127.0.0.1:" + std::to_string(target_->port())), std::string::npos) << outcome.out;
}

}  // namespace
}  // namespace osiris::e2e
