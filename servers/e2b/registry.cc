#include "servers/e2b/registry.h"

#include <algorithm>

#include "protocol/base/clock.h"
#include "protocol/base/file.h"
#include "servers/e2b/auth.h"
#include "servers/e2b/command.h"
#include "servers/e2b/create_request.h"
#include "servers/e2b/layer.h"

namespace osiris::e2b_server {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr auto kTimerStepMax = std::chrono::seconds(3600);

ApiError unknown(const std::string& id) {
  return {404, "Sandbox \"" + id + "\" doesn't exist or you don't have access to it", {}};
}

ApiError transitioning(const std::string& id) {
  return {409, "Sandbox '" + id + "' is changing its state", "sandbox_start_in_flight"};
}

}  // namespace

Registry::Registry(const Options& options, const Isolation& isolation, ServerClock& clock, TemplateStore& templates,
                   NetworkManager* network)
    : options_(options), isolation_(isolation), clock_(clock), templates_(templates), network_(network) {
  timer_ = std::thread([this] { timer_loop(); });
}

Registry::~Registry() { shut_down(); }

void Registry::shut_down() {
  std::vector<std::weak_ptr<Sandbox>> launched;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    launched.swap(launched_);
  }
  changed_.notify_all();
  if (timer_.joinable()) timer_.join();
  for (const SandboxInfo& info : list()) kill(info.id);
  for (const auto& weak : launched)
    if (const auto sandbox = weak.lock()) sandbox->destroy();
}

Api<SandboxInfo> Registry::describe(const CreateSpec& spec) const {
  const Json& body = spec.body;
  if (auto wrong = check_create(body)) return *wrong;
  if (auto wrong = check_proxy_host(body["network"], options_.names)) return *wrong;
  const int64_t timeout_s = body["timeout"].as_int(spec.timeout_default_s);
  if (auto wrong = check_timeout(timeout_s, options_.life_max_s)) return *wrong;
  auto image = templates_.resolve(body["templateID"].as_string());
  if (!image.ok()) return image.error();
  SandboxInfo info;
  info.id = new_sandbox_id();
  info.image = *std::move(image);
  info.request = body;
  if (body["secure"].as_bool(spec.secure_default)) info.token = hmac_hex(seed_, info.id);
  info.network = body["network"];
  if (!info.network["allowPublicTraffic"].as_bool(true)) {
    if (info.token.empty()) return ApiError{400, "allowPublicTraffic: false needs a secured sandbox", {}};
    info.traffic_token = hmac_hex(seed_, "sandbox-traffic-" + info.id);
  }
  if (body["metadata"].is_object()) info.metadata = body["metadata"];
  info.allow_internet = body["allow_internet_access"].as_bool(true);
  info.auto_pause = body["autoPause"].as_bool(false);
  info.auto_pause_memory = body["autoPauseMemory"].as_bool(true);
  info.auto_resume = body["autoResume"]["enabled"].as_bool(false);
  info.envs = Json::object({{"E2B_SANDBOX", "true"},
                            {"E2B_SANDBOX_ID", info.id},
                            {"E2B_TEMPLATE_ID", info.image.template_id},
                            {"E2B_TEAM_ID", "00000000-0000-4000-8000-000000000001"}});
  for (const auto& [name, value] : body["envVars"].members()) info.envs.set(name, value);
  info.timeout_s = timeout_s;
  return info;
}

// Far enough from the last sandbox's for its processes not to reach it; the second round falls between the numbers of
// the first.
int Registry::next_first_pid() {
  constexpr int64_t kFirst = 1000, kStep = 997, kKernelDefault = 32768;
  const auto pid_max = read_file("/proc/sys/kernel/pid_max");
  const int64_t range = (pid_max.ok() ? std::atoll(pid_max->c_str()) : kKernelDefault) - 2 * kFirst;
  std::lock_guard lock(mutex_);
  return static_cast<int>(kFirst + launches_++ * kStep % std::max<int64_t>(range, 1));
}

Result<std::shared_ptr<Sandbox>> Registry::launch(const std::string& id, const std::filesystem::path& directory,
                                                  bool own_network) {
  InitConfig config;
  config.root = (directory / "root").string();
  config.usr_local = (directory / "usr-local").string();
  config.hostname = id.empty() ? "e2b" : "e2b.local";
  config.namespaces = isolation_.namespaces;
  config.id_base = isolation_.namespaces ? isolation_.id_base : 0;
  config.own_network = own_network && isolation_.namespaces;
  config.first_pid = isolation_.namespaces ? next_first_pid() : 0;
  auto sandbox = Sandbox::launch(config, directory);
  if (!sandbox.ok()) {
    [[maybe_unused]] const Status removed = remove_layer(directory);
    return sandbox;
  }
  std::lock_guard lock(mutex_);
  std::erase_if(launched_, [](const auto& weak) { return weak.expired(); });
  launched_.push_back(*sandbox);
  if (!stopping_) return sandbox;
  (*sandbox)->destroy();
  return Error(Code::kUnavailable, "the server is shutting down");
}

std::optional<ApiError> Registry::bring_up(SandboxInfo& info) {
  const auto directory = fresh_directory(info.id);
  const Status copied =
      templates_.with_layer(info.image, [&](const auto& layer) { return copy_layer(layer, directory); });
  if (!copied.ok()) {
    [[maybe_unused]] const Status removed = remove_layer(directory);
    return ApiError{500, "Failed to start sandbox: " + copied.error().message, "sandbox_create_failed"};
  }
  const EgressRules rules = egress_rules(info.network, info.allow_internet);
  const bool sealed = !rules.all && rules.allow.empty();
  auto sandbox = launch(info.id, directory, network_ || sealed);
  if (!sandbox.ok())
    return ApiError{500, "Failed to start sandbox: " + sandbox.error().message, "sandbox_create_failed"};
  info.sandbox = *sandbox;
  if (network_) {
    const Status attached = network_->attach(info.id, info.sandbox->host_pid(), rules);
    if (!attached.ok())
      return ApiError{500, "Failed to start sandbox: " + attached.error().message, "sandbox_create_failed"};
  }
  return run_start_command(info);
}

// A real sandbox wakes with the start command running; here it is started, and awaited as the template says.
std::optional<ApiError> Registry::run_start_command(const SandboxInfo& info) {
  if (info.image.start_cmd.empty()) return std::nullopt;
  const ImageSpec& image = info.image;
  auto started =
      info.sandbox->start(shell_spec({image.start_cmd, image.user, image.workdir, image.env}), Json::object());
  if (started.error)
    return ApiError{500, "Failed to start sandbox: " + started.error->message, "sandbox_create_failed"};
  started.value->start(std::nullopt);
  if (image.ready_cmd.empty()) return std::nullopt;
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < give_up) {
    const CommandEnd end =
        run_command(*info.sandbox, {image.ready_cmd, image.user, image.workdir, image.env}, [](std::string_view) {});
    if (end.ok()) return std::nullopt;
    if (!end.was_run) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return ApiError{500, "Failed to start sandbox: its start command did not become ready", "sandbox_create_failed"};
}

Api<SandboxInfo> Registry::create(const CreateSpec& spec) {
  auto described = describe(spec);
  if (!described.ok()) return described.error();
  SandboxInfo info = *std::move(described);
  {
    std::lock_guard lock(mutex_);
    if (auto full = check_room()) return *full;
    ++starting_;
  }
  auto failed = bring_up(info);
  if (failed && info.sandbox) {
    if (network_) network_->detach(info.id);
    info.sandbox->destroy();
  }
  std::lock_guard lock(mutex_);
  --starting_;
  if (!failed && stopping_) failed = ApiError{503, "the server is shutting down", {}};
  if (failed) return *failed;
  info.started_ns = clock_.unix_ns();
  info.end_ns = info.started_ns + info.timeout_s * kSecond;
  Record record;
  record.info = info;
  records_[info.id] = std::move(record);
  logs_.open(info.id);
  ++created_;
  templates_.count_spawn(info.image.template_id);
  changed_.notify_all();
  return info;
}

// Paused sandboxes do not count.
std::optional<ApiError> Registry::check_room() const {
  const auto is_running = [](const auto& item) { return item.second.info.state == SandboxState::kRunning; };
  if (starting_ + std::count_if(records_.begin(), records_.end(), is_running) < options_.sandboxes_max)
    return std::nullopt;
  return ApiError{429,
                  "you have reached the maximum number of concurrent E2B sandboxes (" +
                      std::to_string(options_.sandboxes_max) + ")",
                  {}};
}

std::optional<SandboxInfo> Registry::find(const std::string& id) const {
  std::lock_guard lock(mutex_);
  const auto found = records_.find(id.substr(0, id.find('-')));
  return found == records_.end() ? std::nullopt : std::optional(found->second.info);
}

std::optional<SandboxInfo> Registry::find_by_token_test(const std::function<bool(const SandboxInfo&)>& accepts) const {
  for (const SandboxInfo& info : list())
    if (!info.token.empty() && accepts(info)) return info;
  return std::nullopt;
}

std::vector<SandboxInfo> Registry::list() const {
  std::lock_guard lock(mutex_);
  std::vector<SandboxInfo> out;
  for (const auto& [id, record] : records_) out.push_back(record.info);
  return out;
}

bool Registry::kill(const std::string& id) {
  std::shared_ptr<Sandbox> sandbox;
  {
    std::lock_guard lock(mutex_);
    const auto found = records_.find(id.substr(0, id.find('-')));
    if (found == records_.end()) return false;
    sandbox = found->second.info.sandbox;
    records_.erase(found);
  }
  if (network_) network_->detach(id);
  sandbox->destroy();
  return true;
}

std::optional<ApiError> Registry::set_timeout(const std::string& id, int64_t timeout_s, bool extend_only) {
  std::lock_guard lock(mutex_);
  const auto found = records_.find(id);
  if (found == records_.end()) return unknown(id);
  if (found->second.info.changing) return transitioning(id);
  SandboxInfo& info = found->second.info;
  // The whole life is limited, not the rest of it: what would go beyond is cut down without a word.
  const int64_t now_ns = clock_.unix_ns(), latest_ns = info.started_ns + options_.life_max_s * kSecond;
  if (now_ns > latest_ns) return ApiError{400, "Max instance length exceeded", {}};
  const int64_t end_ns = std::min(now_ns + std::min(timeout_s, options_.life_max_s) * kSecond, latest_ns);
  info.end_ns = extend_only ? std::max(info.end_ns, end_ns) : end_ns;
  changed_.notify_all();
  return std::nullopt;
}

std::optional<ApiError> Registry::pause(const std::string& id, bool keep_memory) {
  std::shared_ptr<Sandbox> sandbox;
  {
    std::lock_guard lock(mutex_);
    const auto found = records_.find(id);
    if (found == records_.end()) return unknown(id);
    if (found->second.info.changing) return transitioning(id);
    if (found->second.info.state == SandboxState::kPaused)
      return ApiError{409, "Error pausing sandbox - sandbox '" + id + "' is already paused", {}};
    found->second.info.changing = true;
    found->second.info.state = SandboxState::kPaused;
    sandbox = found->second.info.sandbox;
  }
  if (!keep_memory)  // a reboot at resume: no process survives
    for (const auto& process : sandbox->running()) sandbox->signal(process->pid(), 9);
  sandbox->freeze();
  std::lock_guard lock(mutex_);
  if (const auto found = records_.find(id); found != records_.end()) found->second.info.changing = false;
  return std::nullopt;
}

Api<bool> Registry::resume(const std::string& id, int64_t timeout_s, std::optional<bool> auto_pause) {
  std::lock_guard lock(mutex_);
  const auto found = records_.find(id);
  if (found == records_.end()) return unknown(id);
  if (found->second.info.changing) return transitioning(id);
  SandboxInfo& info = found->second.info;
  const bool was_paused = info.state == SandboxState::kPaused;
  const int64_t now_ns = clock_.unix_ns();
  if (auto wrong = check_timeout(timeout_s, options_.life_max_s)) return *wrong;
  if (was_paused) {
    if (auto full = check_room()) return *full;
    info.sandbox->thaw();
    info.state = SandboxState::kRunning;
    info.auto_pause = auto_pause.value_or(info.auto_pause);
    info.started_ns = now_ns;
    info.end_ns = now_ns + timeout_s * kSecond;
  } else {
    info.end_ns =
        std::max(info.end_ns, std::min(now_ns + timeout_s * kSecond, info.started_ns + options_.life_max_s * kSecond));
  }
  changed_.notify_all();
  return was_paused;
}

std::optional<ApiError> Registry::set_network(const std::string& id, const Json& body) {
  if (auto wrong = check_egress(body)) return wrong;
  if (auto wrong = check_proxy_host(body, options_.names)) return wrong;
  std::lock_guard lock(mutex_);
  const auto found = records_.find(id);
  if (found == records_.end()) return unknown(id);
  found->second.info.network = body;
  found->second.info.allow_internet = body["allow_internet_access"].as_bool(true);
  if (!network_) return std::nullopt;
  const Status changed = network_->change(id, egress_rules(body, found->second.info.allow_internet));
  if (!changed.ok()) return ApiError{500, changed.error().message, {}};
  return std::nullopt;
}

// Nothing moves meanwhile, or a file that vanishes would spoil the copy.
Api<std::filesystem::path> Registry::copy_files(const SandboxInfo& info) {
  {
    std::lock_guard lock(mutex_);
    const auto found = records_.find(info.id);
    if (found == records_.end()) return unknown(info.id);
    if (found->second.info.changing) return transitioning(info.id);
    found->second.info.changing = true;
  }
  const std::filesystem::path copy = fresh_directory("copy-" + random_hex(8));
  if (info.state == SandboxState::kRunning) info.sandbox->stop_processes();
  const Status copied = copy_layer(info.sandbox->directory(), copy);
  if (info.state == SandboxState::kRunning) info.sandbox->thaw();
  {
    std::lock_guard lock(mutex_);
    if (const auto found = records_.find(info.id); found != records_.end()) found->second.info.changing = false;
  }
  if (copied.ok()) return copy;
  [[maybe_unused]] const Status removed = remove_layer(copy);
  return ApiError{500, "copying the sandbox's files: " + copied.error().message, {}};
}

Api<Json> Registry::sample_metrics(const std::string& id) {
  auto info = find(id);
  if (!info) return unknown(id);
  Reply usage;
  if (info->state == SandboxState::kRunning) usage = info->sandbox->call(Json::object({{"op", "usage"}}));
  const uint64_t disk_used = layer_size_bytes(info->sandbox->directory());
  std::lock_guard lock(mutex_);
  const auto found = records_.find(id);
  if (found == records_.end()) return unknown(id);
  Record& record = found->second;
  if (usage.error || info->state == SandboxState::kPaused) return record.samples.all();
  record.samples.take(usage.ok, disk_used, info->image.shape, record.info.started_ns, clock_.unix_ns());
  return record.samples.all();
}

void Registry::clock_jumped() { changed_.notify_all(); }

uint64_t Registry::created_count() const {
  std::lock_guard lock(mutex_);
  return created_;
}

int64_t Registry::running_count() const {
  std::lock_guard lock(mutex_);
  return std::count_if(records_.begin(), records_.end(),
                       [](const auto& item) { return item.second.info.state == SandboxState::kRunning; });
}

void Registry::expire(const std::string& id, bool pause_it) {
  // Gone meanwhile is as good.
  const auto info = find(id);
  if (pause_it && info) [[maybe_unused]]
    const auto ignored = pause(id, info->auto_pause_memory);
  else
    kill(id);
}

void Registry::timer_loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const int64_t now_ns = clock_.unix_ns();
    std::vector<std::pair<std::string, bool>> over;
    auto wait = std::chrono::nanoseconds(kTimerStepMax);
    for (const auto& [id, record] : records_) {
      if (record.info.state == SandboxState::kPaused) continue;
      if (record.info.end_ns <= now_ns)
        over.emplace_back(id, record.info.auto_pause);
      else
        wait = std::min(wait, std::chrono::nanoseconds(record.info.end_ns - now_ns));
    }
    if (over.empty()) {
      changed_.wait_for(lock, wait);
      continue;
    }
    lock.unlock();
    for (const auto& [id, pause_it] : over) expire(id, pause_it);
    lock.lock();
  }
}

}  // namespace osiris::e2b_server
