// Every remote call x every fault that can hit it (fault_cases.h, remote_calls.h); each call is one ctest, which runs
// its cells. Whatever happens, the run ends in bounded time, with the right class of error and a remedy, no sandbox,
// process or half a file left, no secret told, and either the whole right output or none.
//
//   OSIRIS_ATTACK=full        every cell; otherwise some of the cuts are left out (is_drawn)
//   OSIRIS_FAULT_CELLS=GLOB   only cells ("call/fault") that match
//   OSIRIS_FAULT_LANES=N      runs at once, of each call
#include <fnmatch.h>
#include <gtest/gtest.h>

#include <algorithm>
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

// The matrix's size: of the forty calls of remote_calls.cc.
constexpr size_t kPossibleCells = 1942;
constexpr size_t kDrawnCells = 1588;

struct Cell {
  const RemoteCall* call;
  FaultCase fault;
  std::string name() const { return call->name + "/" + fault.name; }
};

std::vector<Cell> cells_of(const RemoteCall& call) {
  std::vector<Cell> cells;
  for (const FaultCase& fault : fault_cases())
    if (!cannot_hit(call, fault)) cells.push_back({&call, fault});
  return cells;
}

// A part of the cuts that covers every place for every call: by one of the two closes, in turn, and one of those below
// HTTP a call.
bool is_drawn(const RemoteCall& call, const FaultCase& fault) {
  const size_t row = static_cast<size_t>(&call - remote_calls().data());
  static const std::vector<FaultCase> all = fault_cases();
  std::vector<std::string> rivals;
  for (const FaultCase& other : all)
    if (other.type == fault.type && (fault.is_relayed() || other.at == fault.at) && !cannot_hit(call, other))
      rivals.push_back(other.name);
  const bool is_cut = fault.type == "cut" || fault.is_relayed();
  return !is_cut || rivals[(row + fault.at.size()) % rivals.size()] == fault.name;
}

// Those that wait longest begin first, so that no lane of a row is left with them at the end.
void sort_by_wait(std::vector<Cell>& cells) {
  const auto wait_ms = [](const Cell& cell) {
    if (cell.fault.type == "stall" || cell.fault.type == "latency") return cell.fault.ms;
    return cell.fault.retry_after_s == 1 ? int64_t{1000} : int64_t{0};
  };
  std::stable_sort(cells.begin(), cells.end(),
                   [&](const Cell& one, const Cell& other) { return wait_ms(one) > wait_ms(other); });
}

int from_environment(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atoi(text) : otherwise;
}

std::string without_names(const std::string& route) {
  return std::regex_replace(route, std::regex(R"(\{[^}]*\})"), "{}");
}

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

// How a row's cells went.
struct Figures {
  size_t run = 0, crashes = 0, hangs = 0, wrong = 0, canaries = 0;
};

void run_cell(Lane& lane, const Cell& cell, Figures& figures, std::mutex& mutex) {
  Ended ended = lane.run(*cell.call, cell.fault);
  // A run that came to its end before the call was due has tried nothing; once more, then.
  for (int again = 0; again < 3 && !ended.hit && ended.complaints.empty(); ++again)
    ended = lane.run(*cell.call, cell.fault);
  const Expectation expected = expectation(*cell.call, cell.fault);
  if (!ended.hit) ended.complaints.push_back("the fault never struck");
  const int good_exit = cell.call->scenario == Scenario::kCancel ? 130 : 0;
  // Only a run has a session that names the class.
  const bool is_run = cell.call->scenario < Scenario::kList;
  const bool fails_well =
      ended.exit == 3 && (is_run ? expected.failures.count(ended.error_class) > 0 : !expected.failures.empty());
  if (!fails_well && !(ended.exit == good_exit && expected.success))
    ended.complaints.push_back("exit " + std::to_string(ended.exit) + " " + ended.error_class +
                               " is not what was expected");
  const std::lock_guard lock(mutex);
  figures.run += ended.hit;
  figures.crashes += ended.exit >= 128 && ended.exit != 130;
  figures.hangs += ended.seconds > kBoundedSeconds;
  figures.wrong += !ended.complaints.empty();
  for (const std::string& complaint : ended.complaints) figures.canaries += complaint.starts_with("the secret ");
  if (std::getenv("OSIRIS_FAULT_PRINT"))
    std::printf("CELL %s exit=%d class=%s %.1fs\n", cell.name().c_str(), ended.exit, ended.error_class.c_str(),
                ended.seconds);
  if (!ended.complaints.empty()) ADD_FAILURE() << cell.name() << joined(ended.complaints) << "\n" << ended.log;
}

class FaultMatrixRow : public testing::TestWithParam<RemoteCall> {};

TEST_P(FaultMatrixRow, MeetsEveryFault) {
  const auto& calls = remote_calls();
  const auto row =
      std::find_if(calls.begin(), calls.end(), [](const RemoteCall& call) { return call.name == GetParam().name; });
  const std::vector<Cell> possible = cells_of(*row);
  std::vector<Cell> cells = possible;
  const char* only = std::getenv("OSIRIS_FAULT_CELLS");
  if (only)
    std::erase_if(cells, [&](const Cell& cell) { return ::fnmatch(only, cell.name().c_str(), 0) != 0; });
  else if (!attack::scale("OSIRIS_FAULT_ALL", 0, 1))
    std::erase_if(cells, [&](const Cell& cell) { return !is_drawn(*cell.call, cell.fault); });
  sort_by_wait(cells);

  Figures figures;
  std::mutex mutex;
  const int lanes = from_environment("OSIRIS_FAULT_LANES", 6);
  run_in_lanes(std::min(lanes, static_cast<int>(cells.size())), cells.size(),
               [&](Lane& lane, size_t index) { run_cell(lane, cells[index], figures, mutex); });

  // scripts/fault_figures.sh adds the rows up.
  std::printf("fault row: %s cells %zu possible %zu crashes %zu hangs %zu wrong %zu canaries %zu\n", row->name.c_str(),
              figures.run, possible.size(), figures.crashes, figures.hangs, figures.wrong, figures.canaries);
  EXPECT_EQ(figures.run, cells.size());
  EXPECT_EQ(figures.hangs, 0u);
}

INSTANTIATE_TEST_SUITE_P(EveryCall, FaultMatrixRow, testing::ValuesIn(remote_calls()),
                         [](const auto& row) { return row.param.name; });

// A call, a fault or a reason why they cannot meet changes these numbers on purpose only.
TEST(FaultMatrix, NoCellIsLost) {
  size_t possible = 0, drawn = 0;
  std::map<std::string, size_t> excluded;
  std::set<std::string> names;
  const std::vector<FaultCase> faults = fault_cases();
  for (const RemoteCall& call : remote_calls()) {
    for (const Cell& cell : cells_of(call)) {
      ++possible;
      drawn += is_drawn(call, cell.fault);
      EXPECT_TRUE(names.insert(cell.name()).second) << cell.name() << " is there twice";
    }
    for (const FaultCase& fault : faults)
      if (const auto reason = cannot_hit(call, fault)) ++excluded[*reason];
  }
  size_t all = possible;
  for (const auto& [reason, count] : excluded) {
    std::printf("fault matrix: %zu cannot meet: %s\n", count, reason.c_str());
    all += count;
  }
  EXPECT_EQ(all, remote_calls().size() * faults.size());
  EXPECT_EQ(possible, kPossibleCells);
  EXPECT_EQ(drawn, kDrawnCells);
}

}  // namespace
}  // namespace osiris::e2b_test
