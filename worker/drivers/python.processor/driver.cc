#include "worker/drivers/python.processor/driver.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "protocol/base/categories.h"
#include "protocol/base/own_user.h"
#include "protocol/base/text.h"
#include "protocol/base/wipe.h"
#include "worker/drivers/python.processor/options.h"
#include "worker/drivers/python.processor/output_lines.h"
#include "worker/drivers/python.processor/relation_files.h"
#include "worker/drivers/python.processor/staging_directory.h"
#include "worker/drivers/python.processor/virtual_environment.h"

namespace osiris::worker {
namespace python {
namespace {

ProcessEnvironment process_environment_of(StepContext& step) {
  ProcessEnvironment around;
  around.supervisor = step.settings()["supervisor"].as_string();
  around.base = base_environment();
  around.pip = pip_environment(step.passed_environment());
  around.is_cancelled = [&step] { return step.is_cancelled(); };
  around.log = [&step](std::string_view text) { step.log(text); };
  around.event = [&step](std::string_view name, Json fields) { step.event(name, std::move(fields)); };
  return around;
}

// The three things a script can say on its stdout beside text for the log.
class StdoutCommands {
 public:
  explicit StdoutCommands(StepContext& step) : step_(step) {}

  // True when the line was one: "::progress 1200", "::metric name 0.75 unit", "::event name {"any": "json"}".
  bool take(std::string_view line) {
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
      step_.metric(printable(words[1]), value, words.size() == 4 ? printable(words[3]) : "");
      return true;
    }
    if (words[0] == "::event" && words.size() >= 2 && !words[1].empty()) return event(trim(line), words[1]);
    return false;
  }
  // Progress only grows.
  void progress(uint64_t rows) {
    rows_ = std::max(rows_, rows);
    step_.progress(rows_);
  }

 private:
  // One event for all of them: names of the worker's own events mean what they say.
  bool event(std::string_view line, const std::string& name) {
    const size_t data_at = line.find(name, std::string_view("::event ").size()) + name.size();
    const std::string_view text = trim(line.substr(data_at));
    auto data = text.empty() ? Result<Json>(Json()) : parse_json(text);
    if (!data) return false;
    step_.event("script_event", Json::object({{"name", printable(name)}, {"data", *std::move(data)}}));
    return true;
  }

  StepContext& step_;
  uint64_t rows_ = 0;
};

// "ModuleNotFoundError: No module named 'pandas'" -> "pandas".
std::string missing_module(const std::string& last_line) {
  constexpr std::string_view kNames[] = {"ModuleNotFoundError: No module named '", "ImportError: No module named '"};
  for (const std::string_view name : kNames) {
    if (!last_line.starts_with(name)) continue;
    const std::string rest = last_line.substr(name.size());
    return rest.substr(0, rest.find('\''));
  }
  return {};
}

Error script_error(const Options& options, const ExitStatus& exit, const LastLines& last) {
  if (const std::string module = missing_module(last.last()); !module.empty())
    return Error(Code::kStepFailed,
                 options.name() + " needs the Python module '" + module + "', which is not in the step's environment" +
                     last.text(),
                 "Name its package under the step's `requirements` and run with --local-install-deps or, in a sandbox, "
                 "--e2b-install-deps. A module of your own belongs into the step's `files`.",
                 category::kRuntimeDependencyFailed);
  std::string message = options.name() + " " + exit.describe();
  if (!last.empty()) message += "; its last lines:" + last.text();
  return Error(Code::kStepFailed, std::move(message),
               exit.signaled ? "Nothing of osiris's own ends a script like that: check its memory use and whether the "
                               "kernel or another program killed it."
                             : "All it wrote is in the run's osiris.log (`osiris logs last`).",
               category::kTransformFailed);
}

// A user of its own for a script, where this process can give one: from here on what it has to write belongs to it, at
// the end everything is as if this process had written it.
class ScriptUser {
 public:
  ScriptUser(const ProcessEnvironment& around, std::vector<std::filesystem::path> places)
      : user_(around.supervisor.empty() ? std::nullopt : spare_user()), places_(std::move(places)) {
    if (user_)
      for (const auto& place : places_) change_owner(place, ::geteuid(), *user_);
  }
  ~ScriptUser() {
    if (user_)
      for (const auto& place : places_) change_owner(place, *user_, ::geteuid());
  }
  ScriptUser(const ScriptUser&) = delete;
  ScriptUser& operator=(const ScriptUser&) = delete;

  std::optional<uid_t> id() const { return user_; }

 private:
  const std::optional<uid_t> user_;
  const std::vector<std::filesystem::path> places_;
};

Status run_script(const Options& options, const StagingDirectory& staging, const Variables& variables,
                  const std::string& python, const ProcessEnvironment& around, const ScriptUser& user,
                  const Renames& renames, StdoutCommands& commands) {
  RateLimiter log(around.log);
  LastLines last;
  const auto say = [&](std::string_view line) {
    std::string text = renamed(printable(line), renames);
    log.line(text);
    return text;
  };
  ProcessRequest script;
  // Unbuffered, so that lines come when they are written; UTF-8 whatever the C locale says; no caches beside the files.
  script.arguments = {python, "-u", "-B", "-X", "utf8", staging.script.string()};
  script.arguments.insert(script.arguments.end(), options.args.begin(), options.args.end());
  script.environment = variables;
  script.working_directory = staging.code();
  script.supervisor = around.supervisor;
  script.user = user.id();
  script.is_cancelled = around.is_cancelled;
  script.on_output = [&](std::string_view line) {
    if (line.starts_with("::") && commands.take(line)) return;
    say(line);
  };
  // stderr is where a traceback goes; stdout is no part of an error.
  script.on_error = [&](std::string_view line) {
    std::string text = say(line);
    if (!trim(text).empty()) last.add(std::move(text));
  };
  const auto exit = run_process(script);
  for (auto& variable : script.environment) wipe(variable.second);
  log.finish();
  if (!exit)
    return exit.error().code == Code::kCancelled ? exit.error() : exit.error().within("cannot start " + options.name());
  return exit->success() ? Status() : script_error(options, *exit, last);
}

Result<StepOutcome> run(StepContext& step) {
  OSIRIS_ASSIGN(const Options options, read_options(step.config()));
  if (step.is_cancelled()) return Error(Code::kCancelled, "stopped");
  const ProcessEnvironment around = process_environment_of(step);
  OSIRIS_ASSIGN(const StagingDirectory staging, make_staging_directory(step, options));
  VirtualEnvironmentRequest wanted;
  OSIRIS_ASSIGN(wanted.interpreter, find_interpreter(options.python, around));
  wanted.requirements = options.requirements;
  wanted.cache_dir = step.settings()["cache_dir"].as_string();
  wanted.spare_dir = staging.root;
  wanted.may_install = step.settings()["install_deps"].as_bool();
  OSIRIS_ASSIGN(const VirtualEnvironment environment, ensure_virtual_environment(wanted, around));

  OSIRIS_ASSIGN(const std::vector<InputFile> inputs, export_inputs(step, options.format, staging.inputs()));
  OSIRIS_TRY(describe_step(step, options, staging, inputs));
  Variables variables = script_environment(step, staging, inputs, around.base, environment.directory);
  StdoutCommands commands(step);
  {
    const ScriptUser user(around, {staging.root, step.artifacts_dir()});
    const Status ended = run_script(options, staging, variables, environment.python(), around, user,
                                    staging_renames(staging, environment.directory), commands);
    for (auto& variable : variables) wipe(variable.second);
    if (!ended.ok()) return ended.error();
  }
  OSIRIS_ASSIGN(const uint64_t rows, import_output(step, options, staging.output));
  commands.progress(rows);
  StepOutcome outcome;
  for (const Input& input : step.inputs()) outcome.rows_read += input.rows;
  if (step.inputs().empty()) outcome.rows_read = rows;  // taken in from wherever the script got them
  return outcome;
}

// Only a run can tell its columns; that the interpreter is missing on this machine can be told before.
Status describe(StepContext& step) {
  OSIRIS_ASSIGN(const Options options, read_options(step.config()));
  const auto path = interpreter_path(options.python, process_environment_of(step));
  if (path.ok()) return Error(Code::kUnsupported, "the columns are known when it runs");
  Error error = path.error();
  error.code = Code::kNotFound;
  return error;
}

constexpr Driver kDriver = {.name = "python.processor", .run = run, .describe = describe, .waits = true};

}  // namespace
}  // namespace python

const Driver& python_processor() { return python::kDriver; }

}  // namespace osiris::worker
