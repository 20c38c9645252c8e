#include "plugins/local/adapter.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "plugins/local/process_channel.h"
#include "plugins/sdk/artifacts.h"
#include "plugins/sdk/run_package.h"

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

}  // namespace

osiris_status LocalAdapter::configure(const osiris_setting* settings, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const std::string_view name = sdk::view(settings[i].name);
    const std::string value(sdk::view(settings[i].value));
    if (name == "env") {
      options_.environment.pairs.push_back(value);
    } else if (name == "env-from") {
      options_.environment.files.push_back(value);
    } else if (name == "pass-env") {
      options_.environment.pass.push_back(value);
    } else if (name == "install-deps") {
      options_.install_deps = value == "true";
    } else if (name == "grace") {
      options_.grace_s = std::strtod(value.c_str(), nullptr);
    } else {
      return host_.fail(Error(Code::kInvalidArgument, "local has no option \"" + std::string(name) + "\""));
    }
    if (name != "env") shown_options_.emplace_back(name, value);
  }
  return OSIRIS_OK;
}

Status LocalAdapter::check(const sdk::RunRequest& request) const {
  OSIRIS_TRY(check_worker(request.worker_path));
  OSIRIS_TRY(sdk::environment_names(options_.environment));
  std::error_code error;
  if (!fs::is_directory(request.work_dir, error))
    return Error(Code::kInvalidArgument, "the work directory " + request.work_dir.string() + " is not a directory");
  return {};
}

osiris_status LocalAdapter::validate(const osiris_request* from) {
  const auto request = sdk::read_request(from);
  if (!request) return host_.fail(request.error());
  if (const Status status = check(*request); !status) return host_.fail(status.error());
  return OSIRIS_OK;
}

osiris_status LocalAdapter::prepare(const osiris_request* from) {
  const auto request = sdk::read_request(from);
  if (!request) return host_.fail(request.error());
  const auto names = sdk::environment_names(options_.environment);
  if (!names) return host_.fail(names.error());
  const auto document =
      sdk::prepared_document(*request, {.hash_inputs = false, .environment_names = *names, .options = shown_options_});
  if (!document) return host_.fail(document.error());
  if (const Status status = host_.deliver("prepared", *document); !status) return host_.fail(status.error());
  return OSIRIS_OK;
}

Result<sdk::RunOutcome> LocalAdapter::run(const sdk::RunRequest& request) {
  OSIRIS_TRY(check_worker(request.worker_path));
  sdk::WireLog wire_log;
  if (request.settings["rpc_debug"].as_bool()) OSIRIS_TRY(wire_log.open(request.adapter_dir() / "rpc.log"));

  const std::string home = home_directory();
  sdk::Opening opening;
  opening.prepare = request.prepare_params();
  opening.prepare.settings.install_deps = options_.install_deps;
  opening.prepare.settings.cache_dir = home + "/.cache/osiris";
  opening.secret_names = request.connection_secrets();
  opening.environment = options_.environment;
  for (const Json& step : request.steps()) opening.step_ids.push_back(step["id"].as_string());

  sdk::RunLoopOptions options;
  options.open_after_hello = true;  // costs nothing on a pipe
  options.cancel_grace_ms = static_cast<int64_t>(options_.grace_s * 1000);
  options.silence_ms = std::max<int64_t>(options.silence_ms, 3 * int64_t{opening.prepare.settings.heartbeat_ms});
  options.deadline_unix_ns = request.deadline_unix_ns;
  options.worker_name = request.worker_path.string();

  OSIRIS_ASSIGN(const auto channel, ProcessChannel::start({.path = request.worker_path,
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

osiris_status LocalAdapter::execute(const osiris_request* from) {
  const auto request = sdk::read_request(from);
  if (!request) return host_.fail(request.error());
  auto outcome = run(*request);
  if (!outcome) return host_.fail(outcome.error());
  artifacts_ = std::move(outcome->artifacts);
  std::error_code ignored;  // a worker that was killed could not remove it
  fs::remove_all(request->session_dir / ".worker", ignored);
  if (const Status status = host_.deliver("result", outcome->result); !status) return host_.fail(status.error());
  if (!outcome->status) return host_.fail(outcome->status.error(), outcome->detail);
  return OSIRIS_OK;
}

osiris_status LocalAdapter::collect(const osiris_request*) {
  Status status = sdk::verify_artifacts(artifacts_);
  if (status) status = host_.deliver("artifacts", sdk::artifacts_document(artifacts_, Json::array()));
  if (!status) return host_.fail(status.error());
  return OSIRIS_OK;
}

}  // namespace osiris::local
