#include "plugins/local/adapter.h"

#include <pwd.h>
#include <unistd.h>

#include <system_error>
#include <utility>

#include "plugins/sdk/abi/shown_options.h"
#include "plugins/sdk/channel/process_channel.h"
#include "plugins/sdk/channel/worker_environment.h"
#include "plugins/sdk/package/artifacts.h"
#include "plugins/sdk/package/run_package.h"
#include "plugins/sdk/run/worker_run.h"

namespace osiris::local {
namespace {

namespace fs = std::filesystem;

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

}  // namespace

void LocalAdapter::configure(const std::vector<plugin::Setting>& settings) {
  plugin::apply(kRows, settings, config_);
  shown_options_ = sdk::shown_options(kOptions, settings);
}

Status LocalAdapter::check(const sdk::RunRequest& request) const {
  OSIRIS_TRY(check_worker(request.worker_path));
  OSIRIS_TRY(sdk::environment_names(config_));
  std::error_code error;
  if (!fs::is_directory(request.work_dir, error))
    return Error(Code::kInvalidArgument, "the work directory " + request.work_dir.string() + " is not a directory");
  return {};
}

void LocalAdapter::validate(const plugin::Request& request) {
  sdk::check_or_throw(check(sdk::value_or_throw(sdk::read_request(request))));
}

std::string LocalAdapter::prepare(const plugin::Request& from) {
  const sdk::RunRequest request = sdk::value_or_throw(sdk::read_request(from));
  sdk::PackageOptions options;
  options.hash_inputs = false;
  options.environment_names = sdk::value_or_throw(sdk::environment_names(config_));
  options.options = shown_options_;
  return sdk::value_or_throw(sdk::prepared_document(request, options)).dump();
}

Result<sdk::RunOutcome> LocalAdapter::run(const sdk::RunRequest& request) {
  OSIRIS_TRY(check_worker(request.worker_path));
  sdk::WireLog wire_log;
  OSIRIS_TRY(sdk::open_wire_log(request, wire_log));
  const std::string home = home_directory();
  sdk::Opening opening =
      sdk::worker_opening(request, {.environment = config_,
                                    .install_deps = config_.install_deps,
                                    .cache_dir = request.settings["cache_dir"].as_string_or(home + "/.cache/osiris")});
  sdk::RunLoopOptions options = sdk::worker_loop_options(request, opening, request.worker_path.string());
  options.open_after_hello = true;  // costs nothing on a pipe
  options.cancel_grace_ms = static_cast<int64_t>(config_.grace_s * 1000);

  OSIRIS_ASSIGN(const auto channel, sdk::ProcessChannel::start({.path = request.worker_path,
                                                                .arguments = {},
                                                                .environment = sdk::worker_environment(home),
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
  const sdk::RunRequest request = sdk::value_or_throw(sdk::read_request(from));
  sdk::RunOutcome outcome = sdk::value_or_throw(run(request));
  artifacts_ = std::move(outcome.artifacts);
  std::error_code ignored;  // a worker that was killed could not remove it
  fs::remove_all(request.session_dir / ".worker", ignored);
  plugin::RunResult result{outcome.result.dump(), std::nullopt};
  if (!outcome.status) result.failure = sdk::to_failure(outcome.status.error());
  return result;
}

std::string LocalAdapter::collect(const plugin::Request&) {
  return sdk::artifacts_document(artifacts_, Json::array()).dump();
}

}  // namespace osiris::local
