// Random pipelines through random faults, several at once. What must hold of every run is in fault_lane.h; beyond that,
// a run that says success has the right output, and one that fails says so with the exit status of its kind.
//
//   OSIRIS_SOAK_SEED=N    the same runs again (printed by every soak)
//   OSIRIS_SOAK_RUN=N     only the N-th of them
//   OSIRIS_SOAK_RUNS=N    so many; default 200
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <random>

#include "tests/e2b/fault_lane.h"

namespace osiris::e2b_test {
namespace {

constexpr const char* kCsv = "id,name\n1,a\n2,b\n3,c\n";

struct Pipeline {
  const char* name;
  std::string oml;
  int exit;  // as it ends without a fault
  std::map<std::string, std::string> outputs = {};
};

std::vector<Pipeline> pipelines() {
  const std::string read =
      "  - id: read\n    component: filesystem.csv_extractor\n    mode: read\n    config: {path: in.csv}\n";
  const auto query = [](const std::string& id, const std::string& sql) {
    return "  - id: " + id +
           "\n    component: duckdb.processor\n    mode: transform\n    needs: [read]\n    config: {query: \"" + sql +
           "\"}\n";
  };
  const auto write = [](const std::string& id, const std::string& needs, const std::string& path) {
    return "  - id: " + id + "\n    component: filesystem.csv_writer\n    mode: write\n    needs: [" + needs +
           "]\n    config: {path: " + path + "}\n";
  };
  const auto step = [](const std::string& id, const std::string& config, const std::string& needs = "",
                       const std::string& extra = "") { return e2e::mock_step(id, config, needs, extra); };
  const std::map<std::string, std::string> two = {{"out/all.csv", kCsv}, {"out/first.csv", "id,name\n1,a\n"}};
  const std::vector<std::string> both = {read, query("all", "SELECT id, name FROM df_read ORDER BY id"),
                                         query("first", "SELECT id, name FROM df_read WHERE id = 1"),
                                         write("write_all", "all", "out/all.csv"),
                                         write("write_first", "first", "out/first.csv")};
  std::vector<std::string> talking = both, waiting = both;
  talking.push_back(step("talk", "events: 3000, rows: 10"));
  waiting.push_back(step("wait", "sleep_ms: 700, rows: 10"));
  return {
      {"both", e2e::oml("soak", both), 0, two},
      {"talking", e2e::oml("soak", talking), 0, two},
      {"waiting", e2e::oml("soak", waiting), 0, two},
      {"mock_output",
       e2e::oml("soak", {step("a", "rows: 50000, write: out/mock.txt, text: hello")}),
       0,
       {{"out/mock.txt", "hello"}}},
      {"many_steps",
       e2e::oml("soak", {step("a", "rows: 10"), step("b", "rows: 10", "a"), step("c", "rows: 10", "b"),
                         step("d", "events: 200", "c")}),
       0},
      {"retried", e2e::oml("soak", {step("a", "fail_first: 2, rows: 5", "", "retry: {max_attempts: 3, delay: 0}")}), 0},
      {"garbage", e2e::oml("soak", {step("a", "garbage: true, rows: 2")}), 0},
      {"child", e2e::oml("soak", {step("a", "child: true, rows: 2")}), 0},
      {"fails", e2e::oml("soak", {step("a", "rows: 5"), step("b", "fail: no luck", "a")}), 1},
      {"fails_in_rows", e2e::oml("soak", {step("a", "rows: 100, fail_after_rows: 40")}), 1},
      {"times_out", e2e::oml("soak", {step("a", "hang: politely", "", "timeout: 1")}), 1},
      {"crashes", e2e::oml("soak", {step("a", "signal: 11")}), 3},
      {"exits", e2e::oml("soak", {step("a", "exit: 7")}), 3},
  };
}

uint64_t number_from_environment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

Json random_faults(std::mt19937_64& random) {
  static const std::vector<FaultCase> kFaults = fault_cases();
  const auto& calls = remote_calls();
  Json plan = Json::array();
  for (uint64_t left = 1 + random() % 3; left > 0;) {
    const RemoteCall& call = calls[random() % calls.size()];
    // Two of three go where every run comes by.
    const bool common = random() % 3 != 0;
    if (common && call.scenario != Scenario::kPlain) continue;
    const FaultCase& fault = kFaults[random() % kFaults.size()];
    if (cannot_hit(call, fault) || fault.is_relayed()) continue;
    Json action = fault.action();
    if (!fault.when.empty() && fault.when == "middle" && random() % 2)
      action.set("after_bytes", static_cast<int64_t>(random() % 60'000));
    // Clean-up is promised to outlast one refusal, not two that ask for an hour.
    const bool once = call.manner == Manner::kCleanUp;
    const int64_t from = common || once ? 1 : static_cast<int64_t>(1 + random() % 3);
    const int64_t count = once ? 1 : static_cast<int64_t>(1 + random() % 2);
    plan.push_back(
        Json::object({{"route", call.route}, {"from", from}, {"count", count}, {"action", std::move(action)}}));
    --left;
  }
  return plan;
}

TEST(FaultSoak, RandomPipelinesThroughRandomFaultsKeepEveryPromise) {
  const uint64_t seed = number_from_environment("OSIRIS_SOAK_SEED", std::random_device{}());
  const size_t runs = number_from_environment("OSIRIS_SOAK_RUNS", 200);
  const char* only = std::getenv("OSIRIS_SOAK_RUN");
  std::printf("fault soak: OSIRIS_SOAK_SEED=%llu, %zu runs\n", static_cast<unsigned long long>(seed), runs);
  const std::vector<Pipeline> all = pipelines();
  std::mutex mutex;
  size_t succeeded = 0, as_pipeline_says = 0, failed = 0, struck = 0;
  const size_t first = only ? std::strtoull(only, nullptr, 10) : 0;
  run_in_lanes(5, only ? 1 : runs, [&](Lane& lane, size_t offset) {
    const size_t number = first + offset;
    std::mt19937_64 random(seed + number * 0x9e3779b97f4a7c15ull);
    const Pipeline& pipeline = all[random() % all.size()];
    std::vector<std::string> options = scaled_limits();
    options.insert(options.end(), {"--e2b-lease", std::to_string(random() % 2 ? 4 : kLeaseSeconds), "--e2b-pass-env",
                                   "SHOP_PASSWORD"});
    if (random() % 4 == 0) options.push_back("--e2b-debug");
    Json plan = random_faults(random);
    Ended ended = lane.run_pipeline(pipeline.oml, {{"in.csv", "id,name\n2,b\n1,a\n3,c\n"}, {"out/.keep", ""}}, options,
                                    plan, pipeline.exit == 0 ? pipeline.outputs : std::map<std::string, std::string>());
    if (ended.exit != pipeline.exit && ended.exit != 3)
      ended.complaints.push_back("exit " + std::to_string(ended.exit) + " instead of " + std::to_string(pipeline.exit) +
                                 " or 3");
    const std::lock_guard lock(mutex);
    struck += ended.hit;
    succeeded += ended.exit == 0;
    as_pipeline_says += ended.exit == pipeline.exit && ended.exit != 0;
    failed += ended.exit == 3 && pipeline.exit != 3;
    if (ended.complaints.empty()) return;
    std::string text;
    for (const std::string& complaint : ended.complaints) text += "\n    " + complaint;
    ADD_FAILURE() << "run " << number << " (" << pipeline.name << "), again: OSIRIS_SOAK_SEED=" << seed
                  << " OSIRIS_SOAK_RUN=" << number << text << "\n    faults: " << plan.dump() << "\n"
                  << ended.log;
  });
  std::printf(
      "fault soak: %zu succeeded, %zu ended as their pipeline says, %zu failed for a fault; faults struck in %zu\n",
      succeeded, as_pipeline_says, failed, struck);
  if (!only) {
    EXPECT_GT(struck, runs / 4);
    EXPECT_GT(succeeded, runs / 10);
  }
}

}  // namespace
}  // namespace osiris::e2b_test
