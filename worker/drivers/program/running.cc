#include "worker/drivers/program/running.h"

#include <stdlib.h>
#include <unistd.h>

#include "protocol/base/categories.h"
#include "protocol/base/own_user.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"
#include "protocol/base/wipe.h"

namespace osiris::worker::program {
namespace {

bool is_program(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

// A user of its own for a program, where this process can give one: from here on what it has to write belongs to it, at
// the end everything is as if this process had written it.
class ProgramUser {
 public:
  ProgramUser(const std::string& supervisor, std::vector<std::filesystem::path> places)
      : user_(supervisor.empty() ? std::nullopt : spare_user()), places_(std::move(places)) {
    if (user_)
      for (const auto& place : places_) change_owner(place, ::geteuid(), *user_);
  }
  ~ProgramUser() {
    if (user_)
      for (const auto& place : places_) change_owner(place, *user_, ::geteuid());
  }
  ProgramUser(const ProgramUser&) = delete;
  ProgramUser& operator=(const ProgramUser&) = delete;

  std::optional<uid_t> id() const { return user_; }

 private:
  const std::optional<uid_t> user_;
  const std::vector<std::filesystem::path> places_;
};

}  // namespace

Variables base_environment() {
  const auto own = [](const char* name, const char* otherwise) {
    const char* value = ::getenv(name);
    return std::string(value && *value ? value : otherwise);
  };
  return {{"PATH", own("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")},
          {"HOME", own("HOME", "/")},
          {"TZ", "UTC"},
          {"LC_ALL", "C"}};
}

Result<std::string> find_program(const std::string& name, const std::string& path) {
  const auto missing = [&](const std::string& why) { return Error(Code::kNotFound, why); };
  if (name.starts_with('/')) {
    if (is_program(name)) return name;
    return missing("there is no such program");
  }
  for (const std::string& directory : split(path, ':')) {
    const std::string candidate = directory + "/" + name;
    if (directory.starts_with('/') && is_program(candidate)) return candidate;
  }
  return missing("no directory of PATH (" + path + ") has it");
}

bool StdoutCommands::take(std::string_view line) {
  const std::vector<std::string> words = split(trim(line), ' ');
  if (words[0] == "::progress" && words.size() == 2) {
    char* end = nullptr;
    const uint64_t rows = std::strtoull(words[1].c_str(), &end, 10);
    if (end == words[1].c_str() || *end != '\0' || words[1][0] == '-') return false;
    progress(rows);
    return true;
  }
  if (words[0] == "::metric" && (words.size() == 3 || words.size() == 4)) {
    char* end = nullptr;
    const double value = std::strtod(words[2].c_str(), &end);
    if (words[1].empty() || end == words[2].c_str() || *end != '\0') return false;
    step_.metric(printable_line(words[1]), value, words.size() == 4 ? printable_line(words[3]) : "");
    return true;
  }
  if (words[0] == "::event" && words.size() >= 2 && !words[1].empty()) return event(trim(line), words[1]);
  return false;
}

// One event for all of them: names of the worker's own events mean what they say.
bool StdoutCommands::event(std::string_view line, const std::string& name) {
  const size_t data_at = line.find(name, std::string_view("::event ").size()) + name.size();
  const std::string_view text = trim(line.substr(data_at));
  auto data = text.empty() ? Result<Json>(Json()) : parse_json(text);
  if (!data) return false;
  step_.event("script_event", Json::object({{"name", printable_line(name)}, {"data", *std::move(data)}}));
  return true;
}

Error exited(const Contract& contract, const ExitStatus& exit, const LastLines& last) {
  std::string message = contract.name + " " + exit.describe();
  if (!last.empty()) message += "; its last lines:" + last.text();
  return Error(Code::kStepFailed, std::move(message),
               exit.signaled
                   ? "Nothing of osiris's own ends a " + contract.kind +
                         " like that: check its memory use and whether the kernel or another program killed it."
                   : "All it wrote is in the run's osiris.log (`osiris logs last`).",
               category::kTransformFailed);
}

Status run_to_end(StepContext& step, const Contract& contract, Running running, StdoutCommands& commands,
                  const ExitError& exit_error) {
  const std::string supervisor = step.settings()["supervisor"].as_string();
  RateLimiter log([&step](std::string_view text) { step.log(text); });
  LastLines last;
  const auto say = [&](std::string_view line) {
    std::string text = renamed(printable_line(line), running.renames);
    log.line(text);
    return text;
  };
  ProcessRequest process;
  process.arguments = running.arguments;
  process.environment = std::move(running.variables);
  process.working_directory = running.working_directory;
  process.supervisor = supervisor;
  process.is_cancelled = [&] { return step.is_cancelled() || (running.must_end && running.must_end()); };
  process.on_output_bytes = running.on_output;
  process.on_output = [&](std::string_view line) {
    if (line.starts_with("::") && commands.take(line)) return;
    say(line);
  };
  // stderr is where a traceback goes; stdout is no part of an error.
  process.on_error = [&](std::string_view line) {
    if (running.on_error_line) running.on_error_line();
    std::string text = say(line);
    if (!trim(text).empty()) last.add(std::move(text));
  };
  const ProgramUser user(supervisor, running.places);
  process.user = user.id();
  const auto exit = run_process(process);
  for (auto& variable : process.environment) wipe(variable.second);
  log.finish();
  if (!exit)
    return exit.error().code == Code::kCancelled ? exit.error() : exit.error().within("cannot start " + contract.name);
  return exit->success() ? Status() : exit_error(*exit, last);
}

}  // namespace osiris::worker::program
