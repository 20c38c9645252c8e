// Every remote call x every fault that can hit it (fault_cases.h, remote_calls.h). Whatever happens, the run ends in bounded time, with
// the right class of error and a remedy, no sandbox, process or half a file left, no secret told, and either the whole right
// output or none.
//
//   OSIRIS_ATTACK=full        every cell; otherwise some of the cuts are left out (is_drawn)
//   OSIRIS_FAULT_CELLS=GLOB   only cells ("call/fault") that match
//   OSIRIS_FAULT_LANES=N      runs at once
#include <fnmatch.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <regex>

#include "protocol/base/file.h"
#include "tests/attack/scale.h"
#include "tests/e2b/fault_lane.h"

namespace osiris::e2b_test {
namespace {

constexpr double kBoundedSeconds = 100;  // far above every limit of such a run

struct Cell {
  const RemoteCall* call;
  FaultCase fault;
  std::string name() const { return call->name + "/" + fault.name; }
};

// A part of the cuts that covers every place for every call: by one of the two closes, in turn, and one of those below HTTP a call.
bool is_drawn(const RemoteCall& call, const FaultCase& fault) {
  const size_t row = static_cast<size_t>(&call - remote_calls().data());
  static const std::vector<FaultCase> all = fault_cases();
  std::vector<std::string> rivals;
  for (const FaultCase& other : all)
    if (other.type == fault.type && (fault.is_relayed() || other.at == fault.at) && !cannot_hit(call, other)) rivals.push_back(other.name);
  const bool is_cut = fault.type == "cut" || fault.is_relayed();
  return !is_cut || rivals[(row + fault.at.size()) % rivals.size()] == fault.name;
}

int from_environment(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atoi(text) : otherwise;
}

std::string without_names(const std::string& route) { return std::regex_replace(route, std::regex(R"(\{[^}]*\})"), "{}"); }

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += "\n    " + line;
  return out;
}

// The rows are what the adapter really calls: every scenario as it is, without a fault.
TEST(FaultMatrix, ItsRowsAreTheCallsThatAreMadeAndThatTheManualLists) {
  std::mutex mutex;
  std::set<std::string> seen, listed;
  const auto& calls = remote_calls();
  std::map<Scenario, size_t> first;
  for (size_t i = 0; i < calls.size(); ++i) {
    first.try_emplace(calls[i].scenario, i);
    listed.insert(calls[i].route);
  }
  std::vector<size_t> scenarios;
  for (const auto& [scenario, index] : first) scenarios.push_back(index);
  run_in_lanes(2, scenarios.size(), [&](Lane& lane, size_t index) {
    const RemoteCall& call = calls[scenarios[index]];
    const Ended ended = lane.run(call, std::nullopt);
    std::map<std::string, int> counts;
    const Json requests = lane.server().requests_by_arrival();
    const std::lock_guard lock(mutex);
    for (const Json& request : requests.items()) {
      const std::string route = request["route"].as_string();
      if (route == "GET /sandboxes/{id}/logs") continue;  // the lane's own search for the secret
      ++counts[route];
      seen.insert(route);
    }
    for (const RemoteCall& other : calls) {
      if (other.scenario != call.scenario) continue;
      EXPECT_GE(counts[other.route], other.nth) << other.name << " is not called: " << ended.log;
    }
    EXPECT_TRUE(ended.complaints.empty()) << call.name << joined(ended.complaints) << "\n" << ended.log;
  });
  EXPECT_EQ(seen, listed) << "the adapter calls something else than remote_calls.cc lists";
  const std::string manual = without_names(*read_file(e2e::source_dir() / "docs/e2b.md"));
  for (const std::string& route : listed) {
    if (route.starts_with("PUT /_storage")) continue;  // wherever the service says
    EXPECT_NE(manual.find(without_names(route)), std::string::npos) << "docs/e2b.md does not list " << route;
  }
}

TEST(FaultMatrix, EveryCallMeetsEveryFault) {
  const char* only = std::getenv("OSIRIS_FAULT_CELLS");
  std::vector<Cell> cells;
  std::map<std::string, int> excluded;
  const std::vector<FaultCase> faults = fault_cases();
  for (const RemoteCall& call : remote_calls())
    for (const FaultCase& fault : faults) {
      if (const auto reason = cannot_hit(call, fault)) ++excluded[*reason];
      else cells.push_back({&call, fault});
    }
  const size_t possible = cells.size();
  if (only) std::erase_if(cells, [&](const Cell& cell) { return ::fnmatch(only, cell.name().c_str(), 0) != 0; });
  else if (!attack::scale("OSIRIS_FAULT_ALL", 0, 1)) std::erase_if(cells, [&](const Cell& cell) { return !is_drawn(*cell.call, cell.fault); });

  std::mutex mutex;
  size_t run = 0, crashes = 0, hangs = 0, wrong = 0, canaries = 0;
  run_in_lanes(from_environment("OSIRIS_FAULT_LANES", 6), cells.size(), [&](Lane& lane, size_t index) {
    const Cell& cell = cells[index];
    Ended ended = lane.run(*cell.call, cell.fault);
    // A run that came to its end before the call was due has tried nothing; once more, then.
    for (int again = 0; again < 3 && !ended.hit && ended.complaints.empty(); ++again) ended = lane.run(*cell.call, cell.fault);
    const Expectation expected = expectation(*cell.call, cell.fault);
    if (!ended.hit) ended.complaints.push_back("the fault never struck");
    const int good_exit = cell.call->scenario == Scenario::kCancel ? 130 : 0;
    // Only a run has a session that names the class.
    const bool is_run = cell.call->scenario < Scenario::kList;
    const bool fails_well = ended.exit == 3 && (is_run ? expected.failures.count(ended.error_class) > 0 : !expected.failures.empty());
    if (!fails_well && !(ended.exit == good_exit && expected.success))
      ended.complaints.push_back("exit " + std::to_string(ended.exit) + " " + ended.error_class + " is not what was expected");
    const std::lock_guard lock(mutex);
    run += ended.hit;
    crashes += ended.exit >= 128 && ended.exit != 130;
    hangs += ended.seconds > kBoundedSeconds;
    wrong += !ended.complaints.empty();
    for (const std::string& complaint : ended.complaints) canaries += complaint.starts_with("the secret ");
    if (std::getenv("OSIRIS_FAULT_PRINT")) std::printf("CELL %s exit=%d class=%s %.1fs\n", cell.name().c_str(), ended.exit, ended.error_class.c_str(), ended.seconds);
    if (!ended.complaints.empty()) ADD_FAILURE() << cell.name() << joined(ended.complaints) << "\n" << ended.log;
  });

  std::printf("attack: remote calls x faults: %zu cells of %zu; crashes %zu, hangs %zu, wrong class or a promise broken %zu\n", run, possible, crashes, hangs, wrong);
  std::printf("attack: canaries outside their channel: %zu found in the files, output, requests and service's log of %zu runs\n", canaries, run);
  std::printf("fault matrix: %zu cells run / %zu possible (%zu calls x %zu faults; cannot hit:", run, possible, remote_calls().size(), faults.size());
  for (const auto& [reason, count] : excluded) std::printf(" %d: %s;", count, reason.c_str());
  std::printf(")\n");
  EXPECT_EQ(run, cells.size());
  EXPECT_EQ(hangs, 0u);
}

}  // namespace
}  // namespace osiris::e2b_test
