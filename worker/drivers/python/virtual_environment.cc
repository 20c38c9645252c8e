#include "worker/drivers/python/virtual_environment.h"

#include <errno.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <system_error>
#include <thread>

#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "protocol/base/file_lock.h"
#include "protocol/base/sha256.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"
#include "worker/driver_api/step_cancelled.h"
#include "worker/drivers/program/output_lines.h"
#include "worker/drivers/python/pip.h"

namespace osiris::worker::python {
namespace {

namespace fs = std::filesystem;

constexpr int kKeyVersion = 1;  // raised when environments are made in another way
constexpr auto kLockPoll = std::chrono::milliseconds(50);

Json texts(const std::vector<std::string>& list) {
  Json array = Json::array();
  for (const std::string& text : list) array.push_back(text);
  return array;
}

struct Place {
  fs::path home;  // <cache>/python/<key>
  FileLock lock;

  fs::path environment() const { return home / "env"; }
  fs::path mark() const { return home / "ready"; }
};

// What the mark says, if the environment is whole.
std::optional<Json> finished(const Place& place) {
  std::error_code error;
  const auto text = read_file(place.mark());
  if (!text || !fs::exists(place.environment() / "bin/python", error)) return std::nullopt;
  auto mark = parse_json(*text);
  return mark ? std::optional<Json>(*std::move(mark)) : std::nullopt;
}

// Locked; kInvalidArgument or so where this user cannot write.
Result<FileLock> lock(const fs::path& file, const ProcessEnvironment& around) {
  OSIRIS_TRY(make_directories(file.parent_path()));
  for (bool said = false;;) {
    OSIRIS_ASSIGN(std::optional<FileLock> held, FileLock::try_take(file, 0600));
    if (held) return *std::move(held);
    if (around.is_cancelled()) return step_cancelled();
    if (!said) around.log("another run is making this environment: waiting for it");
    said = true;
    std::this_thread::sleep_for(kLockPoll);
  }
}

Error not_installed(const std::vector<std::string>& requirements) {
  return Error(Code::kUnsupported,
               "the step's requirements are not installed, and installing is off: " + join(requirements, ", "),
               "Run again with --local-install-deps or, in a sandbox, --e2b-install-deps (install_deps in "
               "osiris.yaml): they are "
               "installed once, in an environment of their own, and found again.",
               category::kRuntimeDependencyFailed);
}

Status make_environment(const VirtualEnvironmentRequest& request, const Place& place,
                        const ProcessEnvironment& around) {
  program::LastLines last;
  program::ProcessRequest venv;
  venv.arguments = {request.interpreter.path, "-I", "-m", "venv"};
  if (request.requirements.empty()) venv.arguments.push_back("--without-pip");
  venv.arguments.push_back(place.environment().string());
  venv.environment = around.base;
  venv.working_directory = place.home;
  venv.supervisor = around.supervisor;
  venv.on_output = venv.on_error = [&last](std::string_view line) {
    if (!trim(line).empty()) last.add(printable_line(line));
  };
  venv.is_cancelled = around.is_cancelled;
  OSIRIS_ASSIGN(const ExitStatus exit, program::run_process(venv));
  if (exit.success()) return {};
  return Error(
      Code::kUnsupported,
      "cannot make a virtual environment with " + request.interpreter.path + ": it " + exit.describe() + last.text(),
      "On Debian the package python3-venv is needed; in a sandbox a template or an image that has it.",
      category::kSystemResourceUnavailable);
}

// Removes what was begun unless told that it is whole.
class DirectoryRollback {
 public:
  explicit DirectoryRollback(fs::path directory) : directory_(std::move(directory)) {}
  ~DirectoryRollback() {
    std::error_code ignored;
    if (!directory_.empty()) fs::remove_all(directory_, ignored);
  }
  void keep() { directory_.clear(); }

 private:
  fs::path directory_;
};

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

class VirtualEnvironmentBuild {
 public:
  VirtualEnvironmentBuild(const VirtualEnvironmentRequest& request, const ProcessEnvironment& around)
      : request_(request),
        around_(around),
        key_(environment_key(request.interpreter, request.requirements)),
        started_ms_(now_ms()) {}

  Result<VirtualEnvironment> run() {
    Place place;
    if (!request_.cache_dir.empty()) {
      place.home = request_.cache_dir / "python" / key_;
      if (const auto mark = finished(place)) return found(place, *mark);
    }
    check({}, request_.requirements);
    if (!request_.requirements.empty() && !request_.may_install) return not_installed(request_.requirements);
    if (const Status taken = take(place); !taken) return taken.error();
    if (const auto mark = finished(place)) return found(place, *mark);  // another run was quicker
    return make(place);
  }

 private:
  // Locks the place in the cache; where the cache cannot be used, a directory of the step's own is the place.
  Status take(Place& place) {
    if (!place.home.empty()) {
      auto held = lock(place.home.string() + ".lock", around_);
      if (held) {
        place.lock = *std::move(held);
        return {};
      }
      if (held.error().code == Code::kCancelled || request_.spare_dir.empty()) return held.error();
      around_.log("the cache of environments cannot be used: " + held.error().message);
    }
    place.home = request_.spare_dir / "python" / key_;
    return {};
  }

  Result<VirtualEnvironment> make(const Place& place) {
    DirectoryRollback unfinished(place.home);
    std::error_code error;
    fs::remove_all(place.home, error);
    OSIRIS_TRY(make_directories(place.home));
    OSIRIS_TRY(make_environment(request_, place, around_));
    std::vector<std::string> packages;
    if (!request_.requirements.empty()) {
      OSIRIS_ASSIGN(packages, install_with_pip(place.environment(), place.home, request_.requirements, around_));
    }
    const Json mark = Json::object({{"python", request_.interpreter.version},
                                    {"requirements", texts(request_.requirements)},
                                    {"packages", texts(packages)}});
    OSIRIS_TRY(write_file_atomically(place.mark(), mark.dump() + "\n", {.durable = true}));
    unfinished.keep();
    return ready(place, mark, false);
  }

  Result<VirtualEnvironment> found(const Place& place, const Json& mark) {
    check(request_.requirements, {});
    return ready(place, mark, true);
  }

  void check(const std::vector<std::string>& present, const std::vector<std::string>& missing) {
    if (checked_ || request_.requirements.empty()) return;
    checked_ = true;
    around_.event("dependency_check", Json::object({{"required", texts(request_.requirements)},
                                                    {"present", texts(present)},
                                                    {"missing", texts(missing)}}));
  }

  Result<VirtualEnvironment> ready(const Place& place, const Json& mark, bool cached) {
    around_.event("environment_ready", Json::object({{"environment", key_},
                                                     {"python", request_.interpreter.version},
                                                     {"cached", cached},
                                                     {"packages", mark["packages"]},
                                                     {"duration_ms", now_ms() - started_ms_}}));
    return VirtualEnvironment{place.environment()};
  }

  const VirtualEnvironmentRequest& request_;
  const ProcessEnvironment& around_;
  const std::string key_;
  const int64_t started_ms_;
  bool checked_ = false;
};

}  // namespace

std::string environment_key(const Interpreter& interpreter, const std::vector<std::string>& requirements) {
  const Json content =
      Json::object({{"v", kKeyVersion}, {"interpreter", interpreter.identity}, {"requirements", texts(requirements)}});
  return sha256_hex(content.dump_canonical()).substr(0, 32);
}

Result<VirtualEnvironment> ensure_virtual_environment(const VirtualEnvironmentRequest& request,
                                                      const ProcessEnvironment& around) {
  return VirtualEnvironmentBuild(request, around).run();
}

}  // namespace osiris::worker::python
