#include "worker/drivers/python/pip.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <map>
#include <system_error>

#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"
#include "worker/drivers/program/output_lines.h"

namespace osiris::worker::python {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

int64_t ms_since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
}

// As PEP 503 compares names, with '-' for runs of - _ and .
std::string normalised(std::string_view name) {
  std::string out;
  for (const char c : ascii_lower(name)) {
    if (c == '-' || c == '_' || c == '.') {
      if (!out.ends_with('-')) out += '-';
    } else {
      out += c;
    }
  }
  return out;
}

// "pandas" of "pandas[parquet]==2.0.0".
std::string name_in(std::string_view requirement) {
  const size_t end = requirement.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");
  return normalised(requirement.substr(0, end));
}

// How long pip spent on each package, by the lines it begins them with.
class FetchTimes {
 public:
  void line(std::string_view text) {
    constexpr std::string_view kCollecting = "Collecting ";
    const std::string_view trimmed = trim(text);
    if (trimmed.starts_with(kCollecting)) {
      stop();
      current_ = name_in(trimmed.substr(kCollecting.size()));
      since_ = Clock::now();
    }
  }
  void stop() {
    if (!current_.empty()) ms_[current_] += ms_since(since_);
    current_.clear();
  }
  int64_t of(const std::string& distribution) const {
    const auto found = ms_.find(normalised(distribution));
    return found == ms_.end() ? 0 : found->second;
  }

 private:
  std::string current_;
  Clock::time_point since_;
  std::map<std::string, int64_t> ms_;
};

class Pip {
 public:
  Pip(const fs::path& environment, const fs::path& scratch, const ProcessEnvironment& around)
      : python_((environment / "bin/python").string()),
        wheels_(scratch / "wheels"),
        tmp_(scratch / "tmp"),
        around_(around) {}
  ~Pip() {
    std::error_code ignored;
    fs::remove_all(wheels_, ignored);
    fs::remove_all(tmp_, ignored);
  }

  Result<std::vector<std::string>> install(const std::vector<std::string>& requirements) {
    OSIRIS_TRY(make_directories(wheels_));
    OSIRIS_TRY(make_directories(tmp_));
    FetchTimes times;
    std::vector<std::string> arguments = {"wheel", "--progress-bar", "off", "--wheel-dir", wheels_.string(), "--"};
    arguments.insert(arguments.end(), requirements.begin(), requirements.end());
    OSIRIS_TRY(call(std::move(arguments), "pip cannot get " + join(requirements, ", "), &times));
    times.stop();

    std::vector<std::string> packages;
    OSIRIS_ASSIGN(const std::vector<WheelName> names, wheels());
    for (const WheelName& wheel : names) {
      const std::string package = wheel.distribution + "==" + wheel.version;
      const auto started = Clock::now();
      OSIRIS_TRY(call({"install", "--no-index", "--find-links", wheels_.string(), "--no-deps",
                       "--no-warn-script-location", "--", package},
                      "pip cannot install " + package, nullptr));
      const int64_t fetch_ms = times.of(wheel.distribution);
      around_.event(
          "dependency_installed",
          Json::object({{"package", package}, {"duration_ms", fetch_ms + ms_since(started)}, {"fetch_ms", fetch_ms}}));
      packages.push_back(package);
    }
    return packages;
  }

 private:
  Status call(std::vector<std::string> arguments, const std::string& what, FetchTimes* times) {
    program::LastLines last(15, 4096);
    program::RateLimiter log(around_.log, 2'000, 1 << 20);
    program::ProcessRequest pip;
    pip.arguments = {python_, "-u", "-m", "pip", "--disable-pip-version-check", "--no-input", "--no-color"};
    if (!around_.keeps_downloads) pip.arguments.push_back("--no-cache-dir");
    pip.arguments.insert(pip.arguments.end(), arguments.begin(), arguments.end());
    pip.environment = around_.base;
    pip.environment.insert(pip.environment.end(), around_.pip.begin(), around_.pip.end());
    pip.environment.emplace_back("TMPDIR", tmp_.string());
    pip.working_directory = tmp_;
    pip.supervisor = around_.supervisor;
    pip.is_cancelled = around_.is_cancelled;
    pip.on_output = [&](std::string_view line) {
      if (times) times->line(line);
      if (!trim(line).empty()) log.line("pip: " + printable_line(line));
    };
    // Errors first of all: what it says on stdout is how far it came.
    pip.on_error = [&](std::string_view line) {
      if (trim(line).empty()) return;
      last.add(printable_line(line));
      log.line("pip: " + printable_line(line));
    };
    const auto exit = program::run_process(pip);
    log.finish();
    if (!exit) return exit.error();
    if (exit->success()) return {};
    return Error(Code::kUnavailable, what + ": it " + exit->describe() + last.text(),
                 "Check the names and versions under `requirements`. PIP_INDEX_URL and other variables of pip reach it "
                 "when they are passed: "
                 "--local-pass-env, --e2b-pass-env; for a template build --e2b-build-env. In a sandbox the index has "
                 "to be allowed: --e2b-network-allow.",
                 category::kRuntimeDependencyFailed);
  }

  Result<std::vector<WheelName>> wheels() const {
    std::vector<WheelName> found;
    std::error_code error;
    for (fs::directory_iterator entry(wheels_, error), end; !error && entry != end; entry.increment(error)) {
      WheelName name = wheel_name(entry->path().filename().string());
      if (!name.distribution.empty()) found.push_back(std::move(name));
    }
    if (error) return errno_error(error.value(), "cannot read", wheels_);
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.distribution < b.distribution; });
    return found;
  }

  const std::string python_;
  const fs::path wheels_, tmp_;
  const ProcessEnvironment& around_;
};

}  // namespace

WheelName wheel_name(const std::string& file_name) {
  if (!file_name.ends_with(".whl")) return {};
  const std::vector<std::string> parts = split(file_name.substr(0, file_name.size() - 4), '-');
  if (parts.size() < 5) return {};
  std::string distribution = parts[0];
  std::replace(distribution.begin(), distribution.end(), '_', '-');
  return {distribution, parts[1]};
}

Result<std::vector<std::string>> install_with_pip(const fs::path& environment, const fs::path& scratch,
                                                  const std::vector<std::string>& requirements,
                                                  const ProcessEnvironment& around) {
  return Pip(environment, scratch, around).install(requirements);
}

}  // namespace osiris::worker::python
