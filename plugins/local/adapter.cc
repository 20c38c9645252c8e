#include "plugins/local/adapter.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "plugins/sdk/channel/process_channel.h"
#include "plugins/sdk/package/artifacts.h"
#include "plugins/sdk/package/run_package.h"

namespace osiris::local {
namespace {

namespace fs = std::filesystem;

// The worker's whole environment, the same wherever a pipeline runs (decision 13); variables lent by the user reach the
// steps that start processes through the protocol, not through here.
std::vector<std::pair<std::string, std::string>> worker_environment(const std::string& home) {
  return {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
          {"HOME", home},
          {"TZ", "UTC"},
          {"LC_ALL", "C"}};
}

// From the user database: an adapter reads no environment.
std::string home_directory() {
  std::string buffer(16384, '\0');
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(::getuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found && found->pw_dir &&
      *found->pw_dir)
    return found->pw_dir;
  return "/";
}

Status check_worker(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  const std::string reinstall = "Install osiris again, or build the target osiris-worker.";
  if (path.empty() || status.type() == fs::file_type::not_found)
    return Error(Code::kNotFound, "the worker binary " + path.string() + " does not exist", reinstall);
  if (!fs::is_regular_file(status) || ::access(path.c_str(), X_OK) != 0)
    return Error(Code::kInvalidArgument, "the worker binary " + path.string() + " is not an executable file",
                 reinstall);
  return {};
}

Json process_event(pid_t pid) { return Json::object({{"kind", "process"}, {"id", std::to_string(pid)}}); }

// Inside osiris errors are values; the public C++ header wants them thrown.
void check_or_throw(const Status& status) {
  if (!status) throw sdk::to_failure(status.error());
}
template <class T>
T value_or_throw(Result<T> result) {
  if (!result) throw sdk::to_failure(result.error());
  return *std::move(result);
}

}  // namespace

void LocalAdapter::configure(const std::vector<plugin::Setting>& settings) {
  for (const auto& [name, value] : settings) {
    if (name == "env") {
      environment_.pairs.emplace_back(value);
      continue;  // its values are shown nowhere
    }
    if (name == "env-from") {
      environment_.files.emplace_back(value);
    } else if (name == "pass-env") {
      environment_.pass.emplace_back(value);
    } else if (name == "install-deps") {
      install_deps_ = value == "true";
    } else if (name == "grace") {
      grace_ms_ = static_cast<int64_t>(std::strtod(std::string(value).c_str(), nullptr) * 1000);
    } else {
      throw plugin::Failure(OSIRIS_INVALID_ARGUMENT, "local has no option \"" + std::string(name) + "\"");
    }
    shown_options_.emplace_back(name, value);
  }
}

Status LocalAdapter::check(const sdk::RunRequest& request) const {
  OSIRIS_TRY(check_worker(request.worker_path));
  OSIRIS_TRY(sdk::environment_names(environment_));
  std::error_code error;
  if (!fs::is_directory(request.work_dir, error))
    return Error(Code::kInvalidArgument, "the work directory " + request.work_dir.string() + " is not a directory");
  return {};
}

void LocalAdapter::validate(const plugin::Request& request) {
  check_or_throw(check(value_or_throw(sdk::read_request(request))));
}

std::string LocalAdapter::prepare(const plugin::Request& from) {
  const sdk::RunRequest request = value_or_throw(sdk::read_request(from));
  sdk::PackageOptions options;
  options.hash_inputs = false;
  options.environment_names = value_or_throw(sdk::environment_names(environment_));
  options.options = shown_options_;
  return value_or_throw(sdk::prepared_document(request, options)).dump();
}

Result<sdk::RunOutcome> LocalAdapter::run(const sdk::RunRequest& request) {
  OSIRIS_TRY(check_worker(request.worker_path));
  sdk::WireLog wire_log;
  if (request.settings["rpc_debug"].as_bool()) OSIRIS_TRY(wire_log.open(request.adapter_dir() / "rpc.log"));

  const std::string home = home_directory();
  sdk::Opening opening;
  opening.prepare = request.prepare_params();
  opening.prepare.settings.install_deps = install_deps_;
  opening.prepare.settings.cache_dir = request.settings["cache_dir"].as_string_or(home + "/.cache/osiris");
  opening.secret_names = request.connection_secrets();
  opening.environment = environment_;
  for (const Json& step : request.steps()) opening.step_ids.push_back(step["id"].as_string());

  sdk::RunLoopOptions options;
  options.open_after_hello = true;  // costs nothing on a pipe
  options.cancel_grace_ms = grace_ms_;
  options.silence_ms = std::max<int64_t>(options.silence_ms, 3 * int64_t{opening.prepare.settings.heartbeat_ms});
  options.deadline_monotonic_ns = request.deadline_monotonic_ns;
  options.worker_name = request.worker_path.string();

  OSIRIS_ASSIGN(const auto channel, sdk::ProcessChannel::start({.path = request.worker_path,
                                                           .arguments = {},
                                                           .environment = worker_environment(home),
                                                           .working_directory = request.work_dir},
                                                          waker_));
  Json acquired = process_event(channel->pid());
  acquired.set("expires", "");
  acquired.set("cleanup", "It ends with osiris; if it is still there: kill -9 -" + std::to_string(channel->pid()));
  host_.event("resource_acquired", {}, acquired);
  sdk::RunLoop loop(host_, *channel, waker_, wire_log, std::move(options));
  sdk::RunOutcome outcome = loop.run(request.steps(), std::move(opening));

  Json released = process_event(channel->pid());
  released.set("verified", outcome.worker_exit.has_value());
  host_.event("resource_released", {}, released);
  return outcome;
}

plugin::RunResult LocalAdapter::execute(const plugin::Request& from) {
  const sdk::RunRequest request = value_or_throw(sdk::read_request(from));
  sdk::RunOutcome outcome = value_or_throw(run(request));
  artifacts_ = std::move(outcome.artifacts);
  std::error_code ignored;  // a worker that was killed could not remove it
  fs::remove_all(request.session_dir / ".worker", ignored);
  plugin::RunResult result{outcome.result.dump(), std::nullopt};
  if (!outcome.status) result.failure = sdk::to_failure(outcome.status.error(), outcome.detail);
  return result;
}

std::string LocalAdapter::collect(const plugin::Request&) {
  return sdk::artifacts_document(artifacts_, Json::array()).dump();
}

}  // namespace osiris::local
