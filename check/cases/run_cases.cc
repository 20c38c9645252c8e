// Real runs through the real worker: success that is proved, failure that is told, one after the other and at once.
#include <chrono>
#include <map>
#include <thread>

#include "check/bench/process_state.h"
#include "check/case.h"
#include "check/cases/stage_support.h"
#include "protocol/base/file.h"

namespace osiris::check {
namespace {

void succeeds(Bench& bench, const Pipeline& pipeline, const LifeOptions& options = {}) {
  Life life(bench, options);
  life.run(bench.request(pipeline));
  if (!bench.is_settled()) life.expect_success(pipeline);
}

void runs_small(Bench& bench) { succeeds(bench, small_pipeline(bench.directory("run"))); }
void runs_nothing(Bench& bench) { succeeds(bench, empty_pipeline(bench.directory("run"))); }

void runs_one_step(Bench& bench) {
  Pipeline pipeline(bench.directory("run"));
  pipeline.read("only", "in.csv", "id\n1\n");
  succeeds(bench, pipeline);
}

void runs_many_steps(Bench& bench) {
  Pipeline pipeline(bench.directory("run"));
  pipeline.read("first", "in.csv", "id\n7\n");
  for (int i = 0; i < 60; ++i)
    pipeline.sql("step-" + std::to_string(i), "SELECT id + 1 AS id FROM input_df",
                 {i ? "step-" + std::to_string(i - 1) : "first"});
  pipeline.write("write", "out.csv", "step-59", "id\n67\n");
  succeeds(bench, pipeline);
}

void runs_side_by_side(Bench& bench) {
  Pipeline pipeline(bench.directory("run"));
  pipeline.read("first", "in.csv", "id\n1\n2\n");
  for (int i = 0; i < 12; ++i) {
    const std::string number = std::to_string(i);
    pipeline.sql("sum-" + number, "SELECT sum(id)::BIGINT + " + number + " AS n FROM df_first", {"first"})
        .write("write-" + number, "out/" + number + ".csv", "sum-" + number, "n\n" + std::to_string(3 + i) + "\n");
  }
  succeeds(bench, pipeline);
}

void runs_one_after_another(Bench& bench) {
  for (int i = 0; i < 3 && !bench.is_settled(); ++i) {
    succeeds(bench, small_pipeline(bench.directory("run" + std::to_string(i))));
    bench.next_run();
  }
}

void runs_at_once(Bench& bench) {
  std::vector<Pipeline> pipelines;
  std::vector<std::unique_ptr<Life>> lives;
  std::vector<AdapterRequest> requests;
  for (int i = 0; i < 3; ++i) {
    pipelines.push_back(small_pipeline(bench.directory("run" + std::to_string(i))));
    lives.push_back(std::make_unique<Life>(bench));
    requests.push_back(bench.request(pipelines.back()));
    bench.next_run();
  }
  std::vector<std::thread> threads;
  for (size_t i = 0; i < lives.size(); ++i) threads.emplace_back([&, i] { lives[i]->run(requests[i]); });
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < lives.size(); ++i) lives[i]->expect_success(pipelines[i]);
}

std::function<void(Bench&)> runs_with(LifeOptions options) {
  return [options](Bench& bench) { succeeds(bench, small_pipeline(bench.directory("run")), options); };
}

// Names of events by step, in order; without heartbeats, which come by the clock.
std::string events_of(Life& life) {
  std::map<std::string, std::string> by_step;
  for (const auto& event : life.recorder().moments("event"))
    if (!event.step_id.empty() && event.name != "heartbeat") by_step[event.step_id] += event.name + " ";
  std::string all;
  for (const auto& [step, names] : by_step) all += step + ": " + names + "\n";
  return all;
}

// A run that `disturb` makes hard has the events of one that was left alone.
void loses_nothing(Bench& bench, const std::function<void(Recorder&)>& disturb) {
  std::string alone;
  for (const bool disturbed : {false, true}) {
    const Pipeline pipeline = small_pipeline(bench.directory(disturbed ? "disturbed" : "alone"));
    Life life(bench);
    if (disturbed) disturb(life.recorder());
    life.run(bench.request(pipeline));
    bench.next_run();
    if (bench.is_settled()) return;
    life.expect_success(pipeline);
    if (!disturbed) alone = events_of(life);
    bench.expect(events_of(life) == alone, "events were lost: " + events_of(life) + "instead of " + alone);
  }
}

void runs_for_a_slow_host(Bench& bench) {
  loses_nothing(bench, [](Recorder& recorder) { recorder.service_ms = 15; });
}

// The host's queue is full: one event waits for room longer than two heartbeats.
void runs_for_a_full_queue(Bench& bench) {
  bool waited = false;
  loses_nothing(bench, [&waited](Recorder& recorder) {
    recorder.at_event = [&waited](const Recorder::Event& event) {
      if (event.name != "step_start" || waited) return;
      waited = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(3'500));
    };
  });
}

// ---- Failures of the pipeline

// RUN_FAILED, a result that says so, and no claim that outputs are there.
void fails_well(Bench& bench, const Pipeline& pipeline, const std::string& step) {
  Life life(bench);
  life.run(bench.request(pipeline));
  if (bench.is_settled()) return;
  const Status& status = life.status_of("execute");
  if (!bench.expect(!status.ok(), "the pipeline is wrong, and execute said OK")) return;
  bench.expect(status.error().code == Code::kStepFailed, "the pipeline is at fault, and execute said " +
                                                             std::string(code_name(status.error().code)) + ": " +
                                                             status.error().message);
  const Json& result = life.outcome_of("execute").document;
  bench.expect(result["status"].as_string() == "failed",
               "the result's status is '" + result["status"].as_string() + "'");
  bool named = false;
  for (const Json& entry : result["steps"].items()) {
    const bool is_it = entry["id"].as_string() == step;
    named |= is_it && entry["status"].as_string() == "failed";
    bench.expect(is_it || entry["status"].as_string() != "failed",
                 "the result says that " + entry["id"].as_string() + " failed");
  }
  bench.expect(named, "the result does not say that step " + step + " failed");
  life.expect_ok("collect");
  life.expect_no_misbehaviour();
}

void fails_in_the_middle(Bench& bench) { fails_well(bench, failing_pipeline(bench.directory("run")), "wrong"); }

void fails_at_the_start(Bench& bench) {
  Pipeline pipeline(bench.directory("run"));
  pipeline.read_missing("read", "no/such/file.csv").write("write", "out.csv", "read");
  fails_well(bench, pipeline, "read");
}

void fails_at_the_end(Bench& bench) {
  Pipeline pipeline(bench.directory("run"));
  pipeline.read("read", "in.csv", "id\n1\n").sql("wrong", "SELECT error('it says Ünï') AS x FROM df_read", {"read"});
  fails_well(bench, pipeline, "wrong");
}

void tells_of_skipped_steps(Bench& bench) {
  const Pipeline pipeline = failing_pipeline(bench.directory("run"));
  Life life(bench);
  life.run(bench.request(pipeline));
  if (bench.is_settled()) return;
  std::map<std::string, std::string> statuses;
  for (const Json& entry : life.outcome_of("execute").document["steps"].items())
    statuses[entry["id"].as_string()] = entry["status"].as_string();
  bench.expect(statuses["read"] == "success", "the step that succeeded is '" + statuses["read"] + "' in the result");
  bench.expect(statuses["write"] == "skipped", "the step that never ran is '" + statuses["write"] + "' in the result");
}

void can_run_after_a_failure(Bench& bench) {
  fails_in_the_middle(bench);
  if (!bench.is_settled()) succeeds(bench, small_pipeline(bench.directory("again")));
}

void tells_every_step(Bench& bench) {
  const Pipeline pipeline = small_pipeline(bench.directory("run"));
  Life life(bench);
  life.run(bench.request(pipeline));
  std::map<std::string, std::vector<std::string>> by_step;
  for (const auto& event : life.recorder().moments("event"))
    if (!event.step_id.empty()) by_step[event.step_id].push_back(event.name);
  for (const PlanStep& step : pipeline.plan().steps) {
    const auto& events = by_step[step.id];
    bench.expect(!events.empty() && events.front() == "step_start",
                 "the first event of " + step.id + " is not step_start");
    bench.expect(!events.empty() && events.back() == "step_complete",
                 "the last event of " + step.id + " is not step_complete");
  }
  bench.expect(by_step.size() == pipeline.plan().steps.size(),
               "events are of more or fewer steps than the pipeline has");
}

void counts_rows(Bench& bench) {
  const Pipeline pipeline = small_pipeline(bench.directory("run"));
  Life life(bench);
  life.run(bench.request(pipeline));
  if (bench.is_settled()) return;
  const Json& result = life.outcome_of("execute").document;
  bench.expect(result["total_rows"].as_int() == 2, "total_rows is " + result["total_rows"].dump() + ", not 2");
  bench.expect(result["steps"].size() == 3,
               "the result names " + std::to_string(result["steps"].size()) + " of 3 steps");
}

// ---- A host that has no memory left

// It cannot keep `document`, so `stage` failed, says so, and all is given back as ever.
std::function<void(Bench&)> runs_for_a_host_without_room(const char* document, const char* stage) {
  return [document, stage](Bench& bench) {
    const ProcessState before = process_state();
    LifeOptions options;
    options.host.has_no_room_for = document;
    Life life(bench, options);
    life.run(bench.request(small_pipeline(bench.directory("run"))));
    if (bench.is_settled()) return;
    bench.expect(!life.status_of(stage).ok(),
                 "the host kept no '" + std::string(document) + "', and " + stage + " said OK");
    for (const std::string& what : life.recorder().misbehaviours())
      bench.expect(what.find("without calling fail") == what.npos && what.find("returned OK") == what.npos, what);
    if (const std::string what = lasting_difference(before, "children"); !what.empty()) bench.fail(what);
  };
}

// ---- Attempts

void makes_a_second_attempt(Bench& bench) {
  const Pipeline pipeline = small_pipeline(bench.directory("run"));
  AdapterRequest request = bench.request(pipeline);
  {
    Life lost(bench);
    if (!lost.begin(request) || !lost.prepare(request)) return;
    lost.raise_flag();
    lost.execute(request);  // neither collected nor waited for
  }
  request.attempt = 2;
  Life life(bench);
  if (!life.begin(request)) return void(life.expect_ok("validate"));
  const std::string prepared = request.prepared_json;
  life.prepare(request);
  bench.expect(request.prepared_json == prepared, "the second attempt prepared other bytes");
  life.execute(request);
  life.collect(request);
  life.destroy();
  if (!bench.is_settled()) life.expect_success(pipeline);
}

void replaces_outputs(Bench& bench) {
  const Pipeline pipeline = small_pipeline(bench.directory("run"));
  for (const auto& [path, bytes] : pipeline.expected()) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    (void)write_file_atomically(path, std::string(100'000, 'x'));
  }
  succeeds(bench, pipeline);
}

}  // namespace

std::vector<Case> run_cases() {
  const auto runs = kTables | kRuns;
  LifeOptions each_thread, page_end;
  each_thread.thread_for_each_call = true;
  page_end.host.placement = Placement::kPageEnd;
  return {
      {"run.small", "A small pipeline runs, and every output is proved.", runs_small, runs},
      {"run.no-steps", "A pipeline without steps runs.", runs_nothing, runs},
      {"run.one-step", "A pipeline of one step runs.", runs_one_step, runs},
      {"run.many-steps", "A chain of 62 steps runs.", runs_many_steps, runs},
      {"run.side-by-side", "Twelve branches run side by side.", runs_side_by_side, runs},
      {"run.one-after-another", "Three runs, one after the other, succeed.", runs_one_after_another, runs},
      {"run.at-once", "Three instances run at once.", runs_at_once, runs},
      {"run.many-threads", "A run whose calls come from a thread each succeeds.", runs_with(each_thread), runs},
      {"run.borrowed", "A run keeps nothing of what it was lent for one call.", runs_with(page_end), runs},
      {"run.slow-host", "A host whose services are slow loses nothing.", runs_for_a_slow_host, runs},
      {"run.full-queue", "A host that has no room for an event for seconds loses nothing.", runs_for_a_full_queue,
       runs},
      {"run.no-room-for-result", "A result that the host has no room for is a failure of execute, told with fail.",
       runs_for_a_host_without_room("result", "execute"), runs},
      {"run.no-room-for-outputs", "A list of outputs that the host has no room for is a failure of collect.",
       runs_for_a_host_without_room("artifacts", "collect"), runs},
      {"run.every-step", "Each step's events begin with step_start and end with step_complete.", tells_every_step,
       runs},
      {"run.rows", "The result counts rows and names every step.", counts_rows, runs},
      {"run.fails-first", "A first step that fails is the pipeline's failure, told as such.", fails_at_the_start, runs},
      {"run.fails-middle", "A step that fails in the middle is the pipeline's failure, told as such.",
       fails_in_the_middle, runs},
      {"run.fails-last", "A last step that fails is the pipeline's failure, told as such.", fails_at_the_end, runs},
      {"run.skipped", "Steps that never ran are skipped in the result, those that succeeded are not.",
       tells_of_skipped_steps, runs},
      {"run.after-failure", "After a run that failed another one succeeds.", can_run_after_a_failure, runs},
      {"run.attempt-2", "A second attempt succeeds after one that was given up.", makes_a_second_attempt, runs},
      {"run.replaces-outputs", "Outputs of an earlier run are replaced.", replaces_outputs, runs},
  };
}

}  // namespace osiris::check
