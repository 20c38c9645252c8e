#include "worker/service.h"

#include <unistd.h>

#include <algorithm>
#include <set>
#include <system_error>

#include "protocol/base/file.h"
#include "protocol/base/thread.h"
#include "protocol/base/wipe.h"
#include "protocol/model/artifact.h"
#include "worker/drivers.h"
#include "worker/executor/step_records.h"
#include "worker/package/artifact_packer.h"
#include "worker/package/package.h"
#include "worker/process_tree.h"
#include "worker/run_setup.h"
#include "worker/specs/specs.h"
#include "worker/sysinfo.h"

namespace osiris::worker {
namespace {

constexpr auto kFlushPatience = std::chrono::milliseconds(1000);

Json names(const std::vector<std::string>& list) {
  Json array = Json::array();
  for (const std::string& name : list) array.push_back(name);
  return array;
}

bool uses_database(std::string_view driver_name) {
  const Driver* driver = find_driver(driver_name);
  return driver && driver->uses_database;
}

// How many of its steps do.
size_t uses_of_database(const Plan& plan) {
  return static_cast<size_t>(std::count_if(plan.steps.begin(), plan.steps.end(), [](const PlanStep& step) {
    if (!step.kept.runs()) return step.kept.use == StepUse::kTake;
    return !step.check && uses_database(step.driver);
  }));
}

}  // namespace

// `pack` may be asked for before `finish` has been answered, and is answered after it. From then on outputs are packed
// as their steps end.
struct Service::PackRequest {
  std::mutex mutex;
  std::optional<RequestResult> finished;
  std::unique_ptr<ArtifactPacker> packer;             // from `pack` on
  std::function<void(const RequestResult&)> waiting;  // for `finish`
};

namespace {

// Of the result of a step, or of a run.
Result<std::vector<Artifact>> artifacts_of(const Json& result) {
  std::vector<Artifact> artifacts;
  for (const Json& json : result["artifacts"].items()) {
    OSIRIS_ASSIGN(artifacts.emplace_back(), artifact_from_json(json));
  }
  return artifacts;
}

}  // namespace

constexpr Service::Method Service::kMethods[] = {
    {rpc::method::kPing, &Service::ping, false},
    {rpc::method::kPrepare, &Service::prepare, false},
    {rpc::method::kShutdown, &Service::shutdown, false},
    {rpc::method::kExecuteStep, &Service::execute_step, true},
    {rpc::method::kFinish, &Service::finish, true},
    {rpc::method::kPack, &Service::pack, true},
    {rpc::method::kCancel, &Service::cancel, true},
    {rpc::method::kReplay, &Service::replay, true},
    {rpc::method::kPutRelation, &Service::put_relation, true},
    {rpc::method::kGetRelation, &Service::get_relation, true},
};

Service::Service(Options options, Log& log, const Clock& clock)
    : options_(std::move(options)),
      log_(log),
      clock_(clock),
      stream_(options_.out_fd, clock,
              [this](const Error& error) {
                if (error.code == Code::kUnavailable) return options_.on_reader_gone();
                // This thread alone writes to stdout.
                if (auto line = rpc::encode_message(rpc::to_json(rpc::Fatal{error})); line.ok())
                  static_cast<void>(!::write(options_.out_fd, line->data(), line->size()));
                options_.on_fatal();
              }),
      pack_request_(std::make_unique<PackRequest>()) {}

Service::~Service() {
  heartbeat_.reset();
  memory_keeper_.reset();
  if (executor_) executor_->cancel("the worker ends");
  // Background work uses the executor, and a step that ends may ask for more of it.
  join_background();
  executor_.reset();
  join_background();
}

void Service::join_background() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(background_mutex_);
    threads.swap(background_);
  }
  for (std::thread& thread : threads) thread.join();
}

void Service::hello() {
  rpc::Hello hello;
  hello.version = options_.version;
  hello.pid = ::getpid();
  hello.specs_sha256 = specs_sha256();
  hello.drivers = driver_names(/*with_mock=*/false);
  stream_.send(hello);
  const std::vector<std::string>& ahead = options_.drivers_ahead;
  if (std::any_of(ahead.begin(), ahead.end(), uses_database)) engine_ahead_ = std::make_shared<EngineAhead>();
}

void Service::handle(rpc::Frame frame) {
  if (frame.kind == rpc::Frame::Kind::kBlob) {
    if (!relations_ || !relations_->take_blob(frame.bytes))
      log_.warning("stdin: a blob of " + std::to_string(frame.bytes.size()) + " bytes that nothing announced");
    return;
  }
  if (frame.kind == rpc::Frame::Kind::kGarbage) {
    // Its bytes may be the rest of a torn prepare, secrets and all: they are not shown.
    log_.warning("stdin: " + std::to_string(frame.size_bytes) + " bytes of garbage: " + frame.reason);
    return;
  }
  if (relations_) relations_->end_of_blobs();
  auto request = rpc::request_from_json(std::move(frame.message));
  if (!request.ok()) {
    log_.warning("stdin: " + request.error().message);
    return;
  }
  handle_request(*std::move(request));
}

void Service::handle_request(rpc::Request request) {
  for (const Method& method : kMethods) {
    if (request.method != method.name) continue;
    if (method.needs_run && !executor_)
      return answer(request.id, Error(Code::kInvalidState, std::string(method.name) + " needs prepare first"));
    return (this->*method.call)(std::move(request));
  }
  answer(request.id, Error(Code::kUnsupported, "this worker has no method \"" + request.method + "\""));
}

void Service::ping(rpc::Request request) {
  answer_now(request.id, Json::object({{"status", "pong"}, {"echo", request.params["data"]}}));
}

void Service::shutdown(rpc::Request request) {
  answer(request.id, Json::object({{"status", "bye"}}));
  wants_exit_ = true;
}

void Service::cancel(rpc::Request request) {
  answer_now(request.id, Json::object({{"status", "cancelling"}}));
  executor_->cancel(request.params["reason"].as_string_or("the host asked for it"));
}

void Service::replay(rpc::Request request) { stream_.replay(request.id, request.params["from_seq"].as_uint(1)); }

void Service::put_relation(rpc::Request request) { relations_->put(request); }

void Service::get_relation(rpc::Request request) { relations_->get(request); }

void Service::prepare(rpc::Request request) {
  had_secrets_ = true;
  // Whatever was not taken over, because the request is refused.
  struct WipeOnExit {
    Json& json;
    ~WipeOnExit() { wipe(json); }
  } const wipe_on_exit{request.params};
  if (executor_) return answer(request.id, Error(Code::kInvalidState, "prepare was asked for twice"));
  auto params = rpc::prepare_params_from_json(std::move(request.params));
  if (!params.ok()) return answer(request.id, params.error());
  auto result = start_run(*std::move(params));
  if (result.ok()) {
    answer(request.id, *std::move(result));
  } else {
    answer(request.id, result.error());
  }
}

Result<Json> Service::start_run(rpc::PrepareParams params) {
  OSIRIS_ASSIGN(RunSetup setup, set_up_run(std::move(params), options_.version));
  Run& run = setup.run;
  stream_.set_redactor(run.redactor);
  log_.set_redactor(run.redactor);
  worker_dir_ = run.worker_dir();
  OSIRIS_ASSIGN(memory_keeper_, keep_memory_limit(setup));
  const size_t uses = uses_of_database(setup.plan);
  if (uses > 0 && !engine_ahead_) engine_ahead_ = std::make_shared<EngineAhead>();
  database_ = run.database = std::make_shared<Database>(
      DatabaseOptions{setup.settings.memory_limit_bytes, setup.engine_threads, worker_dir_ / "spill"}, engine_ahead_);
  OSIRIS_TRY(stream_.open_log(worker_dir_ / "records.jsonl"));

  const Json drivers = names(driver_names(run.allow_mock));
  const Json result = Json::object({{"status", "ready"}, {"session_id", run.run_id}, {"drivers_loaded", drivers}});
  announce_run(setup);
  const auto heartbeat = std::chrono::milliseconds(setup.settings.heartbeat_ms);
  auto executor = std::make_unique<Executor>(std::move(setup.run), std::move(setup.plan), stream_, log_, clock_);
  OSIRIS_TRY(executor->begin());
  executor_ = std::move(executor);
  relations_ = std::make_unique<RelationTransfer>(
      *executor_, stream_, clock_, [this](std::function<void()> work) { in_background(std::move(work)); });
  auto beating = PeriodicThread::begin(heartbeat, [this] { beat(); });
  if (!beating.ok()) {
    executor_.reset();
    return beating.error();
  }
  heartbeat_ = *std::move(beating);
  // Opening takes some milliseconds that a first step need not wait for; an error is met again by the step. Where the
  // machine has no more threads, the steps do it.
  if (uses > 0) begin_background([database = database_, uses] { database->make_spares(uses); });
  if (uses > 1) begin_background([this] { executor_->make_ahead(); });
  return result;
}

// What the plan runs by. Without a plan each step comes with its own: then it is all there is.
Json Service::drivers_of(const RunSetup& setup) {
  std::set<std::string> used;
  for (const PlanStep& step : setup.plan.steps) used.insert(step.driver);
  return names(used.empty() ? driver_names(setup.run.allow_mock) : std::vector(used.begin(), used.end()));
}

void Service::announce_run(const RunSetup& setup) {
  const bool has_requirements = std::any_of(setup.plan.steps.begin(), setup.plan.steps.end(),
                                            [](const PlanStep& step) { return step.cfg["requirements"].size() > 0; });
  if (setup.settings.install_deps && !has_requirements) {
    // Drivers are compiled in: there is nothing to install, which is worth saying to who asked for it. Steps with
    // requirements say themselves what is there and what is not.
    emit_event(stream_, "dependency_check",
               Json::object({{"required", Json::array()}, {"present", Json::array()}, {"missing", Json::array()}}));
  }
  emit_event(stream_, "session_initialized",
             Json::object({{"session_id", setup.run.run_id}, {"drivers_loaded", drivers_of(setup)}}));
  emit_metric(stream_, "steps_total", Json(uint64_t{setup.plan.steps.size()}));
}

void Service::execute_step(rpc::Request request) {
  const Json& params = request.params;
  if (!params.contains("driver") && !params.contains("component"))
    return executor_->execute(params["step_id"].as_string(), reply_of_step(request.id));
  auto step = plan_step_from_json(params);
  if (!step.ok()) return answer(request.id, step.error());
  executor_->execute(*std::move(step), reply_of_step(request.id));
}

Reply Service::reply_of_step(const std::string& id) {
  return [this, id](RequestResult outcome) {
    if (const Json* result = std::get_if<Json>(&outcome)) {
      const std::lock_guard lock(pack_request_->mutex);
      if (pack_request_->packer) {
        // What cannot be read here is read again by pack, which says so.
        if (auto outputs = artifacts_of(*result); outputs.ok()) pack_request_->packer->add(*std::move(outputs));
      }
    }
    answer(id, std::move(outcome));
  };
}

void Service::finish(rpc::Request request) {
  executor_->finish([this, id = request.id](RequestResult outcome) {
    beat();  // so that the shortest run says what it took
    answer(id, outcome);
    std::function<void(const RequestResult&)> waiting;
    {
      const std::lock_guard lock(pack_request_->mutex);
      if (pack_request_->finished) return;
      pack_request_->finished = outcome;
      waiting = std::move(pack_request_->waiting);
    }
    if (waiting) waiting(outcome);
  });
}

void Service::pack(rpc::Request request) {
  const std::string& path = request.params["path"].as_string();
  if (!path.starts_with('/')) return answer(request.id, Error(Code::kInvalidArgument, "pack needs an absolute path"));
  const auto start = [this, id = request.id](const RequestResult& finished) {
    const Json* result = std::get_if<Json>(&finished);
    if (!result) {
      pack_request_->packer.reset();
      return answer(id, Error(Code::kInvalidState, "there is nothing to pack: the run did not finish"));
    }
    auto artifacts = artifacts_of(*result);
    if (!artifacts.ok()) return answer(id, artifacts.error());
    in_background([this, id, artifacts = *std::move(artifacts)] {
      auto packed = pack_request_->packer->finish(worker_dir_.parent_path(), artifacts);
      if (packed.ok()) return answer(id, rpc::to_json(*packed));
      answer(id, packed.error());
    });
  };
  std::unique_lock lock(pack_request_->mutex);
  if (pack_request_->packer) {
    lock.unlock();
    return answer(request.id, Error(Code::kInvalidState, "pack was asked for twice"));
  }
  pack_request_->packer = std::make_unique<ArtifactPacker>(path);
  if (!pack_request_->finished) {
    pack_request_->waiting = start;
    return;
  }
  const RequestResult finished = *pack_request_->finished;
  lock.unlock();
  start(finished);
}

void Service::beat() {
  rpc::Heartbeat heartbeat;
  heartbeat.time_ns = clock_.unix_ns();
  heartbeat.last_seq = stream_.last_seq();
  heartbeat.rss_bytes = rss_bytes();
  heartbeat.cpu_ms = cpu_ms();
  heartbeat.spill_bytes = database_->spill_bytes();
  heartbeat.steps = executor_->progress();
  stream_.send(heartbeat);
}

void Service::answer(const std::string& id, RequestResult outcome) {
  rpc::Response response;
  response.id = id;
  response.outcome = std::move(outcome);
  stream_.emit(std::move(response));
}

void Service::answer_now(const std::string& id, RequestResult outcome) {
  rpc::Response response;
  response.id = id;
  response.outcome = std::move(outcome);
  stream_.send(response);
}

void Service::in_background(std::function<void()> work) {
  if (!begin_background(work)) work();
}

bool Service::begin_background(const std::function<void()>& work) {
  const std::lock_guard lock(background_mutex_);
  background_.emplace_back();
  if (begin_thread(background_.back(), work)) return true;
  background_.pop_back();
  return false;
}

bool Service::idle() const { return !executor_ || executor_->idle(); }

bool Service::leave(std::string_view reason, std::chrono::milliseconds limit, bool reads) {
  if (!reads) stream_.abandon();
  bool stopped = true;
  if (executor_) {
    executor_->cancel(reason);
    stopped = executor_->wait_idle(limit);
  }
  kill_descendants();
  if (!stopped) stopped = executor_->wait_idle(std::chrono::milliseconds(100));
  if (reads) stream_.flush(kFlushPatience);
  std::error_code ignored;
  if (!worker_dir_.empty()) std::filesystem::remove_all(worker_dir_, ignored);
  return stopped;
}

}  // namespace osiris::worker
