#include "plugins/e2b/adapter.h"

#include <poll.h>

#include <algorithm>

#include "plugins/e2b/artifacts.h"
#include "plugins/e2b/channel.h"
#include "plugins/e2b/dependencies.h"
#include "plugins/e2b/plan_notice.h"
#include "plugins/e2b/replacement.h"
#include "plugins/e2b/worker_template.h"
#include "plugins/sdk/package/artifacts.h"
#include "plugins/sdk/package/delivery.h"
#include "plugins/sdk/package/run_package.h"
#include "protocol/base/clock.h"
#include "protocol/base/redact.h"
#include "protocol/base/sha256.h"
#include "protocol/base/text.h"
#include "protocol/base/wipe.h"

namespace osiris::e2b {
namespace {

int64_t elapsed_ms(int64_t since_ns) { return (system_clock().monotonic_ns() - since_ns) / 1'000'000; }

// Silence is three heartbeats that did not come, but not less: a loaded sandbox may be late.
constexpr int64_t kSilenceMsMin = 600;

// What E2B calls the public template that every account has.
constexpr const char* kDefaultTemplate = "base";

}  // namespace

E2bAdapter::Service::Service(const http::CurlOptions& options, const ApiConfig& config, http::RetryPolicy policy,
                             const std::function<bool(http::Milliseconds)>& sleep,
                             const std::function<void(const http::Request&, const http::RetryNote&)>& note)
    : network(options),
      watched(network),
      api(config, watched, policy, sleep, note),
      lease_api(config, watched, policy, sleep, note),
      sending_api(config, watched, policy, sleep, note) {}

E2bAdapter::~E2bAdapter() { release_now(); }

osiris_status E2bAdapter::configure(const osiris_setting* settings, size_t count) {
  auto config = read_config(settings, count);
  if (!config) return host_.fail(config.error());
  config_ = *std::move(config);
  for (size_t i = 0; i < count; ++i)
    if (sdk::view(settings[i].name) != "env")
      shown_options_.emplace_back(sdk::view(settings[i].name), mask_authority_password(sdk::view(settings[i].value)));
  return OSIRIS_OK;
}

void E2bAdapter::metric(std::string_view name, std::string_view unit, int64_t value) const {
  host_.metric({.name = name, .unit = unit, .step_id = {}, .value = static_cast<double>(value), .tags = {}});
}

void E2bAdapter::cancel() {
  cancelled_ = true;
  waker_.wake();
}

bool E2bAdapter::sleep(http::Milliseconds wait) {
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

Result<E2bAdapter::Service*> E2bAdapter::service() {
  if (service_) return service_.get();
  ApiConfig api;
  api.api_url = config_.api_url;
  api.sandbox_url = config_.sandbox_url;
  api.domain = config_.domain;
  api.timeouts.connect = http::Milliseconds(config_.connect_timeout_ms);
  api.timeouts.total = http::Milliseconds(config_.request_timeout_ms);
  api.timeouts.idle = api.timeouts.total;
  const Status lent = host_.with_secret(kApiKeyName, [&](std::string_view value) { api.api_key = value; });
  if (!lent || api.api_key.empty())
    return make_failure(FailureClass::kAuthError, "there is no E2B API key", "Set E2B_API_KEY in the environment or in .env; keys are made in E2B's dashboard.");
  OSIRIS_TRY(check_authorities(config_.ca_file));
  http::CurlOptions options;
  options.ca_file = config_.ca_file;
  options.proxy = config_.proxy;
  options.https_proxy = config_.https_proxy;
  options.no_proxy = config_.no_proxy;
  options.user_agent = "osiris";
  http::RetryPolicy policy;
  policy.budget = http::Milliseconds(config_.retry_budget_ms);
  service_ = std::make_unique<Service>(
      options, api, policy, [this](http::Milliseconds wait) { return sleep(wait); },
      [this](const http::Request& request, const http::RetryNote& note) {
        host_.log(OSIRIS_WARN, request.label + ": " + note.reason + "; attempt " + std::to_string(note.attempt + 1) + " in " +
                                   std::to_string(note.wait.count()) + " ms");
      });
  wipe(api.api_key);
  return service_.get();
}

Status E2bAdapter::check(const sdk::RunRequest& request) const {
  if (!request.worker_path.empty()) OSIRIS_TRY(sdk::check_worker_travels(request.worker_path));  // a dry run names none
  OSIRIS_TRY(sdk::environment_names(config_.environment));
  OSIRIS_TRY(check_index_reachable(config_, request));
  return check_hosts(config_, request);
}

osiris_status E2bAdapter::validate(const osiris_request* from) {
  const auto request = sdk::read_request(from);
  if (!request) return host_.fail(request.error());
  if (const Status status = check(*request); !status) return host_.fail(status.error());
  return OSIRIS_OK;
}

osiris_status E2bAdapter::prepare(const osiris_request* from) {
  const auto request = sdk::read_request(from);
  if (!request) return host_.fail(request.error());
  const auto names = sdk::environment_names(config_.environment);
  if (!names) return host_.fail(names.error());
  const auto document = sdk::prepared_document(*request, {.hash_inputs = true, .environment_names = *names, .options = shown_options_});
  if (!document) return host_.fail(document.error());
  if (const Status status = host_.deliver("prepared", *document); !status) return host_.fail(status.error());
  return OSIRIS_OK;
}

Result<E2bAdapter::Place> E2bAdapter::choose_template(const sdk::RunRequest& request, bool rebuild) {
  Place place;
  place.template_id = config_.template_id.empty() ? kDefaultTemplate : config_.template_id;
  OSIRIS_ASSIGN(const std::optional<TemplateSpec> spec, worker_template(config_, request, place.template_id));
  if (!spec) return place;
  const int64_t started_ns = system_clock().monotonic_ns();
  BuildOptions options;
  options.timeout_ms = config_.build_timeout_ms;
  options.sleep = [this](http::Milliseconds wait) { return sleep(wait); };
  options.log = [this](const std::string& name, const std::string& line) { return take_build_line(name, line); };
  options.cancelled = &cancelled_;
  options.force = rebuild;
  options.owner = request.settings["owner_id"].as_string_or("unknown");
  options.retry_budget = http::Milliseconds(config_.retry_budget_ms);
  if (config_.install_deps && config_.deps_in_template)
    for (const std::string& warning : pip_warnings(config_)) host_.log(OSIRIS_WARN, warning);
  OSIRIS_ASSIGN(const BuiltTemplate built, ensure_template(service_->api, *spec, options));
  host_.event("template_built", {},
              Json::object({{"template_id", built.template_id}, {"name", built.name}, {"built", built.built_now},
                            {"bytes", built.bytes_uploaded}, {"duration_ms", elapsed_ms(started_ns)}}));
  place.template_id = built.template_id;
  place.has_worker = true;
  place.found_by_name = !built.built_now;
  if (config_.deps_in_template) place.cache_dir = std::string(sdk::kTemplateRoot) + "/cache";
  return place;
}

// What `osiris-worker --install-requirements` says on stdout comes back as lines of the build's log, with E2B's own words before
// them. False for such a line.
bool E2bAdapter::take_build_line(const std::string& name, const std::string& line) {
  constexpr std::string_view kEvent = "osiris-event ";
  const size_t at = line.find(kEvent);
  if (at == std::string::npos) {
    host_.log(OSIRIS_INFO, "template " + name + ": " + line);
    return true;
  }
  const auto event = parse_json(std::string_view(line).substr(at + kEvent.size()));
  if (!event || (*event)["event"].as_string() != "dependency_installed") return false;
  Json fields = Json::object();
  for (const auto& [key, value] : event->members())
    if (key != "event") fields.set(key, value);
  fields.set("where", "template");
  host_.event("dependency_installed", {}, fields);
  return false;
}

Status E2bAdapter::acquire(const sdk::RunRequest& request, const Place& place, bool reuse) {
  acquire_began_ns_ = system_clock().monotonic_ns();
  SandboxSession::Wanted wanted;
  wanted.template_id = place.template_id;
  wanted.metadata = config_.metadata;
  wanted.metadata[meta::kOwner] = request.settings["owner_id"].as_string_or("unknown");
  wanted.metadata[meta::kRun] = request.run_id;
  wanted.metadata[meta::kPipeline] = request.manifest["pipeline_id"].as_string();
  wanted.metadata[meta::kWorker] = request.worker_sha256.substr(0, 16);
  wanted.egress = egress_;
  if (config_.keep) {
    const Json key = Json::object({{"pipeline", request.manifest["pipeline_id"]}, {"worker", request.worker_sha256},
                                   {"template", place.template_id}, {"network", wanted.egress.shown()}, {"internet", wanted.egress.internet}});
    wanted.keep_key = sha256_hex(key.dump_canonical()).substr(0, 32);
    wanted.metadata[meta::kKeep] = wanted.keep_key;
    wanted.keep_directory = request.settings["state_dir"].as_string_or(request.adapter_dir().string()) + "/e2b";
    wanted.reuse = reuse;
  }
  session_ = std::make_unique<SandboxSession>(SessionContext{
      host_, config_, service_->api, service_->lease_api, *journal_, [this](http::Milliseconds wait) { return sleep(wait); }, cancelled_});
  return session_->acquire(wanted);
}

Result<sdk::RunOutcome> E2bAdapter::run_in(const sdk::RunRequest& request, const sdk::PackagePlan& plan, sdk::PackageStream& stream, const Place& place) {
  const sdk::Layout layout = sdk::layout_of(request.run_id);
  const http::Milliseconds patience(config_.lease_s * 1000);
  envd_ = std::make_unique<Envd>(service_->api, session_->sandbox(), patience);
  sending_envd_ = std::make_unique<Envd>(service_->sending_api, session_->sandbox(), patience);

  sdk::DeliveryRequest wanted;
  wanted.worker_path = request.worker_path;
  wanted.worker_sha256 = request.worker_sha256;
  if (place.has_worker)
    wanted.present_in = sdk::kTemplateRoot;
  else if (session_->was_kept())
    wanted.present_in = sdk::kRoot;
  else if (packed_worker_.valid())
    wanted.packed = packed_worker_.get();
  wanted.run_directory = layout.run;
  wanted.last_file = layout.arrived();
  wanted.wipe_other_runs = session_->was_kept();
  OSIRIS_ASSIGN(sdk::Delivery delivery, sdk::plan_delivery(std::move(wanted)));

  SandboxChannel channel(*envd_, *sending_envd_, service_->lease_api, waker_,
                         {layout.records(), [this](const std::string& text) { host_.log(OSIRIS_WARN, text); }, http::Milliseconds(config_.retry_budget_ms)});
  const int64_t upload_ns = system_clock().monotonic_ns();
  delivery.parts.push_back({layout.package(), [&](const auto& sink) { return stream.write_to(sink); }});
  delivery.parts.push_back(sdk::bytes_part(layout.arrived(), std::make_shared<const std::string>("1")));
  // The process starts while its files are on their way, and waits for the last of them: one round trip less. The files go first,
  // on the connection that is there already.
  std::vector<UploadPart> parts;
  for (sdk::UploadPart& part : delivery.parts) parts.push_back({std::move(part.path), std::move(part.write)});
  const StartSpec start{.command = delivery.start.command, .arguments = delivery.start.arguments, .environment = delivery.start.environment, .working_directory = {}};
  OSIRIS_ASSIGN(const uint64_t uploaded, envd_->upload(parts, &cancelled_, [&] { channel.start(start); }));
  host_.event("package_uploaded", {},
              Json::object({{"bytes", uploaded}, {"files", plan.files_sent()}, {"worker_sent", delivery.sends_worker},
                            {"duration_ms", elapsed_ms(upload_ns)}}));

  session_->on_lost([&channel](const Error& error) { channel.declare_lost(error); });
  const auto pid = channel.started(patience, cancelled_);
  if (!pid) {
    session_->on_lost({});
    return pid.error();
  }
  metric("e2b_overhead_ms", "ms", elapsed_ms(acquire_began_ns_));  // from wanting a sandbox to having a process in it

  sdk::Opening opening;
  opening.prepare = request.prepare_params();
  opening.prepare.session_dir = layout.session();
  opening.prepare.connections = with_addresses(std::move(opening.prepare.connections), egress_);
  opening.prepare.plan = Json();
  opening.prepare.plan_path = plan.plan_path;
  opening.prepare.package = plan.package;
  opening.prepare.path_map = plan.path_map;
  opening.prepare.settings.install_deps = config_.install_deps;
  opening.prepare.settings.heartbeat_ms = static_cast<uint32_t>(config_.heartbeat_ms);
  opening.prepare.settings.cache_dir = place.cache_dir.empty() ? std::string(sdk::kRoot) + "/cache" : place.cache_dir;
  opening.secret_names = request.connection_secrets();
  opening.environment = config_.environment;
  opening.pack_path = layout.artifacts();
  for (const Json& step : request.steps()) opening.step_ids.push_back(step["id"].as_string());

  sdk::WireLog wire_log;
  if (request.settings["rpc_debug"].as_bool()) OSIRIS_TRY(wire_log.open(request.adapter_dir() / "rpc.log"));
  sdk::RunLoopOptions options;
  options.shutdown_worker = false;  // its sandbox goes
  options.silence_ms = std::max(3 * config_.heartbeat_ms, kSilenceMsMin);
  options.hello_timeout_ms = std::max(options.hello_timeout_ms, config_.lease_s * 1000);  // a stalled start is a stall too
  options.stall_limit_ms = config_.lease_s * 1000;
  options.deadline_monotonic_ns = request.deadline_monotonic_ns;
  options.worker_name = "in sandbox " + session_->sandbox().id;
  options.path_map = plan.path_map;
  sdk::RunLoop loop(host_, channel, waker_, wire_log, std::move(options));
  sdk::RunOutcome outcome = loop.run(request.steps(), std::move(opening));
  session_->on_lost({});
  return outcome;
}

bool E2bAdapter::has_vanished() {
  if (cancelled_ || !session_ || !session_->is_held()) return false;
  const auto gone = is_gone(service_->api, session_->sandbox().id, {.wait = http::Milliseconds(std::min<int64_t>(config_.request_timeout_ms, 5'000)), .cancelled = &cancelled_});
  return gone && *gone;
}

Status E2bAdapter::acquire_with_template(const sdk::RunRequest& request, Place& place, bool may_take_kept) {
  Status acquired = acquire(request, place, may_take_kept);
  if (acquired || !place.found_by_name || cancelled_) return acquired;
  const int status = http_status_of(acquired.error());
  if (status != 400 && status != 404) return acquired;
  // The name exists, but no sandbox comes of it: an earlier build broke half way.
  host_.log(OSIRIS_WARN, acquired.error().message + "; building the template again");
  OSIRIS_ASSIGN(place, choose_template(request, true));
  return acquire(request, place, may_take_kept);
}

Status E2bAdapter::execute(const sdk::RunRequest& original) {
  sdk::RunRequest request = original;
  const int64_t own_deadline_ns = system_clock().monotonic_ns() + config_.timeout_ms * 1'000'000;
  request.deadline_monotonic_ns = request.deadline_monotonic_ns ? std::min(request.deadline_monotonic_ns, own_deadline_ns) : own_deadline_ns;
  if (const Status free = check_outputs(request); !free) {  // what would fail at the end fails before it costs anything
    sdk::StepBoard board(request.steps());
    board.abandon(free.error());
    OSIRIS_TRY(host_.deliver("result", board.result_document("failed", Json::object())));
    return free;
  }
  OSIRIS_TRY(service());
  OSIRIS_ASSIGN(sdk::Journal journal, sdk::Journal::open(request.adapter_dir() / "e2b-journal.jsonl"));
  journal_ = std::make_unique<sdk::Journal>(std::move(journal));
  if (config_.debug) OSIRIS_TRY(service_->watched.open_log(request.adapter_dir() / "e2b-wire.log"));
  if (config_.egress_proxy) service_->watched.mask(config_.egress_proxy->password);

  host_.event("service_selected", {}, destinations());
  OSIRIS_ASSIGN(egress_, derive_egress(config_, request, system_resolver()));
  say_egress();
  OSIRIS_ASSIGN(sdk::PackagePlan plan, sdk::plan_package(request, sdk::layout_of(request.run_id), config_.keep));
  OSIRIS_ASSIGN(Place place, choose_template(request, false));
  if (const auto notice = plan_notice(config_.timeout_ms)) host_.log(OSIRIS_WARN, *notice, Json::object({{"notice", true}}));
  Replacement replacement(http::Milliseconds(config_.retry_budget_ms));
  for (;;) {
    std::optional<sdk::PackageStream> stream;
    sdk::leave_out(plan, {});
    if (!config_.keep) {  // while the sandbox is created
      stream.emplace(plan);
      if (!place.has_worker)
        // By value: this call may be over before the thread is.
        packed_worker_ = std::async(std::launch::async, [path = request.worker_path, sha256 = request.worker_sha256] { return sdk::packed_worker(path, sha256); });
    }
    OSIRIS_TRY(acquire_with_template(request, place, replacement.attempts() == 1));
    if (config_.keep) {
      sdk::leave_out(plan, session_->kept_files());
      stream.emplace(plan);
    }
    auto outcome = run_in(request, plan, *stream, place);
    if (!outcome && cancelled_) return Error(Code::kCancelled, "the run was cancelled");
    std::optional<Error> failure = failure_of(outcome);
    if (outcome && outcome->detail["method"].as_string() != "prepare") session_->leaves(sdk::kept_inputs(plan));
    if (failure && !cancelled_) {
      const std::string id = session_->sandbox().id;
      const Replacement::Decision decision = replacement.decide({request, *failure, outcome ? &*outcome : nullptr, id, session_->was_kept(),
                                                                 [this] { return has_vanished(); }, [this] { return session_->limit_reached(); }});
      if (decision.anew) {
        host_.event("sandbox_replaced", {}, Json::object({{"sandbox_id", id}, {"attempt", replacement.attempts()}, {"error", failure->message}}));
        release_now();
        if (!sleep(decision.wait)) return Error(Code::kCancelled, "the run was cancelled");
        continue;
      }
      failure = decision.failure;
    }
    if (outcome) {
      packed_ = std::move(outcome->packed);
      OSIRIS_TRY(host_.deliver("result", outcome->result));
    }
    return failure ? Status(*failure) : Status();
  }
}

osiris_status E2bAdapter::execute(const osiris_request* from) {
  const auto request = sdk::read_request(from);
  if (!request) return host_.fail(request.error());
  const Status status = execute(*request);
  succeeded_ = status.ok();
  if (status) return OSIRIS_OK;
  const Error& error = status.error();
  if (error.code != Code::kStepFailed) release_now();
  const auto detail = parse_json(error.detail);
  return host_.fail(error, detail ? *detail : Json());
}

osiris_status E2bAdapter::collect(const osiris_request* from) {
  const auto request = sdk::read_request(from);
  if (!request) return host_.fail(request.error());
  Status status;
  Fetched fetched;
  if (session_ && session_->is_held() && packed_) {
    const int64_t started_ns = system_clock().monotonic_ns();
    auto result = fetch_artifacts(*envd_, *packed_, *request, {.retry_budget = http::Milliseconds(config_.retry_budget_ms)},
                                  [this](http::Milliseconds wait) { return sleep(wait); }, cancelled_);
    if (result) {
      fetched = *std::move(result);
      const int64_t copy_ms = elapsed_ms(started_ns);
      host_.event("artifacts_collected", {},
                  Json::object({{"files", fetched.files}, {"bytes", fetched.bytes_on_the_wire}, {"duration_ms", copy_ms}}));
      metric("artifacts_copy_ms", "ms", copy_ms);
      metric("artifacts_files_total", "files", static_cast<int64_t>(fetched.files));
      metric("artifacts_bytes_total", "bytes", static_cast<int64_t>(fetched.bytes));
    } else {
      status = result.error();
    }
  } else if (succeeded_) {
    status = make_failure(FailureClass::kSandboxError, "the run's outputs cannot be fetched: nothing says what was packed, or the sandbox is no more",
                          "Run again.");
  }
  if (session_) {
    const Status released = session_->release(released_, config_.keep && status.ok());
    if (status && !released) status = released.error();
  }
  if (service_) metric("remote_calls", "calls", static_cast<int64_t>(service_->watched.calls()));
  if (status) status = host_.deliver("artifacts", sdk::artifacts_document(fetched.outputs, released_));
  if (status) return OSIRIS_OK;
  const auto detail = parse_json(status.error().detail);
  return host_.fail(status.error(), detail ? *detail : Json());
}

// The way out of every failure: what is held is given back now, and what could not be is said.
void E2bAdapter::release_now() {
  if (!session_) return;
  if (const Status released = session_->release(released_, false); !released) host_.log(OSIRIS_ERROR, released.error().message);
}

}  // namespace osiris::e2b
