// What a run in a sandbox says about itself: summary, events with their fields, metrics, wire logs; and the options
// that name the service.
#include <gtest/gtest.h>

#include "protocol/base/file.h"
#include "tests/e2b/sandboxed_project.h"

namespace osiris::e2b_test {
namespace {

class E2bSession : public testing::Test {
 protected:
  E2bSession() {
    use_server(project, server);
    project.write("pipeline.yaml", e2e::oml("one", {e2e::mock_step("a", "write: out/a.txt, text: hello, rows: 3")}));
    std::filesystem::create_directory(project.dir() / "out");
  }

  Outcome run(const std::vector<std::string>& more = {}, const std::string& adapter = "e2b") {
    const Outcome outcome = project.osiris(run_arguments(adapter, more));
    EXPECT_EQ(outcome.exit, 0) << outcome.err;
    return outcome;
  }
  Json event(const std::string& name) const {
    const auto events = Project::events(project.session(), name);
    EXPECT_EQ(events.size(), 1u) << name;
    return events.empty() ? Json() : events[0];
  }
  double metric(const std::string& name) const {
    double value = -1;
    for (const Json& metric : Project::lines(project.session() / "metrics.jsonl"))
      if (metric["metric"].as_string() == name) value = metric["value"].as_double();
    EXPECT_GE(value, 0) << "no metric " << name;
    return value;
  }
  std::string log(const char* name) const { return *read_file(project.session() / "adapter" / name); }

  ServerProcess server = start_server();
  Project project;
};

TEST_F(E2bSession, TheSummaryShowsThatTheSandboxIsGone) {
  const Outcome outcome = run();
  const std::string id = event("sandbox_created")["sandbox_id"].as_string();
  EXPECT_NE(outcome.out.find("sandbox " + id + ": killed, and its end was verified"), std::string::npos) << outcome.out;
  const Json report = run({"--json"}).json();
  ASSERT_EQ(report["released"].size(), 1u);
  EXPECT_TRUE(report["released"].items()[0]["verified"].as_bool());
  EXPECT_EQ(report["unreleased"].size(), 0u);
}

TEST_F(E2bSession, TheSummaryOfALocalRunSpeaksOfNoSandbox) {
  EXPECT_EQ(run({}, "local").out.find("verified"), std::string::npos);
}

TEST_F(E2bSession, AKeptSandboxIsCalledKeptAndNotUnreleased) {
  const Outcome outcome = run({"--e2b-keep"});
  EXPECT_NE(outcome.out.find(": kept for the next run"), std::string::npos) << outcome.out;
  EXPECT_EQ((outcome.out + outcome.err).find("not released"), std::string::npos) << outcome.err;
}

TEST_F(E2bSession, EveryEventOfTheLifecycleHasItsFields) {
  run({"--e2b-cpu", "4"});
  const std::map<std::string, std::vector<std::string>> fields = {
      {"template_built", {"template_id", "name", "built", "bytes", "duration_ms"}},
      {"service_selected", {"api_url", "sandbox_url"}},
      {"egress_rules", {"internet", "network"}},
      {"sandbox_created", {"sandbox_id", "template", "duration_ms"}},
      {"package_uploaded", {"bytes", "files", "duration_ms"}},
      {"worker_started", {"pid", "version", "duration_ms"}},
      {"artifacts_collected", {"files", "bytes", "duration_ms"}},
      {"sandbox_killed", {"sandbox_id", "verified", "duration_ms"}},
  };
  for (const auto& [name, names] : fields) {
    const Json found = event(name);
    for (const std::string& field : names) EXPECT_TRUE(found.contains(field)) << name << " has no " << field;
  }
}

TEST_F(E2bSession, CpuAndMemoryOfTheWorkerAreMetricsOfBothAdapters) {
  for (const char* adapter : {"local", "e2b"}) {
    run({}, adapter);
    EXPECT_GT(metric("worker_memory_bytes"), 1 << 20) << adapter;
    metric("worker_cpu_ms");
    metric("worker_spill_bytes");
  }
  EXPECT_EQ(metric("artifacts_files_total"), 2);  // the output and cleaned_config.json
  EXPECT_GT(metric("artifacts_bytes_total"), 5);
  metric("artifacts_copy_ms");
  metric("e2b_overhead_ms");
  EXPECT_LE(metric("remote_calls"), 8);
}

TEST_F(E2bSession, WireLogsAreWrittenForTheVariableThatAsksForThem) {
  run();
  EXPECT_FALSE(std::filesystem::exists(project.session() / "adapter/rpc.log"));
  EXPECT_FALSE(std::filesystem::exists(project.session() / "adapter/e2b-wire.log"));

  project.set("OSIRIS_RPC_DEBUG", "true");
  for (const char* adapter : {"local", "e2b"}) {
    run({}, adapter);
    EXPECT_NE(log("rpc.log").find("\"method\":\"prepare\""), std::string::npos) << adapter;
    EXPECT_NE(log("rpc.log").find("\"event\":\"step_complete\""), std::string::npos) << adapter;
    EXPECT_FALSE(std::filesystem::exists(project.session() / "adapter/e2b-wire.log"));
  }
  project.set("OSIRIS_RPC_DEBUG", "0");

  project.set("E2B_DEBUG", "true");
  run();
  EXPECT_FALSE(std::filesystem::exists(project.session() / "adapter/rpc.log"));
  const std::string wire = log("e2b-wire.log");
  for (const char* part : {"> POST ", "/v2/sandboxes {\"templateID\"", "/process.Process/Start", "> DELETE ",
                           "< HTTP 204", "< HTTP 404", "\"sandboxID\":"})
    EXPECT_NE(wire.find(part), std::string::npos) << part << " in\n" << wire;
  EXPECT_EQ(wire.find(server.api_key()), std::string::npos);
  EXPECT_NE(wire.find("\"envdAccessToken\":\"***MASKED***\""), std::string::npos) << wire;
}

TEST_F(E2bSession, TheServiceMayBeNamedByItsOwnVariables) {
  for (const char* name : {"OSIRIS_E2B_API_URL", "OSIRIS_E2B_SANDBOX_URL"}) project.set(name, "");
  project.set("E2B_API_URL", server.url());
  project.set("E2B_SANDBOX_URL", server.url());
  run();
  EXPECT_EQ(server.count("POST /v2/sandboxes"), 1);
}

TEST_F(E2bSession, UnchangedInputsOfAKeptSandboxDoNotTravelAgain) {
  const auto csv = [](const char* text, int rows) {
    std::string all = "id,name\n";
    for (int i = 0; i < rows; ++i) all += std::to_string(i) + "," + text + std::to_string(i * 7919) + "\n";
    return all;
  };
  project.write(
      "pipeline.yaml",
      e2e::oml(
          "two",
          {"  - {id: big, component: filesystem.csv_extractor, mode: read, config: {path: big.csv}}\n",
           "  - {id: small, component: filesystem.csv_extractor, mode: read, needs: [], config: {path: small.csv}}\n",
           "  - {id: both, component: duckdb.processor, mode: transform, needs: [big, small], config: {query: \"SELECT "
           "count(*) AS n, max(s.name) AS name FROM df_big, df_small s\"}}\n",
           "  - {id: write, component: filesystem.csv_writer, mode: write, needs: [both], config: {path: "
           "out/n.csv}}\n"}));
  project.write("big.csv", csv("row ", 50'000));
  project.write("small.csv", csv("a", 2));
  run({"--e2b-keep"});
  EXPECT_EQ(project.read("out/n.csv"), "n,name\n100000,a7919\n");
  project.write("small.csv", csv("b", 3));
  run({"--e2b-keep"});
  EXPECT_EQ(project.read("out/n.csv"), "n,name\n150000,b7919\n");
  EXPECT_TRUE(event("sandbox_created")["reused"].as_bool());
  EXPECT_LT(event("package_uploaded")["bytes"].as_int(), 64 * 1024);

  // The same again in a sandbox whose files were touched: it is given up for a fresh one, and the result is right.
  const Json sandboxes = server.sandboxes();
  ASSERT_EQ(sandboxes.size(), 1u);
  size_t changed = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(sandboxes.items()[0]["directory"].as_string()))
    if (entry.path().filename() == "big.csv" && entry.is_regular_file()) {
      std::filesystem::resize_file(entry.path(), 100);
      ++changed;
    }
  ASSERT_EQ(changed, 1u);
  run({"--e2b-keep"});
  EXPECT_EQ(project.read("out/n.csv"), "n,name\n150000,b7919\n");
  event("sandbox_replaced");
  EXPECT_EQ(server.sandboxes().size(), 1u);
}

TEST_F(E2bSession, ResourcesAreListedForPeople) {
  run({"--e2b-keep", "--e2b-cpu", "4"});
  const Outcome listed = project.osiris({"resources", "list", "--adapter", "e2b"});
  EXPECT_EQ(listed.exit, 0) << listed.err;
  for (const char* part : {"sandbox", "template", "osiris-", "running, kept", "4 CPUs", "one"})
    EXPECT_NE(listed.out.find(part), std::string::npos) << part << " in\n" << listed.out;
  EXPECT_EQ(project.osiris({"sandboxes", "list", "--adapter", "e2b"}).out, listed.out);
}

}  // namespace
}  // namespace osiris::e2b_test
