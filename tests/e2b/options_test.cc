// What a user may write, in every spelling, and what it makes of the calls to the service.
#include <gtest/gtest.h>

#include "protocol/base/text.h"
#include "tests/e2b/sandboxed_project.h"

namespace osiris::e2b_test {
namespace {

class E2bOptions : public testing::Test {
 protected:
  E2bOptions() {
    use_server(project, server);
    project.write("pipeline.yaml", e2e::oml("one", {e2e::mock_step("a", "rows: 1")}));
  }

  void run(const std::vector<std::string>& arguments) {
    server.clear_requests();
    std::vector<std::string> all = {"run", "pipeline.yaml", "--allow-mock"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Outcome outcome = project.osiris(all);
    EXPECT_EQ(outcome.exit, 0) << outcome.err;
  }
  // The body of the first call of this route; null when there was none.
  Json body(const std::string& route) const {
    const Json recorded = server.requests();
    for (const Json& request : recorded.items())
      if (request["route"].as_string() == route) return request["body"];
    return {};
  }
  Json shape() const { return body("POST /v3/templates"); }
  void forget_templates() const {
    const Json listed =
        project.osiris({"resources", "list", "--adapter", "e2b", "--kind", "template", "--json"}).json();
    for (const Json& entry : listed["resources"].items())
      EXPECT_EQ(
          project.osiris({"resources", "release", entry["id"].as_string(), "--kind", "template", "--adapter", "e2b"})
              .exit,
          0);
  }
  // Everything that was sent to the worker's stdin.
  std::string input() const {
    std::string all;
    const Json recorded = server.requests();
    for (const Json& request : recorded.items())
      if (request["route"].as_string() == "POST /process.Process/StreamInput")
        for (const Json& message : request["body"].items())
          if (message.contains("data"))
            all += base64_decode(message["data"]["input"]["stdin"].as_string()).value_or("?");
    return all;
  }

  ServerProcess server = start_server();
  Project project;
};

TEST_F(E2bOptions, TheDefaultRunAsksForNoShapeAndBuildsNoTemplate) {
  run({"--e2b"});
  EXPECT_TRUE(shape().is_null());
  EXPECT_EQ(body("POST /v2/sandboxes")["templateID"].as_string(), "base");
  EXPECT_EQ(body("POST /v2/sandboxes")["timeout"].as_int(), 120) << "the lease, not the deadline of the run";
}

TEST_F(E2bOptions, CpuAndMemoryMeanTheSameInEverySpelling) {
  const std::vector<std::vector<std::string>> spellings = {
      {"--e2b", "--e2b-cpu", "4", "--e2b-mem", "2"},        {"--adapter", "e2b", "--cpu", "4", "--memory-gb", "2"},
      {"--target", "e2b", "--e2b-cpu=4", "--e2b-mem=2GiB"}, {"--e2b", "--e2b-cpu", "4", "--e2b-mem", "2048MiB"},
      {"--e2b", "--e2b-cpu", "4", "--e2b-memory-gb", "2"},
  };
  for (const auto& spelling : spellings) {
    run(spelling);
    EXPECT_EQ(shape()["cpuCount"].as_int(), 4) << spelling.back();
    EXPECT_EQ(shape()["memoryMB"].as_int(), 2048) << spelling.back();
    forget_templates();
  }
  project.write("osiris.yaml", "version: '2.0'\nadapters:\n  e2b: {cpu: 4, memory_gb: 2}\n");
  run({"--e2b"});
  EXPECT_EQ(shape()["memoryMB"].as_int(), 2048);
  forget_templates();
  project.set("OSIRIS_E2B_MEM", "1");
  project.set("OSIRIS_EXECUTION_TARGET", "e2b");
  project.write("osiris.yaml", "version: '2.0'\n");
  run({});
  EXPECT_EQ(shape()["memoryMB"].as_int(), 1024);
}

TEST_F(E2bOptions, TwoAdaptersOnOneLineAreRefusedInAnyOrder) {
  const std::vector<std::vector<std::string>> lines = {
      {"run", "pipeline.yaml", "--adapter", "local", "--e2b"},
      {"run", "pipeline.yaml", "--e2b", "--e2b-lease", "45s", "--adapter=local"},
      {"sandboxes", "list", "--adapter", "local"}};
  for (const auto& line : lines) {
    const Outcome outcome = project.osiris(line);
    EXPECT_EQ(outcome.exit, 2) << join(line, " ");
    EXPECT_NE(outcome.err.find("name two adapters, "), std::string::npos) << outcome.err;
  }
  EXPECT_TRUE(project.sessions().empty());
  EXPECT_EQ(project.osiris({"sandboxes", "list", "--e2b"}).exit, 0) << "the same one twice";
}

TEST_F(E2bOptions, TheDeadlineMeansTheSameInEverySpelling) {
  project.write("pipeline.yaml", e2e::oml("hang", {e2e::mock_step("a", "hang: politely")}));
  for (const std::vector<std::string>& spelling : {std::vector<std::string>{"--timeout", "1"},
                                                   {"--e2b-timeout", "1s"},
                                                   {"--e2b-timeout", "1", "--timeout", "1h"}}) {
    std::vector<std::string> all = {"run", "pipeline.yaml", "--allow-mock", "--e2b"};
    all.insert(all.end(), spelling.begin(), spelling.end());
    EXPECT_EQ(project.osiris(all).exit, 124) << join(spelling, " ");
  }
  expect_no_sandbox(server);
}

TEST_F(E2bOptions, MetadataTemplateLeaseAndNetworkReachTheService) {
  run({"--e2b", "--e2b-metadata", "team=data", "--e2b-lease", "45", "--e2b-network", "derived", "--e2b-network-allow",
       "192.0.2.7", "--e2b-network-allow", "198.51.100.0/24"});
  const Json created = body("POST /v2/sandboxes");
  EXPECT_EQ(created["metadata"]["team"].as_string(), "data");
  EXPECT_FALSE(created["metadata"]["osiris_run"].as_string().empty());
  EXPECT_EQ(created["timeout"].as_int(), 45);
  EXPECT_EQ(created["network"].dump(), R"({"allowOut":["192.0.2.7","198.51.100.0/24"],"denyOut":["0.0.0.0/0"]})");
  run({"--e2b", "--e2b-network", "open"});
  EXPECT_TRUE(body("POST /v2/sandboxes")["network"].is_null());
  EXPECT_FALSE(body("POST /v2/sandboxes").contains("allow_internet_access"));
  run({"--e2b", "--e2b-network", "none"});
  EXPECT_FALSE(body("POST /v2/sandboxes")["allow_internet_access"].as_bool(true));
}

TEST_F(E2bOptions, AnImageBecomesATemplate) {
  run({"--e2b", "--e2b-image", "debian:12"});
  bool from_image = false;
  const Json recorded = server.requests();
  for (const Json& request : recorded.items()) from_image |= request["body"]["fromImage"].as_string() == "debian:12";
  EXPECT_TRUE(from_image);
  const Outcome both = project.osiris(run_arguments("e2b", {"--e2b-image", "debian:12", "--e2b-template", "base"}));
  EXPECT_EQ(both.exit, 2) << both.err;
  EXPECT_NE(both.err.find("exclude each other"), std::string::npos) << both.err;
}

TEST_F(E2bOptions, OnlyVariablesThatAreNamedReachTheWorker) {
  project.set("PASSED_BY_NAME", "value-one");
  project.set("AWS_SECRET_ACCESS_KEY", "value-nobody-asked-for");
  project.write("more.env", "FROM_FILE=value-two\n");
  run({"--e2b", "--e2b-pass-env", "PASSED_BY_NAME", "--e2b-env-from", "more.env", "--e2b-env", "GIVEN=value-three"});
  for (const char* value : {"value-one", "value-two", "value-three"})
    EXPECT_NE(input().find(value), std::string::npos) << value;
  EXPECT_EQ(input().find("value-nobody-asked-for"), std::string::npos);
  EXPECT_EQ(input().find(server.api_key()), std::string::npos);
  const Json recorded = server.requests();
  for (const Json& request : recorded.items()) {
    EXPECT_EQ(request["body"].dump().find("value-nobody-asked-for"), std::string::npos);
    // Not in the environment of the process either: only what every worker gets.
    if (request["route"].as_string() == "POST /process.Process/Start") {
      EXPECT_EQ(request["body"]["process"]["envs"].size(), 4u) << request["body"].dump();
    }
  }
}

TEST_F(E2bOptions, ADryRunCallsNobodyAndSaysWhoWouldBeContacted) {
  project.write("osiris_connections.yaml",
                "version: 1\nconnections:\n  mysql:\n    db: {default: true, host: db.example, database: d, user: u, "
                "password: \"${DB_PASSWORD}\"}\n",
                0600);
  project.set("DB_PASSWORD", "does-not-matter");
  project.write("pipeline.yaml", e2e::oml("db", {"  - id: pull\n    component: mysql.extractor\n    mode: read\n    "
                                                 "config: {connection: \"@mysql.db\", query: \"SELECT 1\"}\n"}));
  server.clear_requests();
  const Outcome outcome = project.osiris({"run", "pipeline.yaml", "--e2b", "--dry-run"});
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("Hosts contacted: db.example:3306"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("connection/mysql.db/password"), std::string::npos) << outcome.out;
  EXPECT_EQ(server.requests().size(), 0u);
}

TEST_F(E2bOptions, TheAdapterDescribesItself) {
  const Json shown = project.osiris({"adapters", "show", "e2b", "--json"}).json();
  std::map<std::string, std::string> defaults;
  for (const Json& option : shown["options"].items())
    defaults[option["name"].as_string()] = option["default"].as_string_or("-");
  const std::map<std::string, std::string> expected = {
      {"template", "-"},           {"cpu", "-"},     {"mem", "-"},      {"timeout", "900"}, {"lease", "120"},
      {"install-deps", "false"},   {"env", "-"},     {"env-from", "-"}, {"pass-env", "-"},  {"network", "derived"},
      {"allow-loopback", "false"}, {"keep", "false"}};
  for (const auto& [name, value] : expected) EXPECT_EQ(defaults[name], value) << name;
  EXPECT_EQ(defaults.count("api-key"), 0u) << "a secret is never a flag";
  EXPECT_NE(shown["secrets"].dump().find("E2B_API_KEY"), std::string::npos);
  const Outcome help = project.osiris({"run", "--help", "--adapter", "e2b"});
  for (const auto& [name, value] : expected) EXPECT_NE(help.out.find("--e2b-" + name), std::string::npos) << name;
}

TEST_F(E2bOptions, ErrorsCarryClassStatusAndWhetherTheyWereTriedAgain) {
  ASSERT_TRUE(
      server
          .set_faults(*parse_json(
              R"({"faults":[{"route":"POST /v2/sandboxes","action":{"type":"status","status":429,"retry_after":1}}]})"))
          .ok());
  const Outcome outcome = project.osiris(run_arguments("e2b", {"--json", "--e2b-retry-budget", "2"}));
  EXPECT_EQ(outcome.exit, 3) << outcome.err;
  const Json detail = outcome.json()["error"]["detail"];
  EXPECT_EQ(detail["class"].as_string(), "QuotaExceeded") << outcome.out;
  EXPECT_EQ(detail["http_status"].as_int(), 429);
  EXPECT_TRUE(detail["retried"].as_bool());
  EXPECT_GE(detail["attempts"].as_int(), 2);
  EXPECT_EQ(detail["retry_after_s"].as_int(), 1);
  const auto errors = Project::events(project.session(), "run_error");
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0]["detail"].dump(), detail.dump());
}

}  // namespace
}  // namespace osiris::e2b_test
