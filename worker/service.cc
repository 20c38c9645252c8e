#include "worker/service.h"

#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "protocol/base/file.h"
#include "protocol/base/secret_names.h"
#include "protocol/base/text.h"
#include "protocol/base/wipe.h"
#include "protocol/model/artifact.h"
#include "worker/drivers.h"
#include "worker/executor/step_records.h"
#include "worker/package/package.h"
#include "worker/specs/specs.h"
#include "worker/sysinfo.h"

namespace osiris::worker {
namespace {

constexpr unsigned kParallelStepsMin = 2;  // one that waits for the network leaves room for one that computes
constexpr unsigned kParallelStepsMax = 64;
// One value may be larger than all memory (range(1000000000), repeat('x', 1000000000)), and the engine does not count it while
// it grows. This much beyond the limit the system refuses it, and the step fails like any other that ran out of memory.
constexpr uint64_t kUncountedBytesMax = uint64_t{512} << 20;
constexpr uint64_t kStackBytes = uint64_t{8} << 20;  // each thread's, by default
constexpr auto kMemoryLookEvery = std::chrono::milliseconds(50);
constexpr auto kFlushPatience = std::chrono::milliseconds(1000);


Error not_prepared(std::string_view method) {
  return Error(Code::kInvalidState, std::string(method) + " needs prepare first");
}

Json names(const std::vector<std::string>& list) {
  Json array = Json::array();
  for (const std::string& name : list) array.push_back(name);
  return array;
}

// The value, and what of it may turn up alone: its lines (a log is written line by line), the password of a URL.
void add_secret(Redactor& redactor, std::string_view value) {
  redactor.add(value);
  if (value.find('\n') != std::string_view::npos)
    for (const std::string& line : split(value, '\n')) redactor.add(trim(line));
  redactor.add(url_userinfo(value));
  if (holds_url_password(value)) redactor.add(authority_password(value));
}

std::shared_ptr<const Redactor> make_redactor(const Json& secrets, const Json& env) {
  auto redactor = std::make_shared<Redactor>();
  for (const Json* values : {&secrets, &env}) {
    for (const auto& [name, value] : values->members()) add_secret(*redactor, value.as_string());
  }
  return redactor;
}

Status check_versions(const rpc::PrepareParams& params, const std::string& version) {
  const auto differ = [](std::string_view what, const std::string& host, const std::string& worker) {
    return Error(Code::kUnsupported,
                 "the host and the worker differ in " + std::string(what) + ": host " + host + ", worker " + worker,
                 "Install osiris and osiris-worker from one build.");
  };
  if (!params.worker_version.empty() && params.worker_version != version)
    return differ("version", params.worker_version, version);
  if (!params.specs_sha256.empty() && params.specs_sha256 != specs_sha256())
    return differ("component specs", params.specs_sha256, specs_sha256());
  return {};
}

}  // namespace

// `pack` may be asked for before `finish` has been answered, and is answered after it.
struct Service::Packing {
  std::mutex mutex;
  std::optional<Outcome> finished;
  std::function<void(const Outcome&)> waiting;
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
      packing_(std::make_unique<Packing>()) {}

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
  namespace method = rpc::method;
  const std::string& name = request.method;
  if (name == method::kPing) {
    answer_now(request.id, Json::object({{"status", "pong"}, {"echo", request.params["data"]}}));
  } else if (name == method::kPrepare) {
    prepare(std::move(request));
  } else if (name == method::kShutdown) {
    answer(request.id, Json::object({{"status", "bye"}}));
    wants_exit_ = true;
  } else if (name != method::kExecuteStep && name != method::kFinish && name != method::kCancel &&
             name != method::kReplay && name != method::kPutRelation && name != method::kGetRelation &&
             name != method::kPack) {
    answer(request.id, Error(Code::kUnsupported, "this worker has no method \"" + name + "\""));
  } else if (!executor_) {
    answer(request.id, not_prepared(name));
  } else if (name == method::kExecuteStep) {
    execute_step(std::move(request));
  } else if (name == method::kFinish) {
    finish(request.id);
  } else if (name == method::kPack) {
    pack(std::move(request));
  } else if (name == method::kCancel) {
    answer_now(request.id, Json::object({{"status", "cancelling"}}));
    executor_->cancel(request.params["reason"].as_string_or("the host asked for it"));
  } else if (name == method::kReplay) {
    stream_.replay(request.id, request.params["from_seq"].as_uint(1));
  } else if (name == method::kPutRelation) {
    relations_->put(request);
  } else {
    relations_->get(request);
  }
}

void Service::prepare(rpc::Request request) {
  had_secrets_ = true;
  // Whatever was not taken over, because the request is refused.
  struct Rest {
    Json& json;
    ~Rest() { wipe(json); }
  } const rest{request.params};
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
  OSIRIS_TRY(check_versions(params, options_.version));
  if (!params.package.path.empty()) OSIRIS_TRY(unpack_package(params.package));
  if (!params.plan_path.empty()) {
    OSIRIS_ASSIGN(const std::string text, read_file(params.plan_path));
    OSIRIS_ASSIGN(params.plan, parse_json(text));
  }
  OSIRIS_ASSIGN(Plan plan, plan_from_json(params.plan));

  Run run;
  run.run_id = params.run_id;
  run.session_dir = params.session_dir;
  run.paths = PathMap(params.work_dir, std::move(params.path_map));
  run.redactor = make_redactor(params.secrets, params.env);
  run.connections = std::move(params.connections);
  run.secrets = std::move(params.secrets);
  run.env = std::move(params.env);
  run.settings = rpc::to_json(params.settings);
  run.settings.set("supervisor", "/proc/self/exe");  // this program, as --supervise; not on the wire
  run.allow_mock = params.settings.allow_mock;
  const unsigned threads = params.settings.threads ? params.settings.threads : core_count();
  run.threads = std::clamp(threads, kParallelStepsMin, kParallelStepsMax);
  run.find_driver = find_driver;
  run.secret_pointers = [](std::string_view component) {
    const ComponentSpec* spec = find_component_spec(component);
    return spec ? spec->secret_pointers : std::string_view();
  };
  stream_.set_redactor(run.redactor);
  log_.set_redactor(run.redactor);

  worker_dir_ = run.worker_dir();
  std::error_code ignored;
  std::filesystem::remove_all(worker_dir_, ignored);  // of a worker that died
  OSIRIS_TRY(make_directories(worker_dir_));
  OSIRIS_TRY(make_directories(run.session_dir / "artifacts"));
  OSIRIS_TRY(stream_.open_log(worker_dir_ / "records.jsonl"));
  if (const uint64_t limit = params.settings.memory_limit_bytes) {
    economise_memory();
    limit_data(limit + kUncountedBytesMax + kStackBytes * (threads + run.threads));
    // Well before the limit, for the engine needs room to grow in between two looks.
    memory_keeper_ = std::make_unique<PeriodicThread>(kMemoryLookEvery, [above = limit / 4 * 3] { return_free_memory(above); });
  }
  database_ =
      std::make_shared<Database>(DatabaseOptions{params.settings.memory_limit_bytes, threads, worker_dir_ / "spill"});
  run.database = database_;
  // Opening takes some milliseconds that a first step need not wait for; an error is met again by the step.
  in_background([database = database_] { static_cast<void>(database->open()); });

  const Json drivers = names(driver_names(run.allow_mock));
  const Json result = Json::object({{"status", "ready"}, {"session_id", run.run_id}, {"drivers_loaded", drivers}});
  const uint64_t steps = plan.steps.size();
  const bool has_requirements = std::any_of(plan.steps.begin(), plan.steps.end(),
                                            [](const PlanStep& step) { return step.cfg["requirements"].size() > 0; });
  if (params.settings.install_deps && !has_requirements) {
    // Drivers are compiled in: there is nothing to install, which is worth saying to who asked for it. Steps with
    // requirements say themselves what is there and what is not.
    emit_event(stream_, "dependency_check",
               Json::object({{"required", Json::array()}, {"present", Json::array()}, {"missing", Json::array()}}));
  }
  emit_event(stream_, "session_initialized", Json::object({{"session_id", run.run_id}, {"drivers_loaded", drivers}}));
  emit_metric(stream_, "steps_total", Json(steps));
  executor_ = std::make_unique<Executor>(std::move(run), std::move(plan), stream_, log_, clock_);
  relations_ = std::make_unique<RelationTransfer>(
      *executor_, stream_, clock_, [this](std::function<void()> work) { in_background(std::move(work)); });
  heartbeat_ =
      std::make_unique<PeriodicThread>(std::chrono::milliseconds(params.settings.heartbeat_ms), [this] { beat(); });
  return result;
}

void Service::execute_step(rpc::Request request) {
  const Json& params = request.params;
  if (!params.contains("driver") && !params.contains("component"))
    return executor_->execute(params["step_id"].as_string(), reply_to(request.id));
  auto step = plan_step_from_json(params);
  if (!step.ok()) return answer(request.id, step.error());
  executor_->execute(*std::move(step), reply_to(request.id));
}

void Service::finish(const std::string& id) {
  executor_->finish([this, id](Outcome outcome) {
    beat();  // so that the shortest run says what it took
    answer(id, outcome);
    std::function<void(const Outcome&)> waiting;
    {
      const std::lock_guard lock(packing_->mutex);
      if (packing_->finished) return;
      packing_->finished = outcome;
      waiting = std::move(packing_->waiting);
    }
    if (waiting) waiting(outcome);
  });
}

void Service::pack(rpc::Request request) {
  const std::string& path = request.params["path"].as_string();
  if (!path.starts_with('/'))
    return answer(request.id, Error(Code::kInvalidArgument, "pack needs an absolute path"));
  const auto start = [this, id = request.id, path](const Outcome& finished) {
    const Json* result = std::get_if<Json>(&finished);
    if (!result)
      return answer(id, Error(Code::kInvalidState, "there is nothing to pack: the run did not finish"));
    std::vector<Artifact> artifacts;
    for (const Json& json : (*result)["artifacts"].items()) {
      auto artifact = artifact_from_json(json);
      if (!artifact.ok()) return answer(id, artifact.error());
      artifacts.push_back(*std::move(artifact));
    }
    in_background([this, id, path, artifacts = std::move(artifacts)] {
      auto packed = pack_artifacts(path, worker_dir_.parent_path(), artifacts);
      if (packed.ok()) return answer(id, rpc::to_json(*packed));
      answer(id, packed.error());
    });
  };
  std::unique_lock lock(packing_->mutex);
  if (!packing_->finished) {
    if (packing_->waiting) {
      lock.unlock();
      return answer(request.id, Error(Code::kInvalidState, "pack was asked for twice"));
    }
    packing_->waiting = start;
    return;
  }
  const Outcome finished = *packing_->finished;
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

Reply Service::reply_to(const std::string& id) {
  return [this, id](Outcome outcome) { answer(id, std::move(outcome)); };
}

void Service::answer(const std::string& id, Outcome outcome) {
  rpc::Response response;
  response.id = id;
  response.outcome = std::move(outcome);
  stream_.emit(std::move(response));
}

void Service::answer_now(const std::string& id, Outcome outcome) {
  rpc::Response response;
  response.id = id;
  response.outcome = std::move(outcome);
  stream_.send(response);
}

void Service::in_background(std::function<void()> work) {
  const std::lock_guard lock(background_mutex_);
  background_.emplace_back(std::move(work));
}

bool Service::idle() const { return !executor_ || executor_->idle(); }

bool Service::leave(std::string_view reason, std::chrono::milliseconds patience, bool reads) {
  if (!reads) stream_.abandon();
  bool stopped = true;
  if (executor_) {
    executor_->cancel(reason);
    stopped = executor_->wait_idle(patience);
  }
  kill_descendants();
  if (!stopped) stopped = executor_->wait_idle(std::chrono::milliseconds(100));
  heartbeat_.reset();
  if (reads) stream_.flush(kFlushPatience);
  std::error_code ignored;
  if (!worker_dir_.empty()) std::filesystem::remove_all(worker_dir_, ignored);
  return stopped;
}

}  // namespace osiris::worker
