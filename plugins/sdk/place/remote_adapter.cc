#include "plugins/sdk/place/remote_adapter.h"

#include <poll.h>

#include <algorithm>

#include "plugins/sdk/fleet/fleet_run.h"
#include "plugins/sdk/package/artifacts.h"
#include "plugins/sdk/package/delivery.h"
#include "plugins/sdk/package/receive_artifacts.h"
#include "plugins/sdk/package/run_package.h"
#include "plugins/sdk/place/flag_watch.h"
#include "plugins/sdk/place/remote_run.h"
#include "plugins/sdk/place/replacement.h"
#include "protocol/base/categories.h"
#include "protocol/base/clock.h"
#include "protocol/base/sha256.h"
#include "protocol/base/thread.h"

namespace osiris::sdk {
namespace {

int64_t elapsed_ms(int64_t since_ns) { return (system_clock().monotonic_ns() - since_ns) / 1'000'000; }

Error cancelled_run() { return Error(Code::kCancelled, "the run was cancelled"); }

// Under which a machine is kept: what it holds is of use to runs of this pipeline, worker, template and network only.
std::string keep_key_of(const RunRequest& request, const Template& made_from, const Egress& egress,
                        const Json& shown_rules) {
  const Json key = Json::object({{"pipeline", request.manifest["pipeline_id"]},
                                 {"worker", request.worker_sha256},
                                 {"template", made_from.id},
                                 {"network", shown_rules},
                                 {"internet", egress.internet}});
  return sha256_hex(key.dump_canonical()).substr(0, 32);
}

Json result_of_nothing(const RunRequest& request, const Error& error) {
  StepBoard board(request.steps());
  board.abandon(error);
  return board.result_document("failed", Json::object());
}

}  // namespace

RemoteAdapter::~RemoteAdapter() { release_now(); }

void RemoteAdapter::set_up(const RemoteSettings& settings,
                           std::vector<std::pair<std::string, std::string>> shown_options) {
  settings_ = settings;
  shown_options_ = std::move(shown_options);
}

void RemoteAdapter::metric(std::string_view name, std::string_view unit, int64_t value) const {
  host_.metric({.name = name, .unit = unit, .step_id = {}, .value = static_cast<double>(value), .tags = {}});
}

void RemoteAdapter::cancel() noexcept {
  cancelled_ = true;
  waker_.wake();
}

bool RemoteAdapter::sleep(Milliseconds wait) {
  const int64_t until_ns = system_clock().monotonic_ns() + wait.count() * 1'000'000;
  for (;;) {
    if (cancelled_ || host_.is_cancelled()) {
      cancelled_ = true;
      return false;
    }
    const int64_t left_ms = (until_ns - system_clock().monotonic_ns()) / 1'000'000;
    if (left_ms <= 0) return true;
    pollfd woken{waker_.fd(), POLLIN, 0};
    ::poll(&woken, 1, static_cast<int>(std::min<int64_t>(left_ms, 500)));
  }
}

Result<Place*> RemoteAdapter::place() {
  if (!place_) {
    OSIRIS_ASSIGN(place_, connect());
  }
  return place_.get();
}

void RemoteAdapter::validate(const plugin::Request& from) {
  const RunRequest request = value_or_throw(read_request(from));
  if (!request.worker_path.empty()) check_or_throw(check_worker_travels(request.worker_path));  // a dry run names none
  value_or_throw(environment_names(settings_));
  check_or_throw(check(request));
  check_or_throw(check_hosts(settings_, description(), request));
}

std::string RemoteAdapter::prepare(const plugin::Request& from) {
  const RunRequest request = value_or_throw(read_request(from));
  const auto names = value_or_throw(environment_names(settings_));
  return value_or_throw(
             prepared_document(request, {.hash_inputs = true, .environment_names = names, .options = shown_options_}))
      .dump();
}

Status RemoteAdapter::acquire(const RunRequest& request, const Template& made_from, bool reuse) {
  acquire_began_ns_ = system_clock().monotonic_ns();
  held_ = new_machine();
  return held_->acquire(wanted(request, made_from, reuse));
}

std::unique_ptr<HeldMachine> RemoteAdapter::new_machine() {
  return std::make_unique<HeldMachine>(
      HoldContext{host_, settings_, *place_, *journal_, [this](Milliseconds wait) { return sleep(wait); }, cancelled_});
}

HeldMachine::Request RemoteAdapter::wanted(const RunRequest& request, const Template& made_from, bool reuse) const {
  HeldMachine::Request wanted;
  wanted.wanted.template_id = made_from.id;
  wanted.wanted.lease_s = settings_.lease_s();
  wanted.wanted.egress = egress_;
  Metadata& metadata = wanted.wanted.metadata = settings_.metadata;
  metadata[meta::kOwner] = request.settings["owner_id"].as_string_or("unknown");
  metadata[meta::kRun] = request.run_id;
  metadata[meta::kPipeline] = request.manifest["pipeline_id"].as_string();
  metadata[meta::kWorker] = request.worker_sha256.substr(0, 16);
  if (settings_.keep) {
    wanted.keep_key = keep_key_of(request, made_from, egress_, place_->shown_rules(egress_));
    metadata[meta::kKeep] = wanted.keep_key;
    wanted.keep_directory = request.settings["state_dir"].as_string_or(request.adapter_dir().string()) + "/" +
                            std::string(place_->service().id());
    wanted.reuse = reuse;
  }
  return wanted;
}

// One more, or nothing that is left of the try.
Result<std::unique_ptr<HeldMachine>> RemoteAdapter::hold_another(const RunRequest& request, const Template& made_from) {
  auto held = new_machine();
  const Status acquired = held->acquire(wanted(request, made_from, false));
  if (acquired) return held;
  Json released = Json::array();  // what a create in doubt may have made
  if (const Status given = held->release(released, false); !given) host_.log(OSIRIS_ERROR, given.error().message);
  const std::lock_guard lock(machines_mutex_);
  for (const Json& entry : released.items()) released_.push_back(entry);
  return acquired.error();
}

// Shards of the run, each on one of several machines; what comes after them on the first, which collect() gives back.
Result<RunOutcome> RemoteAdapter::run_on_many(const RunRequest& request, const Template& made_from,
                                              const FleetPlan& plan) {
  const MachineSpec spec = wanted(request, made_from, false).wanted;
  const HoldContext around{host_,     settings_, *place_, *journal_, [this](Milliseconds wait) { return sleep(wait); },
                           cancelled_};
  FleetRun fleet({.host = host_,
                  .settings = settings_,
                  .request = request,
                  .cancelled = cancelled_,
                  .made_from = made_from,
                  .egress = egress_,
                  .place = *place_,
                  .journal = *journal_,
                  .acquire = [&] { return hold_another(request, made_from); },
                  .clone = [&](HeldMachine& parent, size_t count) { return clone_machine(around, parent, count); },
                  .wanted = spec,
                  .sleep = [this](Milliseconds wait) { return sleep(wait); },
                  .ends_early =
                      [this](const std::string& id) {
                        const std::lock_guard lock(machines_mutex_);
                        return ends_early(id);
                      },
                  .early_grace = early_grace()},
                 plan);
  auto outcome = fleet.run();
  access_ = fleet.take_access();
  held_ = fleet.take_held();
  packed_bytes_ = fleet.packed_bytes();
  shard_outputs_ = fleet.take_outputs();
  for (const Json& entry : fleet.released().items()) released_.push_back(entry);
  if (!held_) released();
  return outcome;
}

Status RemoteAdapter::acquire_with_template(const RunRequest& request, Template& made_from, bool may_take_kept) {
  Status acquired = acquire(request, made_from, may_take_kept);
  if (acquired || !made_from.found_by_name || cancelled_ || !place_->is_template_failure(acquired.error()))
    return acquired;
  host_.log(OSIRIS_WARN, acquired.error().message + "; building the template again");
  OSIRIS_ASSIGN(made_from, choose_template(request, true));
  return acquire(request, made_from, may_take_kept);
}

bool RemoteAdapter::has_vanished() {
  if (cancelled_ || !held_ || !held_->is_held()) return false;
  const auto gone =
      place_->is_gone(held_->machine().id,
                      {.wait = std::min(settings_.request_timeout, Milliseconds(5'000)), .cancelled = &cancelled_});
  return gone && *gone;
}

void RemoteAdapter::say_egress() const {
  host_.event("egress_rules", {},
              Json::object({{"internet", egress_.internet}, {"network", place_->shown_rules(egress_)}}));
  for (const std::string& note : egress_.notes) host_.log(OSIRIS_INFO, note);
  for (const std::string& warning : egress_.warnings) host_.log(OSIRIS_WARN, warning);
}

// The outcome of the last attempt, with the run's failure; an error where no attempt came to one.
Result<RunOutcome> RemoteAdapter::run(const RunRequest& request) {
  OSIRIS_TRY(place());
  const std::string noun(place_->service().noun()), id(place_->service().id());
  OSIRIS_ASSIGN(Journal journal, Journal::open(request.adapter_dir() / (id + "-journal.jsonl")));
  journal_ = std::make_unique<Journal>(std::move(journal));
  OSIRIS_TRY(begin(request));
  OSIRIS_ASSIGN(egress_,
                derive_egress(settings_, description(), request, system_resolver(description().option_prefix)));
  say_egress();
  OSIRIS_ASSIGN(PackageContents contents,
                list_package_contents(request, layout_of(place_->home(), request.run_id), settings_.keep));
  OSIRIS_ASSIGN(Template made_from, choose_template(request, false));
  if (settings_.machines > 1)
    if (FleetPlan plan(request, static_cast<size_t>(settings_.machines)); plan.machines() > 1) {
      OSIRIS_TRY(plan.index_inputs());
      return run_on_many(request, made_from, plan);
    }
  Replacement replacement(place_->service(), place_->short_life_hint(), settings_.retry_budget);
  for (;;) {
    std::optional<PackageStream> stream;
    std::future<Result<std::string>> packed;
    leave_out(contents, {});
    if (!settings_.keep) {  // while the machine is created
      stream.emplace(contents);
      if (made_from.worker_directory.empty())
        // By value: this call may be over before the thread is.
        packed = begin_async_or_later(
            [path = request.worker_path, sha256 = request.worker_sha256] { return packed_worker(path, sha256); });
    }
    OSIRIS_TRY(acquire_with_template(request, made_from, replacement.attempts() == 1));
    if (settings_.keep) {
      leave_out(contents, held_->kept_files());
      stream.emplace(contents);
    }
    access_ = place_->access(held_->machine(), settings_.lease);
    auto outcome =
        run_on_machine({host_, settings_, request, waker_, cancelled_, made_from, egress_, *place_, *held_, *access_,
                        acquire_began_ns_, [this] { return ends_early(held_->machine().id); }, early_grace()},
                       contents, *stream, std::move(packed));
    if (!outcome && cancelled_) return cancelled_run();
    std::optional<Error> failure = failure_of(outcome);
    if (outcome && outcome->detail("method").as_string() != "prepare") held_->leaves(kept_inputs(contents));
    if (failure && !cancelled_) {
      const std::string machine = held_->machine().id;
      const Replacement::Decision decision =
          replacement.decide({request, *failure, outcome ? &*outcome : nullptr, machine, held_->was_kept(),
                              [this] { return has_vanished(); }, [this] { return held_->limit_reached(); }});
      if (decision.anew) {
        host_.event(
            noun + "_replaced", {},
            Json::object({{noun + "_id", machine}, {"attempt", replacement.attempts()}, {"error", failure->message}}));
        release_now();
        if (!sleep(decision.wait)) return cancelled_run();
        continue;
      }
      failure = decision.failure;
    }
    if (!outcome) return *failure;
    outcome->status = failure ? Status(*failure) : Status();
    return outcome;
  }
}

plugin::RunResult RemoteAdapter::execute(const plugin::Request& from) {
  const FlagWatch watch(host_, [this] { cancel(); });
  RunRequest request = value_or_throw(read_request(from));
  const int64_t own_deadline_ns = system_clock().monotonic_ns() + settings_.timeout.count() * 1'000'000;
  request.deadline_monotonic_ns =
      request.deadline_monotonic_ns ? std::min(request.deadline_monotonic_ns, own_deadline_ns) : own_deadline_ns;
  if (const Status free = check_outputs(request); !free)  // what would fail at the end fails before it costs anything
    return {result_of_nothing(request, free.error()).dump(), to_failure(free.error())};
  auto outcome = run(request);
  const Status status = outcome ? outcome->status : Status(outcome.error());
  succeeded_ = status.ok();
  const bool was_early = !status && status.error().category == category::kRuntimeBudget;
  const bool may_collect =
      status || status.error().code == Code::kStepFailed || (was_early && outcome && outcome->packed);
  if (!may_collect) release_now();
  if (!outcome) throw to_failure(status.error());
  packed_ = std::move(outcome->packed);
  plugin::RunResult result{outcome->result.dump(), std::nullopt};
  if (!status) result.failure = to_failure(status.error());
  return result;
}

std::string RemoteAdapter::collect(const plugin::Request& from) {
  const FlagWatch watch(host_, [this] { cancel(); });
  const RunRequest request = value_or_throw(read_request(from));
  Status status;
  Received received;
  const bool is_held = held_ && held_->is_held();
  if (packed_ && (is_held || packed_bytes_)) {
    const int64_t started_ns = system_clock().monotonic_ns();
    const ArtifactSource source{place_->service(),
                                [this](uint64_t offset) {
                                  return packed_bytes_
                                             ? bytes_from(packed_bytes_, offset)
                                             : access_->download(packed_->path, offset, "download the artifacts");
                                },
                                [this](Milliseconds wait) { return sleep(wait); }, cancelled_};
    auto result = receive_artifacts(source, *packed_, request, {.retry_budget = settings_.retry_budget});
    if (result) {
      received = *std::move(result);
      const int64_t copy_ms = elapsed_ms(started_ns);
      host_.event(
          "artifacts_collected", {},
          Json::object({{"files", received.files}, {"bytes", received.bytes_on_the_wire}, {"duration_ms", copy_ms}}));
      metric("artifacts_copy_ms", "ms", copy_ms);
      metric("artifacts_files_total", "files", static_cast<int64_t>(received.files));
      metric("artifacts_bytes_total", "bytes", static_cast<int64_t>(received.bytes));
    } else {
      const auto early = is_held ? ends_early(held_->machine().id) : std::nullopt;  // it may have been given up for it
      status = early ? early->within(result.error().message) : result.error();
    }
  } else if (succeeded_) {
    const std::string noun(place_->service().noun());
    status = place_->service().failure(
        FailureClass::kSandboxError,
        "the run's outputs cannot be fetched: nothing says what was packed, or the " + noun + " is no more",
        "Run again.");
  }
  if (held_) {
    const Status released = held_->release(released_, settings_.keep && status.ok());
    if (status && !released) status = released.error();
    this->released();
  }
  if (place_) metric("remote_calls", "calls", static_cast<int64_t>(place_->calls()));
  check_or_throw(status);
  for (Artifact& output : shard_outputs_) received.outputs.push_back(std::move(output));
  return artifacts_document(received.outputs, released_).dump();
}

void RemoteAdapter::release_now() {
  if (!held_) return;
  if (const Status released = held_->release(released_, false); !released)
    host_.log(OSIRIS_ERROR, released.error().message);
  this->released();
}

}  // namespace osiris::sdk
