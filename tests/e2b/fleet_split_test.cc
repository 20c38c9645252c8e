// Parts of a table in several sandboxes, over a real PostgreSQL: one asks for the bounds and holds the snapshot, the
// others read, and what is lost with the holder begins again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/e2b/sandboxed_project.h"
#include "tests/postgres/postgres_server.h"
#include "tests/support/eventually.h"

namespace osiris::e2b_test {
namespace {

using ::testing::HasSubstr;

constexpr int kParts = 6;

class FleetSplit : public testing::Test {
 protected:
  explicit FleetSplit(const std::vector<std::string>& arguments = {}) : server_(start_server(arguments)) {}
  void SetUp() override {
    auto started = test::PostgresServer::start();
    ASSERT_TRUE(started.ok()) << started.error().message;
    postgres_ = *std::move(started);
    for (const char* sql : {"CREATE ROLE app LOGIN PASSWORD 'fleet-secret'", "CREATE DATABASE shop OWNER app"})
      ASSERT_TRUE(postgres_->execute(sql).ok());
    in_shop(
        "CREATE TABLE readings (id int, kwh numeric(8,3)); INSERT INTO readings SELECT n * n, n / 8.0 FROM "
        "generate_series(1, 600) AS n; INSERT INTO readings SELECT NULL, n FROM generate_series(1, 5) AS n");
    use_server(project_, server_);
    project_.set("LAKE_PASSWORD", "fleet-secret");
    connection();
    pipeline("");
    expected_ = whole();
  }
  void in_shop(const std::string& sql) {
    const Status done = postgres_->execute("SET ROLE app; " + sql, "shop");
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
  void connection(const std::string& more = "") {
    project_.write("osiris_connections.yaml",
                   "version: 1\nconnections:\n  postgres:\n    lake: {host: 127.0.0.1, port: " +
                       std::to_string(postgres_->port()) + ", database: shop, user: app, password: '${LAKE_PASSWORD}'" +
                       more + "}\n");
  }
  // A shard takes `sleep_s` after it was read.
  void pipeline(const std::string& consistency, const std::string& sleep_s = "0") {
    project_.write(
        "pipeline.yaml",
        e2e::oml(
            "parts",
            {"  - id: read\n    component: postgres.extractor\n    mode: read\n    foreach: {split: {column: id, "
             "parts: " +
                 std::to_string(kParts) + consistency +
                 "}}\n    config: {connection: \"@postgres.lake\", table: readings}\n",
             "  - id: wait\n    component: python.processor\n    mode: transform\n    per_shard: true\n    config:\n"
             "      format: ndjson\n      code: |\n        import os, shutil, time\n        time.sleep(" +
                 sleep_s + ")\n        shutil.copyfile(os.environ['OSIRIS_INPUT'], os.environ['OSIRIS_OUTPUT'])\n",
             "  - id: each\n    component: filesystem.csv_writer\n    mode: write\n    needs: [read]\n    "
             "per_shard: true\n    config: {path: \"out/${shard.stem}.csv\", column_order: query}\n",
             "  - id: sort\n    component: duckdb.processor\n    mode: transform\n    needs: [read, wait]\n    "
             "config: {query: \"SELECT id, kwh, (SELECT count(*) FROM df_wait) AS n FROM df_read ORDER BY ALL\"}\n",
             "  - id: all\n    component: filesystem.csv_writer\n    mode: write\n    needs: [sort]\n    config: "
             "{path: out/all.csv, column_order: query}\n"}));
  }
  // What one worker writes.
  std::string whole() {
    const Outcome outcome = project_.osiris(run_arguments("local"));
    EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
    const std::string all = project_.read("out/all.csv");
    std::filesystem::remove_all(project_.dir() / "out");
    return all;
  }
  static std::vector<std::string> arguments(const std::string& sandboxes) {
    return run_arguments("e2b", {"--e2b-sandboxes", sandboxes, "--e2b-allow-loopback"});
  }
  bool has_settled(size_t sessions) const {
    if (project_.sessions().size() <= sessions) return false;
    return !Project::events(project_.session(), "shards_settled").empty();
  }
  void expect_whole(const Outcome& outcome) {
    ASSERT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
    EXPECT_EQ(project_.read("out/all.csv"), expected_);
    std::string parts = "id,kwh\n";
    for (int part = 0; part <= kParts; ++part) {
      const std::string name = part < kParts ? std::to_string(part) : "null";
      parts += project_.read("out/" + name + ".csv").substr(parts.find('\n') + 1);
    }
    EXPECT_EQ(std::count(parts.begin(), parts.end(), '\n'), std::count(expected_.begin(), expected_.end(), '\n'));
    std::multiset<std::string> accepted;
    for (const Json& event : Project::events(project_.session(), "shard_complete"))
      accepted.insert(event["step_id"].as_string() + event["shard"].dump());
    EXPECT_EQ(accepted.size(), 3u * (kParts + 1));
    EXPECT_EQ(std::set<std::string>(accepted.begin(), accepted.end()).size(), accepted.size());
    const auto shards = parse_json(project_.read(project_.session() / "shards.json"));
    ASSERT_TRUE(shards.ok());
    EXPECT_EQ((*shards)["lists"].items().at(0)["settled"]["read"]["bounds"].size(), size_t{kParts - 1});
    expect_no_sandbox(server_);
  }
  // Sandboxes that were handed something to run, the first one first.
  std::vector<std::string> sandboxes_with_work() const {
    std::vector<std::string> ids;
    const Json requests = server_.requests();
    for (const Json& request : requests.items()) {
      const std::string& id = request["sandbox"].as_string();
      if (request["route"].as_string() != "POST /process.Process/StreamInput") continue;
      if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
    }
    return ids;
  }

  ServerProcess server_;
  std::unique_ptr<test::PostgresServer> postgres_;
  Project project_;
  std::string expected_;
};

// Rows change while parts are read: all of them are of the moment before.
TEST_F(FleetSplit, AllPartsAreOfOneSnapshot) {
  pipeline("", "0.2");
  const size_t before = project_.sessions().size();
  auto running = project_.start(arguments("4"));
  ASSERT_TRUE(test::eventually([&] { return has_settled(before) || !e2e::is_alive(running.pid()); }));
  in_shop(
      "DELETE FROM readings WHERE id % 2 = 0; UPDATE readings SET id = id + 50000; INSERT INTO readings VALUES (3, 3)");
  expect_whole(running.end());
  EXPECT_GE(sandboxes_with_work().size(), 3u) << "one that holds, and several that read";
}

TEST_F(FleetSplit, LostWithItsHolderAllShardsBeginAgain) {
  pipeline("", "0.4");
  const size_t before = project_.sessions().size();
  auto running = project_.start(arguments("4"));
  ASSERT_TRUE(test::eventually([&] { return has_settled(before) || !e2e::is_alive(running.pid()); }));
  ASSERT_TRUE(test::eventually([&] {
    const auto ended = postgres_->query(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'shop' AND state = 'idle in "
        "transaction' AND query LIKE '%FROM%' AND backend_type = 'client backend'");
    return (ended.ok() && *ended != "0\n") || !e2e::is_alive(running.pid());
  }));
  const Outcome outcome = running.end();
  expect_whole(outcome);
  EXPECT_FALSE(Project::events(project_.session(), "shards_restarted").empty());
  EXPECT_THAT(outcome.out + outcome.err, HasSubstr("all of them are read again"));
}

TEST_F(FleetSplit, TheHoldersSandboxIsReplaced) {
  pipeline("", "0.4");
  const size_t before = project_.sessions().size();
  auto running = project_.start(arguments("4"));
  ASSERT_TRUE(test::eventually([&] { return has_settled(before) || !e2e::is_alive(running.pid()); }));
  server_.kill_sandbox(sandboxes_with_work().front());  // it settled, and others waited for that
  expect_whole(running.end());
  EXPECT_EQ(Project::events(project_.session(), "shards_restarted").size(), 1u);
}

TEST_F(FleetSplit, WithoutASnapshotTheFirstReadsToo) {
  pipeline(", consistency: none");
  const Outcome outcome = project_.osiris(arguments("3"));
  expect_whole(outcome);
  EXPECT_THAT(outcome.out + outcome.err, HasSubstr("read at different moments (consistency: none)"));
}

TEST_F(FleetSplit, ALimitOfConnectionsIsForAllOfThem) {
  connection(", max_connections: 3");
  pipeline("", "0.1");
  ASSERT_TRUE(postgres_->execute("ALTER ROLE app CONNECTION LIMIT 4").ok());  // one may still be ending
  expect_whole(project_.osiris(arguments("8")));
}

// With one other sandbox, or one connection for it, reading by several connections in one place is as fast.
TEST_F(FleetSplit, WithTwoSandboxesOneReads) {
  expect_whole(project_.osiris(arguments("2")));
  EXPECT_EQ(server_.count("POST /v2/sandboxes"), 1);
}

class FleetSplitAlone : public FleetSplit {
 protected:
  FleetSplitAlone() : FleetSplit({"--max-sandboxes", "1"}) {}
};

TEST_F(FleetSplitAlone, OneSandboxIsEnoughWhereNoMoreAreToBeHad) {
  auto hasty = arguments("4");
  hasty.insert(hasty.end(), {"--e2b-retry-budget", "2"});  // and not for as long as others might end
  const Outcome outcome = project_.osiris(hasty);
  expect_whole(outcome);
  EXPECT_THAT(outcome.out + outcome.err, HasSubstr("in one sandbox"));
}

TEST_F(FleetSplit, AColumnThatIsNotThereFailsTheRun) {
  project_.write("pipeline.yaml",
                 e2e::oml("parts", {"  - id: read\n    component: postgres.extractor\n    mode: read\n    foreach: "
                                    "{split: {column: absent, parts: 4}}\n    config: {connection: "
                                    "\"@postgres.lake\", table: readings}\n",
                                    "  - id: all\n    component: filesystem.csv_writer\n    mode: write\n    config: "
                                    "{path: out/all.csv}\n"}));
  const Outcome outcome = project_.osiris(arguments("4"));
  EXPECT_EQ(outcome.exit, 1) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("absent"));
  EXPECT_FALSE(std::filesystem::exists(project_.dir() / "out/all.csv"));
  expect_no_sandbox(server_);
}

}  // namespace
}  // namespace osiris::e2b_test
