// Local and remote parity, row by row: the same pipeline through `local` and `e2b` gives the same bytes, events,
// counts, status and exit code, and the same fault gives the same message.
#include <gtest/gtest.h>

#include <regex>

#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "tests/e2b/parity_table.h"
#include "tests/e2b/sandboxed_project.h"
#include "tests/mysql/mariadb_server.h"
#include "tests/postgres/postgres_server.h"
#include "tests/remote/object_server.h"
#include "tests/supabase/postgrest.h"
#include "tests/web/api.h"

namespace osiris::e2b_test {
namespace {

namespace fs = std::filesystem;

// What a run left and said, without what names this run alone: the project's directory, and the worker, which is a path
// here and "in sandbox abc" there, behind an adapter of another name.
struct Observed {
  int exit = -1;
  std::vector<std::string> errors;           // what the user reads: message and remedy
  std::map<std::string, std::string> files;  // out/ and artifacts/, by path
  ComparableEvents events;
  std::vector<std::string> metrics;
  Json status;
  std::string output;  // for the message of a failed expectation
};

class Scrub {
 public:
  explicit Scrub(const fs::path& project)
      : directory_(project.string()),
        worker_((e2e::build_dir() / "lib/osiris/osiris-worker").string() + "|in sandbox [a-z0-9]+"),
        adapter_("adapter (local|e2b) [0-9.]+") {}
  void operator()(std::string& text) const {
    for (size_t at; (at = text.find(directory_)) != std::string::npos;)
      text.replace(at, directory_.size(), "<project>");
    text = std::regex_replace(std::regex_replace(text, worker_, "<worker>"), adapter_, "adapter <adapter>");
    static const std::regex snapshot("\"snapshot\":\"[^\"]*\"");
    text = std::regex_replace(text, snapshot, "\"snapshot\":\"<snapshot>\"");
  }

 private:
  const std::string directory_;
  const std::regex worker_, adapter_;
};

// PostHog with three ids of persons, and no events that it may show.
test::ApiAnswer distinct_ids(const test::ApiRequest& request, size_t) {
  if (request.header("Authorization") != "Bearer parity-secret") return {"{}", 401};
  const std::string& query = request.body["query"]["query"].as_string();
  if (query.find("person_distinct_ids") == std::string::npos) return {R"({"detail":"no such scope"})", 403};
  return {R"({"columns":["distinct_id","person_id"],"results":[["a","p1"],["b","p2"],["c","p2"]]})"};
}

class Parity : public testing::TestWithParam<ParityRow> {
 protected:
  static ServerProcess& server() {
    static ServerProcess process = start_server();
    return process;
  }

  void start_mysql() {
    auto started = test::MariaDbServer::start();
    ASSERT_TRUE(started.ok()) << started.error().message;
    database_ = *std::move(started);
    const Status filled = database_->execute(
        "CREATE DATABASE shop; CREATE USER app@'%' IDENTIFIED BY 'parity-secret'; GRANT ALL ON shop.* TO app@'%';"
        "USE shop; CREATE TABLE readings (id int PRIMARY KEY, at datetime(3), kwh decimal(8,3), note text, raw blob);"
        "INSERT INTO readings SELECT seq, '2024-02-29 23:00:00.25' + INTERVAL seq HOUR, seq / 8, "
        "IF(seq % 3 = 0, NULL, CONCAT('a\\tb\\n', seq)), UNHEX('00FF') FROM seq_1_to_500");
    ASSERT_TRUE(filled.ok()) << filled.error().message;
  }

  void start_postgres() {
    auto started = test::PostgresServer::start();
    ASSERT_TRUE(started.ok()) << started.error().message;
    postgres_ = *std::move(started);
    for (const char* sql : {"CREATE ROLE app LOGIN PASSWORD 'parity-secret'", "CREATE DATABASE shop OWNER app"})
      ASSERT_TRUE(postgres_->execute(sql).ok());
    const Status filled = postgres_->execute(
        "SET ROLE app; CREATE TABLE readings (id int, at timestamptz, kwh numeric(8,3), tags text[], note jsonb);"
        "INSERT INTO readings SELECT n, '2024-02-29 23:00+01'::timestamptz + n * interval '1 hour', n / 8.0, "
        "ARRAY['a', NULL, n::text], CASE WHEN n % 3 = 0 THEN NULL ELSE '{\"k\": [1, 2]}'::jsonb END "
        "FROM generate_series(1, 500) AS n",
        "shop");
    ASSERT_TRUE(filled.ok()) << filled.error().message;
  }

  void start_project() {
    start_postgres();
    const Status made = postgres_->execute(
        "SET ROLE app; CREATE TABLE copied (id int PRIMARY KEY, at timestamptz, kwh numeric(8,3));"
        "INSERT INTO copied VALUES (-1, NULL, NULL)",
        "shop");
    ASSERT_TRUE(made.ok()) << made.error().message;
    project_api_ = std::make_unique<test::Postgrest>(*postgres_);
  }

  // A MariaDB with readings, and a PostgreSQL with the tables they go to.
  void start_metering() {
    start_mysql();
    start_postgres();
    for (const Status& filled :
         {database_->execute(
              "USE shop; CREATE TABLE meters AS SELECT id AS meter_id, CURRENT_DATE AS read_on, kwh, 1 AS "
              "quality FROM readings; DROP TABLE readings; RENAME TABLE meters TO readings"),
          postgres_->execute(
              "SET ROLE app; CREATE TABLE meter_readings_log (meter_id int, read_on date, kwh "
              "numeric(8,3), quality int); CREATE TABLE meter_readings (LIKE meter_readings_log, PRIMARY "
              "KEY (meter_id, read_on))",
              "shop")})
      ASSERT_TRUE(filled.ok()) << filled.error().message;
  }

  void SetUp() override {
    if (GetParam().name.starts_with("Supabase")) start_project();
    if (GetParam().example == "03-mysql-to-supabase") start_metering();
    if (GetParam().example == "05-graphql-to-csv")
      api_ = std::make_unique<test::Api>(test::garden("value-of-GARDEN_TOKEN"));
    if (GetParam().name.starts_with("Posthog")) api_ = std::make_unique<test::Api>(distinct_ids);
    if (const bool is_s3 = GetParam().name.starts_with("S3"); is_s3 || GetParam().name.starts_with("Http")) {
      test::ObjectServerOptions options;
      if (is_s3) options.key_id = "PARITYKEY", options.secret = "parity-secret";
      objects_ = std::make_unique<test::ObjectServer>(options);
      objects_->put("lake/in.csv", "id,name\n1,Ann\n2,\"B, C\"\n");
      objects_->put("lake/in.parquet", parquet_file());
    }
    if (GetParam().name.starts_with("Postgres")) start_postgres();
    if (GetParam().name.starts_with("Mysql")) start_mysql();
    if (GetParam().example != "02-mysql-duckdb-csv") return;
    auto started = test::MariaDbServer::start();
    ASSERT_TRUE(started.ok()) << started.error().message;
    database_ = *std::move(started);
    const Status filled = database_->execute(
        "CREATE DATABASE warehouse; CREATE USER report_reader@'%' IDENTIFIED BY 'parity-secret'; "
        "GRANT SELECT ON warehouse.* TO report_reader@'%'; USE warehouse;" +
        *read_file(e2e::source_dir() / "examples/02-mysql-duckdb-csv/tables.sql"));
    ASSERT_TRUE(filled.ok()) << filled.error().message;
  }

  Observed observe(const std::string& adapter) {
    const ParityRow& row = GetParam();
    Project project;
    use_server(project, server());
    for (const auto& [name, value] : row.environment) project.set(name, value);
    for (const auto& [name, content] : row.files) project.write(name, content);
    if (row.example.empty())
      project.write("pipeline.yaml", row.pipeline);
    else
      fs::copy(e2e::source_dir() / "examples" / row.example, project.dir(),
               fs::copy_options::recursive | fs::copy_options::overwrite_existing);
    if (row.name == "MockOutput") fs::create_directory(project.dir() / "out");
    std::vector<std::string> arguments = row.arguments;
    for (std::string& argument : arguments)
      if (const size_t at = argument.find("{adapter}"); at != std::string::npos) argument.replace(at, 9, adapter);
    if (row.example == "03-mysql-to-supabase") {
      for (const char* name : {"METERING_DB_PASSWORD", "LAKE_PG_PASSWORD"}) project.set(name, "parity-secret");
      for (const char* name : {"METERING_DB_HOST", "LAKE_PG_HOST"}) project.set(name, "127.0.0.1");
      for (const char* name : {"METERING_DB_NAME", "LAKE_PG_DATABASE"}) project.set(name, "shop");
      for (const char* name : {"METERING_DB_USER", "LAKE_PG_USER"}) project.set(name, "app");
      project.set("METERING_DB_PORT", std::to_string(database_->port()));
      project.set("LAKE_PG_PORT", std::to_string(postgres_->port()));
      project.set("LAKE_PG_SSLMODE", "disable");
      project.set("LAKE_URL", "http://127.0.0.1");
      project.set("LAKE_SERVICE_ROLE_KEY", "parity-key");
    } else if (database_) {
      project.set("WAREHOUSE_DB_HOST", "127.0.0.1");
      project.set("WAREHOUSE_DB_PORT", std::to_string(database_->port()));
      project.set("WAREHOUSE_DB_PASSWORD", "parity-secret");
    }
    if (api_ || objects_) {
      std::string text = project.read("pipeline.yaml");
      if (const size_t at = text.find("18099"); at != std::string::npos)
        text.replace(at, 5, std::to_string(api_ ? api_->port() : objects_->port()));
      project.write("pipeline.yaml", text);
      project.set("LAKE_URL", api_ ? api_->url("") : objects_->url());
      project.set("LAKE_KEY", "parity-secret");
    }
    if ((database_ || api_ || postgres_ || objects_) && adapter == "e2b") arguments.push_back("--e2b-allow-loopback");
    if (postgres_ || GetParam().name.starts_with("Mysql")) {
      project.set("LAKE_HOST", "127.0.0.1");
      project.set("LAKE_PORT", std::to_string(postgres_ ? postgres_->port() : database_->port()));
      project.set("LAKE_PASSWORD", "parity-secret");
    }
    if (project_api_) {
      project.set("LAKE_URL", project_api_->url());
      project.set("LAKE_KEY", "service-key");
    }
    const Outcome outcome = project.osiris(run_arguments(adapter, arguments));
    const Scrub scrub(project.dir());
    Observed seen;
    seen.exit = outcome.exit;
    seen.output = outcome.out + outcome.err;
    for (std::string line : split(outcome.err, '\n'))
      if (line.starts_with("❌") || line.find("💡") != std::string::npos) {
        scrub(line);
        seen.errors.push_back(line);
      }
    seen.files = files_below(project.dir() / "out");
    for (auto& [path, content] : files_below(project.session() / "artifacts"))
      seen.files["artifacts/" + path] = content;
    for (const char* path : {"lake/out/a b.csv.gz", "lake/out/a.parquet", "lake/out/a.json"})
      if (objects_ && objects_->object(path)) seen.files[path] = *objects_->object(path);
    for (auto& [path, content] : seen.files) scrub(content);
    seen.events = comparable_events(project.session());
    for (auto& [step, events] : seen.events.steps)
      for (std::string& event : events) scrub(event);
    for (std::string& event : seen.events.run) scrub(event);
    seen.metrics = comparable_metrics(project.session());
    seen.status = project.status();
    for (const char* key : {"sandbox_id", "session_path"}) seen.status.erase(key);
    if (row.name == "DuckdbWrite") look_into_database(project, seen);
    return seen;
  }

  // A database's own bytes differ from run to run; its rows do not.
  static void look_into_database(Project& project, Observed& seen) {
    const std::regex bytes(R"rx("(sha256|size_bytes)":("[0-9a-f]+"|[0-9]+))rx");
    for (std::string& event : seen.events.steps["write"]) event = std::regex_replace(event, bytes, "\"$1\":0");
    for (std::string& event : seen.events.run) event = std::regex_replace(event, bytes, "\"$1\":0");
    project.write("look.yaml",
                  e2e::oml("look", {"  - id: read\n    component: duckdb.extractor\n    mode: read\n    config: {path: "
                                    "made/people.duckdb, table: people}\n",
                                    "  - id: write\n    component: filesystem.csv_writer\n    mode: write\n    needs: "
                                    "[read]\n    config: {path: looked.csv}\n"}));
    const Outcome looked = project.osiris({"run", "look.yaml"});
    EXPECT_EQ(looked.exit, 0) << looked.err;
    seen.files["looked.csv"] = project.read("looked.csv");
    EXPECT_NE(seen.files["looked.csv"].find("Ann"), std::string::npos);
  }

 private:
  std::unique_ptr<test::MariaDbServer> database_;
  std::unique_ptr<test::Api> api_;
  std::unique_ptr<test::ObjectServer> objects_;
  std::unique_ptr<test::PostgresServer> postgres_;
  std::unique_ptr<test::Postgrest> project_api_;
};

TEST_P(Parity, LocalAndE2bAgree) {
  const Observed local = observe("local");
  const Observed remote = observe("e2b");
  EXPECT_EQ(local.exit, GetParam().exit) << local.output;
  EXPECT_EQ(remote.exit, GetParam().exit) << remote.output;
  EXPECT_EQ(local.errors, remote.errors);
  EXPECT_EQ(local.errors.empty(), GetParam().exit == 0) << local.output;
  EXPECT_EQ(local.status.dump_pretty(), remote.status.dump_pretty());
  EXPECT_EQ(local.metrics, remote.metrics);
  EXPECT_EQ(local.events.steps, remote.events.steps);
  EXPECT_EQ(local.events.run, remote.events.run);
  // A worker that crashed or was killed packed nothing: what it had written into the session is gone with its sandbox.
  if (const bool packed = GetParam().exit < 3; packed)
    EXPECT_EQ(local.files, remote.files);
  else
    EXPECT_TRUE(remote.files.empty());
  for (const auto& [name, value] : GetParam().environment)
    if (name == "PARITY_TOKEN") {
      EXPECT_EQ((local.output + remote.output).find(value), std::string::npos);
    }
  expect_no_sandbox(server());
}

INSTANTIATE_TEST_SUITE_P(Table, Parity, testing::ValuesIn(parity_table()),
                         [](const auto& row) { return row.param.name; });

TEST(ParityTable, HoldsEveryExample) {
  std::set<std::string> missing;
  for (const auto& entry : fs::directory_iterator(e2e::source_dir() / "examples"))
    if (fs::exists(entry.path() / "pipeline.yaml")) missing.insert(entry.path().filename());
  EXPECT_GE(missing.size(), 6u);
  for (const ParityRow& row : parity_table()) missing.erase(row.example);
  EXPECT_EQ(missing, std::set<std::string>()) << "add a row for each to parity_table.cc";
}

TEST(ParityTable, HoldsEveryComponent) {
  std::string pipelines;
  for (const ParityRow& row : parity_table())
    pipelines += row.example.empty()
                     ? row.pipeline
                     : *read_file(e2e::source_dir() / "examples" / row.example / "pipeline.yaml") + "\n";
  std::set<std::string> missing;
  for (const auto& entry : fs::directory_iterator(e2e::source_dir() / "worker/drivers"))
    if (fs::exists(entry.path() / "spec.yaml")) missing.insert(entry.path().filename());
  EXPECT_GE(missing.size(), 22u);
  std::erase_if(missing, [&](const std::string& name) {
    return pipelines.find("component: " + name + "\n") != std::string::npos;
  });
  EXPECT_EQ(missing, std::set<std::string>()) << "add a row for each to parity_table.cc";
}

TEST(ParityTable, HoldsEveryFaultOfTheMockDriversMenu) {
  std::set<std::string> missing = mock_menu();
  EXPECT_GE(missing.size(), 19u) << "spec.yaml is not read as it is written";
  for (const ParityRow& row : parity_table())
    std::erase_if(missing, [&](const std::string& item) { return row.pipeline.find(item) != std::string::npos; });
  EXPECT_EQ(missing, std::set<std::string>()) << "add a row for each to parity_table.cc";
}

}  // namespace
}  // namespace osiris::e2b_test
