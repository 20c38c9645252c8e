// One instance of the adapter from create to destroy, driven as osiris drives it (host/adapters/instance.h) through a
// Boundary, with every call bounded in time (patience.h). What a case wants to happen in between is in hooks.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "check/bench/bench.h"
#include "check/bench/boundary.h"
#include "check/bench/recorder.h"

namespace osiris::check {

struct LifeOptions {
  HostManner host;
  bool thread_for_each_call = false;  // else one thread makes all calls of the instance
  int64_t call_ms = 0;                // what a call may take; 0: the answers' call_seconds
  // Before and after each call, on the thread that makes it: "create", "configure", "validate", "prepare", ...
  std::function<void(const std::string& stage)> before, after;
};

struct Call {
  std::string stage;
  int64_t began_ns = 0, ended_ns = 0;  // CLOCK_MONOTONIC
  double ms() const { return static_cast<double>(ended_ns - began_ns) / 1e6; }
};

class Life {
 public:
  Life(Bench& bench, LifeOptions options = {});
  ~Life();  // destroys the instance where that has not been done
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  // Each makes the call and keeps what came of it. False: it was not OK, or the case is settled.
  bool create();
  bool configure(const Bench::Settings& settings);
  bool configure();  // with the settings of the bench
  bool validate(const AdapterRequest& request);
  bool prepare(AdapterRequest& request);  // sets request.prepared_json
  bool execute(const AdapterRequest& request);
  bool collect(const AdapterRequest& request);
  bool explain(const AdapterRequest& request);
  bool list(const ResourceQuery& query);
  bool release(const ResourceQuery& query);
  void destroy();

  // create, configure, validate.
  bool begin(const AdapterRequest& request);
  // All of it, collect whatever execute came to, and destroy. True: every call was OK.
  bool run(AdapterRequest request);

  // The user's Ctrl-C: the flag, then the adapter's cancel, bounded.
  void cancel();
  // Without the flag or without the call.
  void raise_flag() { recorder_.cancelled = true; }
  void call_cancel();
  double cancel_ms() const { return cancel_ms_; }

  const Status& status_of(const std::string& stage) const;
  const StageOutcome& outcome_of(const std::string& stage) const;
  bool was_called(const std::string& stage) const { return outcomes_.count(stage) > 0; }
  const std::vector<Call>& calls() const { return calls_; }
  const Call* call(const std::string& stage) const;

  Recorder& recorder() { return recorder_; }
  Boundary& boundary() { return boundary_; }

  // Fails the case for every rule that the host saw broken.
  void expect_no_misbehaviour();
  // Fails the case where a call of `stage` was not OK.
  bool expect_ok(const std::string& stage);
  // OK and proved: every output of the plan is at its place with the bytes that its step wrote, and those expected.
  void expect_success(const Pipeline& pipeline);
  // Why the outputs are not proved; empty: they are.
  std::string doubts(const Pipeline& pipeline) const;

 private:
  bool make(const std::string& stage, const std::function<StageOutcome()>& call);
  void bounded(const std::string& stage, int64_t limit_ms, const std::function<void()>& call);

  Bench& bench_;
  const LifeOptions options_;
  Recorder& recorder_;
  Boundary& boundary_;
  // A cancel may come from another thread at any time, while the run ends by itself: who calls holds a share.
  std::shared_ptr<AdapterInstance> instance() const;
  void set_instance(std::shared_ptr<AdapterInstance> instance);
  mutable std::mutex instance_mutex_;
  std::shared_ptr<AdapterInstance> instance_;
  class Caller;
  std::unique_ptr<Caller> caller_;
  std::map<std::string, StageOutcome> outcomes_;
  std::vector<Call> calls_;
  double cancel_ms_ = 0;
};

}  // namespace osiris::check
