#include "check/bench/life.h"

#include <condition_variable>
#include <mutex>
#include <thread>

#include "check/bench/patience.h"
#include "host/run/output_proof.h"
#include "protocol/base/clock.h"
#include "protocol/base/file.h"

namespace osiris::check {
namespace {

int64_t now_ns() { return system_clock().monotonic_ns(); }

constexpr int64_t kCancelMs = 5'000;  // after which a cancel that does not return ends the case

}  // namespace

// A thread that makes calls, one after the other. Left alone where a call does not return.
class Life::Caller {
 public:
  Caller() : thread_([this] { work(); }) {}
  ~Caller() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  // False: not done in time.
  bool call(const std::function<void()>& what, int64_t limit_ms) {
    std::unique_lock lock(mutex_);
    job_ = &what;
    changed_.notify_all();
    for (Patience patience(limit_ms); job_ && !patience.is_over();)
      changed_.wait_for(lock, std::chrono::milliseconds(20), [this] { return job_ == nullptr; });
    return job_ == nullptr;
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return over_ || job_; });
      if (over_) return;
      const std::function<void()>* job = job_;
      lock.unlock();
      (*job)();
      lock.lock();
      job_ = nullptr;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void()>* job_ = nullptr;
  bool over_ = false;
  std::thread thread_;
};

Life::Life(Bench& bench, LifeOptions options)
    : bench_(bench),
      options_(std::move(options)),
      recorder_(*new Recorder),  // kept, as the Boundary is: late threads reach it
      boundary_(Boundary::make(bench.type(), options_.host)),
      caller_(std::make_unique<Caller>()) {
  bench_.lend_secrets(recorder_);
}

Life::~Life() { destroy(); }

void Life::bounded(const std::string& stage, int64_t limit_ms, const std::function<void()>& call) {
  if (options_.thread_for_each_call) caller_ = std::make_unique<Caller>();
  bench_.stand_at(stage);
  if (caller_->call(call, limit_ms)) return bench_.stand_at("after " + stage);
  bench_.fail(stage + " had not returned after " + std::to_string(limit_ms / 1000) + " s");
  bench_.end_now();
}

bool Life::make(const std::string& stage, const std::function<StageOutcome()>& call) {
  StageOutcome outcome;
  Call timed{stage};
  const int64_t limit_ms = options_.call_ms ? options_.call_ms : bench_.answers().call_seconds * 1000;
  bounded(stage, limit_ms, [&] {
    if (options_.before) options_.before(stage);
    timed.began_ns = now_ns();
    outcome = call();
    timed.ended_ns = now_ns();
    if (options_.after) options_.after(stage);
  });
  const bool ok = outcome.ok();
  calls_.push_back(timed);
  outcomes_[stage] = std::move(outcome);
  return ok;
}

bool Life::create() {
  return make("create", [&]() -> StageOutcome {
    auto made = AdapterInstance::create(boundary_.type(), recorder_);
    if (!made.ok()) return {made.error(), {}, {}};
    set_instance(*std::move(made));
    return {};
  });
}

bool Life::configure(const Bench::Settings& settings) {
  return make("configure", [&]() -> StageOutcome { return {instance_->configure(settings), {}, {}}; });
}

bool Life::configure() {
  const auto settings = bench_.settings();
  if (settings.ok()) return configure(*settings);
  bench_.skip("the adapter needs to be told more: " + settings.error().message);
  return false;
}

bool Life::validate(const AdapterRequest& request) {
  return make("validate", [&]() -> StageOutcome { return {instance_->validate(request), {}, {}}; });
}

bool Life::prepare(AdapterRequest& request) {
  const bool ok = make("prepare", [&] { return instance_->prepare(request); });
  request.prepared_json = outcomes_["prepare"].document_text;
  return ok;
}

bool Life::execute(const AdapterRequest& request) {
  return make("execute", [&] { return instance_->execute(request); });
}
bool Life::collect(const AdapterRequest& request) {
  return make("collect", [&] { return instance_->collect(request); });
}
bool Life::explain(const AdapterRequest& request) {
  return make("explain", [&] { return instance_->explain(request); });
}
bool Life::list(const ResourceQuery& query) {
  return make("list", [&] { return instance_->list_resources(query); });
}
bool Life::release(const ResourceQuery& query) {
  return make("release", [&] { return instance_->release_resource(query); });
}

void Life::destroy() {
  if (!instance_) return;
  make("destroy", [&]() -> StageOutcome {
    instance_->destroy();
    return {};
  });
  set_instance(nullptr);
}

std::shared_ptr<AdapterInstance> Life::instance() const {
  const std::lock_guard lock(instance_mutex_);
  return instance_;
}

void Life::set_instance(std::shared_ptr<AdapterInstance> instance) {
  const std::lock_guard lock(instance_mutex_);
  instance_ = std::move(instance);
}

bool Life::begin(const AdapterRequest& request) { return create() && configure() && validate(request); }

bool Life::run(AdapterRequest request) {
  bool ok = begin(request) && prepare(request);
  if (ok) {
    ok = execute(request);
    ok = collect(request) && ok;
  }
  destroy();
  return ok;
}

void Life::cancel() {
  raise_flag();
  call_cancel();
}

void Life::call_cancel() {
  const std::shared_ptr<AdapterInstance> instance = this->instance();  // which ignores it after destroy
  if (!instance) return;
  Caller thread;
  int64_t took_ns = 0;
  const bool done = thread.call(
      [&] {
        const int64_t began = now_ns();
        instance->cancel();
        took_ns = now_ns() - began;
      },
      kCancelMs);
  if (done) return void(cancel_ms_ = std::max(cancel_ms_, static_cast<double>(took_ns) / 1e6));
  bench_.fail("cancel had not returned after " + std::to_string(kCancelMs / 1000) + " s");
  bench_.end_now();
}

const StageOutcome& Life::outcome_of(const std::string& stage) const {
  static const StageOutcome none;
  const auto found = outcomes_.find(stage);
  return found == outcomes_.end() ? none : found->second;
}

const Status& Life::status_of(const std::string& stage) const { return outcome_of(stage).status; }

const Call* Life::call(const std::string& stage) const {
  for (const Call& call : calls_)
    if (call.stage == stage) return &call;
  return nullptr;
}

void Life::expect_no_misbehaviour() {
  for (const std::string& what : recorder_.misbehaviours()) bench_.fail(what);
  bench_.expect(!boundary_.out_is_wrong(), "create left *out as it was and returned OK, or changed it and failed");
}

bool Life::expect_ok(const std::string& stage) {
  const Status& status = status_of(stage);
  if (!was_called(stage)) return bench_.expect(false, stage + " was not reached");
  return status.ok() || bench_.expect(false, stage + " failed: " + status.error().message);
}

std::string Life::doubts(const Pipeline& pipeline) const {
  std::vector<Artifact> reported;
  for (const Json& file : outcome_of("collect").document["files"].items()) reported.push_back(reported_artifact(file));
  const Status proved = prove_outputs(planned_outputs(pipeline.plan()), recorder_.steps(), reported);
  if (!proved.ok()) return proved.error().message;
  for (const auto& [path, bytes] : pipeline.expected()) {
    if (bytes.empty()) continue;
    const auto written = read_file(path);
    if (!written.ok() || *written != bytes) return path + " does not hold what the pipeline makes";
  }
  std::map<std::string, StepPhase> phases;
  for (const StepState& step : recorder_.steps()) phases[step.plan.id] = step.phase;
  for (const PlanStep& step : pipeline.plan().steps)
    if (phases[step.id] != StepPhase::kComplete) return "step " + step.id + " was never seen to complete";
  return {};
}

void Life::expect_success(const Pipeline& pipeline) {
  for (const char* stage : {"create", "configure", "validate", "prepare", "execute", "collect"})
    if (!expect_ok(stage)) return expect_no_misbehaviour();
  if (const std::string doubt = doubts(pipeline); !doubt.empty()) bench_.fail(doubt);
  expect_no_misbehaviour();
}

}  // namespace osiris::check
