// A flood of events over a stream that breaks at random points, again and again: in its body, inside a chunk's size,
// and inside the head of the answer that opens it anew. Every event is in the session once, in order, on a line of its
// own.
//
//   OSIRIS_FLOOD_SEED=N   the same cuts again (printed by every flood)
#include <gtest/gtest.h>

#include <cstdio>
#include <mutex>
#include <random>
#include <set>

#include "protocol/base/file.h"
#include "tests/attack/scale.h"
#include "tests/e2b/fault_lane.h"

namespace osiris::e2b_test {
namespace {

constexpr size_t kEventsPerStep = 50'000;
constexpr int kSteps = 2;
constexpr int kCutsPerRun = 26;
constexpr const char* kStart = "POST /process.Process/Start";
constexpr const char* kConnect = "POST /process.Process/Connect";

struct Found {
  size_t events = 0, lost = 0, doubled = 0, out_of_order = 0, torn_lines = 0, cuts = 0, cuts_in_heads = 0;
  void add(const Found& other) {
    events += other.events;
    lost += other.lost;
    doubled += other.doubled;
    out_of_order += other.out_of_order;
    torn_lines += other.torn_lines;
    cuts += other.cuts;
    cuts_in_heads += other.cuts_in_heads;
  }
};

// In the body, after so many bytes or inside a chunk's size.
Json cut_in_body(std::mt19937_64& random, uint64_t bytes_min) {
  const auto bytes = static_cast<int64_t>(bytes_min + random() % 500'000);
  switch (random() % 3) {
    case 0:
      return Json::object({{"type", "reset"}, {"after_bytes", bytes}});
    case 1:
      return Json::object({{"type", "truncate"}, {"after_bytes", bytes}});
    default:
      return Json::object({{"type", "cut"},
                           {"at", "chunk_size"},
                           {"by", random() % 2 ? "rst" : "fin"},
                           {"after_events", static_cast<int64_t>(3 + random() % 60)}});
  }
}

Json cut_in_head(std::mt19937_64& random) {
  static constexpr const char* kPlaces[] = {"status_line", "headers", "header"};
  return Json::object({{"type", "cut"}, {"at", kPlaces[random() % 3]}, {"by", random() % 2 ? "rst" : "fin"}});
}

Json random_cuts(std::mt19937_64& random) {
  Json plan = Json::array();
  // The answer to Start begins with what it is: only behind that is there something to go on with.
  plan.push_back(Json::object({{"route", kStart}, {"nth", 1}, {"action", cut_in_body(random, 20'000)}}));
  for (int i = 1; i < kCutsPerRun; ++i)
    plan.push_back(Json::object({{"route", kConnect},
                                 {"nth", i},
                                 {"action", random() % 3 == 0 ? cut_in_head(random) : cut_in_body(random, 0)}}));
  return plan;
}

Found look_at(const std::filesystem::path& events_file) {
  Found found;
  const auto text = read_file(events_file);
  EXPECT_TRUE(text.ok()) << events_file;
  std::map<std::string, std::vector<int64_t>> numbers;
  for (size_t at = 0; text && at < text->size();) {
    const size_t end = text->find('\n', at);
    const auto line = parse_json(std::string_view(*text).substr(at, end - at));
    if (end == std::string::npos || !line)
      ++found.torn_lines;
    else if ((*line)["event"].as_string() == "mock_event")
      numbers[(*line)["step_id"].as_string()].push_back((*line)["number"].as_int());
    at = end == std::string::npos ? text->size() : end + 1;
  }
  for (int step = 0; step < kSteps; ++step) {
    const auto& seen = numbers["s" + std::to_string(step)];
    const std::set<int64_t> unique(seen.begin(), seen.end());
    found.events += seen.size();
    found.lost += kEventsPerStep - std::min(kEventsPerStep, unique.size());
    found.doubled += seen.size() - unique.size();
    for (size_t i = 1; i < seen.size(); ++i) found.out_of_order += seen[i] <= seen[i - 1];
  }
  return found;
}

TEST(CutFlood, NoEventIsLostDoubledOrTornHoweverTheStreamBreaks) {
  const uint64_t seed = attack::scale("OSIRIS_FLOOD_SEED", std::random_device{}(), std::random_device{}());
  const size_t runs = attack::scale("OSIRIS_FLOOD_RUNS", 2, 10);
  std::printf("cut flood: OSIRIS_FLOOD_SEED=%llu, %zu runs\n", static_cast<unsigned long long>(seed), runs);
  std::vector<std::string> steps;
  for (int i = 0; i < kSteps; ++i)
    steps.push_back(e2e::mock_step("s" + std::to_string(i), "events: " + std::to_string(kEventsPerStep),
                                   i == 0 ? "" : "s" + std::to_string(i - 1)));
  const std::string pipeline = e2e::oml("flood", steps);

  std::mutex mutex;
  Found all;
  run_in_lanes(2, runs, [&](Lane& lane, size_t run) {
    std::mt19937_64 random(seed + run * 0x9e3779b97f4a7c15ull);
    ServerProcess& server = lane.server();
    Project project;
    use_server(project, server);
    project.write("pipeline.yaml", pipeline);
    server.clear_requests();
    ASSERT_TRUE(server.set_faults(random_cuts(random)).ok());
    const Outcome outcome = project.osiris(run_arguments("e2b"));
    Found found = look_at(project.session() / "events.jsonl");
    const Json requests = server.requests();
    for (const Json& request : requests.items())
      for (const Json& fault : request["faults"].items()) {
        ++found.cuts;
        found.cuts_in_heads += fault.as_string().find("header") != std::string::npos ||
                               fault.as_string().find("status_line") != std::string::npos;
      }
    server.clear_faults();
    const std::lock_guard lock(mutex);
    EXPECT_EQ(outcome.exit, 0) << "run " << run << ", again: OSIRIS_FLOOD_SEED=" << seed << "\n" << outcome.err;
    EXPECT_EQ(found.events, kEventsPerStep * kSteps) << "run " << run;
    expect_no_sandbox(server);
    all.add(found);
  });
  std::printf(
      "attack: events over cut streams: %zu events, %zu cuts (%zu in heads); lost %zu, doubled %zu, out of order %zu, "
      "torn lines %zu\n",
      all.events, all.cuts, all.cuts_in_heads, all.lost, all.doubled, all.out_of_order, all.torn_lines);
  EXPECT_EQ(all.lost + all.doubled + all.out_of_order + all.torn_lines, 0u);
  EXPECT_GE(all.cuts, runs * 20);
  EXPECT_GE(all.cuts_in_heads, runs * 2);
}

}  // namespace
}  // namespace osiris::e2b_test
