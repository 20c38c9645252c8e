// Faults between adapter and worker: the adapter is given a program that starts the real worker and spoils what it
// says. A fault that does no harm ends in success; any other in the truth, in bounded time, with nothing left.
#include <atomic>
#include <filesystem>
#include <thread>

#include "check/bench/patience.h"
#include "check/bench/processes.h"
#include "check/bench/worker_between.h"
#include "check/case.h"
#include "check/cases/stage_support.h"

namespace osiris::check {
namespace {

constexpr int64_t kFaultMsMax = 15'000;  // until the fault has come
constexpr int64_t kUserMs = 1'500;       // of the user who sees it, before Ctrl-C

void spoil(const WorkerBetween& between, const std::string& fault) {
  std::error_code error;
  if (fault == "missing") std::filesystem::remove(between.path(), error);
  if (fault == "not_executable")
    std::filesystem::permissions(between.path(), std::filesystem::perms::owner_read, error);
  if (fault == "no_program") {
    std::filesystem::permissions(between.path(), std::filesystem::perms::owner_write, error);
    if (FILE* file = std::fopen(between.path().c_str(), "w")) {
      std::fputs("#!/no/such/interpreter\n", file);
      std::fclose(file);
    }
    std::filesystem::permissions(between.path(), std::filesystem::perms::owner_all, error);
  }
}

// Steps are told of once each, whatever happened to the records.
void expect_each_step_once(Bench& bench, Life& life, const Pipeline& pipeline) {
  for (const PlanStep& step : pipeline.plan().steps) {
    size_t completed = 0;
    for (const auto& event : life.recorder().moments("event"))
      if (event.name == "step_complete" && event.step_id == step.id) ++completed;
    bench.expect(completed <= 1, "step " + step.id + " was told to complete " + std::to_string(completed) + " times");
  }
}

void meets(Bench& bench, const WorkerFault& fault) {
  const Pipeline pipeline = small_pipeline(bench.directory("run"));
  AdapterRequest request = bench.request(pipeline);
  const WorkerBetween between(bench, fault.name);
  request.worker_path = between.path();
  request.worker_sha256 = between.sha256();
  spoil(between, fault.name);
  Life life(bench);
  std::atomic<bool> over{false};
  std::thread user([&] {
    if (!fault.needs_cancel) return;
    wait_patiently(kFaultMsMax, [&] { return over || between.has_stopped(); });
    wait_patiently(kUserMs, [&] { return over.load(); });
    if (!over) life.cancel();
  });
  const bool ok = life.run(request);
  over = true;
  user.join();
  if (bench.is_settled()) return;
  const std::string doubt = life.doubts(pipeline);
  if (fault.is_harmless) {
    life.expect_success(pipeline);
  } else {
    bench.expect(!ok || doubt.empty(), "it said OK, but " + doubt);
    life.expect_no_misbehaviour();
  }
  expect_each_step_once(bench, life, pipeline);
  for (const char* stage : {"validate", "execute"})
    if (const Status& status = life.status_of(stage); !status.ok()) bench.note(status.error().message);
  for (const std::string& resource : life.recorder().unreleased()) bench.fail(resource + " was not released");
  for (const pid_t pid : left_after(2'500)) bench.fail("its process " + view_of(pid).program + " is left");
}

std::string id_of(std::string name) {
  for (char& c : name)
    if (c == '_') c = '-';
  return "channel." + name;
}

}  // namespace

std::vector<Case> channel_cases() {
  static const auto& texts = *new std::vector<std::pair<std::string, std::string>>([] {
    std::vector<std::pair<std::string, std::string>> made;
    for (const WorkerFault& fault : worker_faults())
      made.emplace_back(id_of(fault.name), std::string("A worker ") + fault.what +
                                               (fault.is_harmless    ? " runs the pipeline."
                                                : fault.needs_cancel ? " does not keep a cancel from ending the run."
                                                                     : " makes no run a success that is none."));
    return made;
  }());
  std::vector<Case> cases;
  for (size_t i = 0; i < texts.size(); ++i)
    cases.push_back({texts[i].first, texts[i].second, [i](Bench& bench) { meets(bench, worker_faults()[i]); },
                     kTables | kRuns | kChannel});
  return cases;
}

}  // namespace osiris::check
