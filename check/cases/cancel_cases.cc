// A run that is told to stop: by the user or the clock, at any moment, once or often, and from any thread.
#include <atomic>
#include <chrono>
#include <thread>

#include "check/bench/patience.h"
#include "check/bench/processes.h"
#include "check/case.h"
#include "check/cases/stage_support.h"
#include "protocol/base/clock.h"

namespace osiris::check {
namespace {

// On a machine that does nothing else; a busy one is given more (patience.h).
constexpr double kCancelMsMax = 200;      // "returns at once"
constexpr int64_t kStopMsMax = 12'000;    // of a call that was told to stop; the host allows grace_ns
constexpr double kPollGapMs = 100 + 350;  // "at least every 100 ms"
constexpr int kPollWatchMs = 2'500;       // how long it is watched; what looks more rarely is seen on any machine
constexpr int64_t kStepMsMax = 15'000;    // until the endless step runs; then the run is stopped where it is

void pause_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

// Does `stop` while execute of an endless step is running, and looks at how it ends.
class Endless {
 public:
  explicit Endless(Bench& bench, LifeOptions options = {})
      : bench_(bench), life_(bench, options), request_(bench.request(endless_pipeline(bench.directory("endless")))) {
    life_.recorder().at_event = [this](const Recorder::Event& event) {
      if (event.name == "step_start" && event.step_id == "endless") is_running_ = true;
      if (at_event) at_event(event);
    };
  }
  std::function<void(const Recorder::Event&)> at_event;
  AdapterRequest& request() { return request_; }
  Life& life() { return life_; }

  bool prepare() { return life_.begin(request_) && life_.prepare(request_); }

  // `stop` is called on a thread of its own, once the endless step runs.
  void execute(const std::function<void()>& stop) {
    std::thread stopper([&] {
      wait_patiently(kStepMsMax, [this] { return is_running_ || is_over_; });
      stopped_ns_ = system_clock().monotonic_ns();
      stop();
      stopped_in_time_ = wait_patiently(kStopMsMax, [this] { return is_over_.load(); });
    });
    life_.execute(request_);
    ended_ns_ = system_clock().monotonic_ns();
    is_over_ = true;
    stopper.join();
  }
  void end() {
    life_.collect(request_);
    life_.destroy();
  }
  // As a run that was told to stop has to end.
  void judge() {
    if (bench_.is_settled()) return;
    const Status& status = life_.status_of("execute");
    bench_.expect(!status.ok(), "an endless step was told to stop, and execute said OK");
    bench_.expect(says_stopped(status) || (!status.ok() && status.error().code == Code::kStepFailed),
                  "execute was told to stop and said: " + (status.ok() ? "OK" : status.error().message));
    const double ms = static_cast<double>(ended_ns_ - stopped_ns_) / 1e6;
    if (ms > 0) bench_.note("stopped after " + std::to_string(static_cast<int>(ms)) + " ms");
    bench_.expect(stopped_in_time_, "execute took " + std::to_string(static_cast<int>(ms)) + " ms to stop");
    for (const std::string& resource : life_.recorder().unreleased()) bench_.fail(resource + " was not released");
    for (const pid_t pid : left_after(2'000)) bench_.fail("its process " + view_of(pid).program + " is left");
    life_.expect_no_misbehaviour();
  }
  // All of it.
  void stop_by(const std::function<void()>& stop) {
    if (!prepare()) return;
    execute(stop);
    end();
    judge();
  }

 private:
  Bench& bench_;
  Life life_;
  AdapterRequest request_;
  std::atomic<bool> is_running_{false}, is_over_{false}, stopped_in_time_{true};
  std::atomic<int64_t> stopped_ns_{0};
  int64_t ended_ns_ = 0;
};

void stops(Bench& bench) {
  Endless run(bench);
  run.stop_by([&] { run.life().cancel(); });
}

void stops_by_flag(Bench& bench) {
  Endless run(bench);
  run.stop_by([&] { run.life().raise_flag(); });
}

void stops_by_many(Bench& bench) {
  Endless run(bench);
  run.stop_by([&] {
    run.life().raise_flag();
    std::vector<std::thread> threads;
    for (int i = 0; i < 6; ++i)
      threads.emplace_back([&] {
        for (int j = 0; j < 20; ++j) run.life().call_cancel();
      });
    for (std::thread& thread : threads) thread.join();
  });
}

// What a busy machine makes longer now and then, an adapter makes longer each time. `measure` gives milliseconds of a
// machine that does nothing else.
void at_least_once_within(Bench& bench, double limit_ms, const std::string& what,
                          const std::function<double()>& measure) {
  double best_ms = 0;
  for (int i = 0; i < 3 && !bench.is_settled(); ++i) {
    const double ms = measure();
    best_ms = i ? std::min(best_ms, ms) : ms;
    bench.next_run();
    if (best_ms < limit_ms) break;
  }
  bench.note(std::to_string(static_cast<int>(best_ms)) + " ms");
  if (!bench.is_settled())
    bench.expect(best_ms < limit_ms, what + " " + std::to_string(static_cast<int>(best_ms)) + " ms");
}

void cancel_returns_at_once(Bench& bench) {
  at_least_once_within(bench, kCancelMsMax, "cancel returned after", [&bench] {
    Endless run(bench);
    Patience watch(kStopMsMax);
    run.stop_by([&] { run.life().cancel(); });
    watch.is_over();
    return run.life().cancel_ms() / watch.mean_busyness();
  });
}

void cancel_without_flag(Bench& bench) {
  const Pipeline pipeline = any_pipeline(bench);
  AdapterRequest request = bench.request(pipeline);
  Life life(bench);
  if (!life.begin(request) || !life.prepare(request)) return;
  life.execute(request);
  life.call_cancel();
  life.call_cancel();
  life.collect(request);
  life.call_cancel();
  life.destroy();
  life.expect_no_misbehaviour();
}

std::function<void(Bench&)> stops_before(const char* stage) {
  return [stage](Bench& bench) {
    const std::string at = stage;
    Endless run(bench);
    Life& life = run.life();
    if (!life.create()) return;
    if (at == "configure") life.cancel();
    if (!life.configure()) return life.expect_no_misbehaviour();
    if (at == "validate") life.cancel();
    if (!life.validate(run.request())) return life.expect_no_misbehaviour();
    if (at == "prepare") life.cancel();
    if (!life.prepare(run.request())) return life.expect_no_misbehaviour();
    if (at == "execute") life.cancel();
    run.execute([] {});
    run.end();
    if (bench.is_settled()) return;
    bench.expect(says_stopped(life.status_of("execute")),
                 "it was cancelled before, and execute said: " +
                     (life.status_of("execute").ok() ? "OK" : life.status_of("execute").error().message));
    for (const std::string& resource : life.recorder().unreleased()) bench.fail(resource + " was not released");
    life.expect_no_misbehaviour();
  };
}

// From within a service that the adapter calls: no lock of its own may be held there that cancel takes.
std::function<void(Bench&)> stops_within(const char* event_name) {
  return [event_name](Bench& bench) {
    const std::string name = event_name;
    Endless run(bench);
    std::atomic<bool> done{false};
    run.at_event = [&](const Recorder::Event& event) {
      if ((name.empty() || event.name == name) && !done.exchange(true)) run.life().cancel();
    };
    run.stop_by([] {});
    bench.expect(done, "no such event arrived");
  };
}

void stops_in_collect(Bench& bench) {
  const Pipeline pipeline = small_pipeline(bench.directory("run"));
  AdapterRequest request = bench.request(pipeline);
  Life life(bench);
  if (!life.begin(request) || !life.prepare(request)) return;
  life.execute(request);
  std::thread stopper([&] { life.cancel(); });
  life.collect(request);
  stopper.join();
  life.destroy();
  for (const std::string& resource : life.recorder().unreleased()) bench.fail(resource + " was not released");
  life.expect_no_misbehaviour();
}

void cleans_up_after_cancel(Bench& bench) {
  const Pipeline pipeline = small_pipeline(bench.directory("run"));
  AdapterRequest request = bench.request(pipeline);
  Life life(bench);
  if (!life.begin(request) || !life.prepare(request)) return;
  life.execute(request);
  life.cancel();
  life.collect(request);
  life.destroy();
  for (const std::string& resource : life.recorder().unreleased())
    bench.fail(resource + " was not released: clean-up goes on although is_cancelled says yes");
  for (const pid_t pid : left_after(2'000)) bench.fail("its process " + view_of(pid).program + " is left");
  life.expect_no_misbehaviour();
}

void ends_without_collect(Bench& bench) {
  Endless run(bench);
  if (!run.prepare()) return;
  run.execute([&] { run.life().cancel(); });
  run.life().destroy();
  run.judge();
}

void polls_often(Bench& bench) {
  at_least_once_within(bench, kPollGapMs, "execute did not look at is_cancelled for", [&bench] {
    Endless run(bench);
    if (!run.prepare()) return 0.0;
    int64_t until_ns = 0;  // once it was told, it need not look again
    double busy = 1;
    run.execute([&] {
      Patience watch(kStepMsMax);
      for (int i = 0; i < kPollWatchMs / 20; ++i) {
        pause_ms(20);
        watch.is_over();
      }
      busy = watch.mean_busyness();
      until_ns = system_clock().monotonic_ns();
      run.life().cancel();
    });
    run.end();
    const Call* call = run.life().call("execute");
    const int64_t gap_ns = call ? run.life().recorder().longest_gap_ns(call->began_ns, until_ns) : 0;
    return static_cast<double>(gap_ns) / 1e6 / busy;
  });
}

// ---- Deadlines: the host raises the flag then; the adapter may know of it before.

std::function<void(Bench&)> ends_in_time(int64_t after_ms) {
  return [after_ms](Bench& bench) {
    Endless run(bench);
    run.request().deadline_monotonic_ns = system_clock().monotonic_ns() + after_ms * 1'000'000;
    if (!run.prepare()) {
      const Status& status =
          run.life().status_of("prepare").ok() ? run.life().status_of("validate") : run.life().status_of("prepare");
      bench.expect(says_stopped(status), "past its deadline a call said: " + status.error().message);
      return run.life().expect_no_misbehaviour();
    }
    std::thread clock([&] {
      while (system_clock().monotonic_ns() < run.request().deadline_monotonic_ns) pause_ms(5);
      run.life().cancel();
    });
    run.execute([] {});
    clock.join();
    run.end();
    if (bench.is_settled()) return;
    bench.expect(says_stopped(run.life().status_of("execute")),
                 "past its deadline execute said: " +
                     (run.life().status_of("execute").ok() ? "OK" : run.life().status_of("execute").error().message));
    for (const std::string& resource : run.life().recorder().unreleased()) bench.fail(resource + " was not released");
    for (const pid_t pid : left_after(2'000)) bench.fail("its process " + view_of(pid).program + " is left");
    run.life().expect_no_misbehaviour();
  };
}

void has_time_enough(Bench& bench) {
  const Pipeline pipeline = small_pipeline(bench.directory("run"));
  AdapterRequest request = bench.request(pipeline);
  request.deadline_monotonic_ns = system_clock().monotonic_ns() + int64_t{3'600'000} * 1'000'000;
  Life life(bench);
  life.run(request);
  if (!bench.is_settled()) life.expect_success(pipeline);
}

void runs_after_a_cancel(Bench& bench) {
  stops(bench);
  if (bench.is_settled()) return;
  bench.next_run();
  const Pipeline pipeline = small_pipeline(bench.directory("again"));
  Life life(bench);
  life.run(bench.request(pipeline));
  if (!bench.is_settled()) life.expect_success(pipeline);
}

void stops_one_of_two(Bench& bench) {
  const Pipeline pipeline = small_pipeline(bench.directory("other"));
  bench.next_run();
  const AdapterRequest request = bench.request(pipeline);
  Life other(bench);
  Endless run(bench);
  run.stop_by([&] {
    std::thread beside([&] { other.run(request); });
    run.life().cancel();
    beside.join();
  });
  if (!bench.is_settled()) other.expect_success(pipeline);
}

}  // namespace

std::vector<Case> cancel_cases() {
  const auto runs = kTables | kRuns;
  return {
      {"cancel.stops", "A cancelled run stops, says so, and leaves nothing behind.", stops, runs},
      {"cancel.at-once", "cancel returns at once while the worker is busy.", cancel_returns_at_once, runs},
      {"cancel.flag-alone", "is_cancelled alone stops a run, without a call of cancel.", stops_by_flag, runs},
      {"cancel.polled", "execute looks at is_cancelled at least every 100 ms.", polls_often, runs},
      {"cancel.many-threads", "cancel may be called from several threads at once, and often.", stops_by_many, runs},
      {"cancel.late", "cancel may come after execute and after collect.", cancel_without_flag},
      {"cancel.before-configure", "A run that is cancelled before configure never executes its steps.",
       stops_before("configure"), runs},
      {"cancel.before-validate", "A run that is cancelled before validate never executes its steps.",
       stops_before("validate"), runs},
      {"cancel.before-prepare", "A run that is cancelled before prepare never executes its steps.",
       stops_before("prepare"), runs},
      {"cancel.before-execute", "A run that is cancelled before execute never executes its steps.",
       stops_before("execute"), runs},
      {"cancel.within-first-event", "cancel may come while the adapter is in its first call of the host.",
       stops_within(""), runs},
      {"cancel.within-step-start", "cancel may come while the adapter tells of a step.", stops_within("step_start"),
       runs},
      {"cancel.in-collect", "collect that is cancelled goes on releasing.", stops_in_collect, runs},
      {"cancel.before-collect", "collect after a cancel releases everything.", cleans_up_after_cancel, runs},
      {"cancel.without-collect", "A cancelled run that is never collected leaves nothing behind.", ends_without_collect,
       runs},
      {"cancel.then-run", "After a cancelled run another one succeeds.", runs_after_a_cancel, runs},
      {"cancel.one-of-two", "Cancelling one instance does not disturb another.", stops_one_of_two, runs},
      {"deadline.past", "A run whose deadline has passed does not begin.", ends_in_time(-1'000), runs},
      {"deadline.near", "A deadline of a few milliseconds ends the run.", ends_in_time(20), runs},
      {"deadline.during", "A deadline ends a run that goes on, and leaves nothing behind.", ends_in_time(900), runs},
      {"deadline.far", "A deadline in an hour changes nothing.", has_time_enough, runs},
  };
}

}  // namespace osiris::check
