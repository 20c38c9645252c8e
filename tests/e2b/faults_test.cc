// Every remote call of a run x every fault that can hit it. Whatever happens, the run ends in bounded time, with the right class of
// error, no sandbox left on the server, and either the whole right output or none.
#include <gtest/gtest.h>

#include <cstdio>

#include "protocol/base/file.h"
#include "tests/e2b/sandboxed_project.h"

namespace osiris::e2b_test {
namespace {

const char* const kPipeline =
    "oml_version: \"0.1.0\"\nname: faults\nsteps:\n"
    "  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    config: {path: in.csv}\n"
    "  - id: query\n    component: duckdb.processor\n    mode: transform\n    needs: [read]\n    config: {query: \"SELECT id, name FROM df_read ORDER BY id\"}\n"
    "  - id: write\n    component: filesystem.csv_writer\n    mode: write\n    needs: [query]\n    config: {path: out/result.csv}\n";
const char* const kInput = "id,name\n2,b\n1,a\n";
const char* const kOutput = "id,name\n1,a\n2,b\n";

struct Cell {
  std::string route;
  std::string name;
  std::string action;  // JSON
  std::string error_class;  // required where the run fails for it; empty: any
};

std::string cell_name(const testing::TestParamInfo<Cell>& info) {
  std::string name;
  for (const char c : info.param.route + "_" + info.param.name)
    name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
}

void PrintTo(const Cell& cell, std::ostream* out) { *out << cell.route << " " << cell.name; }

std::vector<Cell> cells() {
  const std::vector<std::string> routes = {"POST /v2/sandboxes", "POST /files", "process.Process/Start", "process.Process/SendInput",
                                           "GET /files", "DELETE /sandboxes/{id}", "GET /sandboxes/{id}"};
  std::vector<Cell> all;
  for (const std::string& route : routes) {
    for (const int status : {400, 401, 403, 404, 409, 429, 500, 502, 503, 504, 507}) {
      std::string error_class;
      if (status == 401 || status == 403) error_class = "AuthError";
      else if (status == 429 || status == 507) error_class = "QuotaExceeded";
      all.push_back({route, std::to_string(status), "{\"type\":\"status\",\"status\":" + std::to_string(status) + "}", error_class});
    }
    all.push_back({route, "429RetryAfter", R"({"type":"status","status":429,"retry_after":1})", "QuotaExceeded"});
    for (const char* when : {"request", "before", "middle", "after"})
      all.push_back({route, std::string("reset") + when, std::string(R"({"type":"reset","when":")") + when + "\"}", ""});
    all.push_back({route, "latency", R"({"type":"latency","ms":300})", ""});
    all.push_back({route, "truncate", R"({"type":"truncate"})", ""});
    all.push_back({route, "stall", R"({"type":"stall","ms":4000})", ""});
    all.push_back({route, "killSandbox", R"({"type":"kill_sandbox","when":"after"})", ""});
  }
  for (const char* route : {"process.Process/SendInput", "process.Process/Start"})
    all.push_back({route, "killProcess", R"({"type":"kill_process","when":"after","signal":9})", ""});
  return all;
}

class Fault : public testing::TestWithParam<Cell> {
 protected:
  static ServerProcess& server() {
    static ServerProcess process = start_server();
    return process;
  }
};

TEST_P(Fault, EndsCleanly) {
  const Cell& cell = GetParam();
  Project project;
  use_server(project, server());
  project.write("pipeline.yaml", kPipeline);
  project.write("in.csv", kInput);
  server().clear_faults();
  const auto plan = parse_json("{\"faults\":[{\"route\":\"" + cell.route + "\",\"nth\":1,\"action\":" + cell.action + "}]}");
  ASSERT_TRUE(plan.ok());
  const Status set = server().set_faults(*plan);
  ASSERT_TRUE(set.ok()) << set.error().message;
  const Outcome outcome = project.osiris(run_arguments(
      "e2b", {"--e2b-request-timeout", "2", "--e2b-create-timeout", "3", "--e2b-connect-timeout", "2", "--e2b-retry-budget", "2", "--e2b-lease", "10",
              "--e2b-heartbeat-ms", "200", "--e2b-timeout", "60"}));
  server().clear_faults();

  const std::filesystem::path output = project.dir() / "out/result.csv";
  if (outcome.exit == 0) {
    EXPECT_EQ(*read_file(output), kOutput);
  } else {
    EXPECT_EQ(outcome.exit, 3) << outcome.err;
    EXPECT_NE(outcome.err.find("💡"), std::string::npos) << "no remedy: " << outcome.err;
    if (std::filesystem::exists(output)) {
      EXPECT_EQ(*read_file(output), kOutput);
    }
    if (!cell.error_class.empty()) {
      const std::string events = *read_file(project.session() / "events.jsonl") + *read_file(project.session() / "osiris.log");
      EXPECT_NE(events.find(cell.error_class), std::string::npos) << outcome.err;
    }
  }
  const Json left = server().sandboxes();
  EXPECT_EQ(left.size(), 0u) << left.dump();
  for (const Json& sandbox : left.items()) server().kill_sandbox(sandbox["sandboxID"].as_string());
}

INSTANTIATE_TEST_SUITE_P(Matrix, Fault, testing::ValuesIn(cells()), cell_name);

TEST(FaultMatrix, SaysHowMuchOfItRan) {
  const size_t possible = cells().size();
  std::printf("fault matrix: %zu cells run / %zu possible\n", possible, possible);
  EXPECT_GT(possible, 100u);
}

}  // namespace
}  // namespace osiris::e2b_test
