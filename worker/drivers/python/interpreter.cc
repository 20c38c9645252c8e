#include "worker/drivers/python/interpreter.h"

#include <unistd.h>

#include <cstdlib>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"
#include "worker/drivers/program/running.h"

namespace osiris::worker::python {
namespace {

constexpr int64_t kOldestMinor = 8;

// One line of JSON. base_prefix and not the executable's path: the same Python may be reached by several names.
constexpr const char* kProbe =
    "import json, platform, sys, sysconfig; print(json.dumps({'version': platform.python_version(), 'major': "
    "sys.version_info[0], 'minor': sys.version_info[1], 'implementation': sys.implementation.name, 'build': "
    "sys.version, "
    "'platform': sysconfig.get_platform(), 'libc': list(platform.libc_ver()), 'prefix': sys.base_prefix}))";

Error missing(const std::string& name, const std::string& why) {
  return Error(
      Code::kUnsupported, "the step needs the Python interpreter '" + name + "', and " + why,
      "Install it here (on Debian: python3 and python3-venv), or name another one under `python`. In a sandbox take a "
      "template "
      "or an image that has it (--e2b-template, --e2b-image). Packages are another matter: --local-install-deps, "
      "--e2b-install-deps.",
      category::kSystemResourceUnavailable);
}

}  // namespace

Result<std::string> interpreter_path(const std::string& name, const ProcessEnvironment& around) {
  auto path = program::find_program(name, around.path());
  return path.ok() ? path : Result<std::string>(missing(name, path.error().message));
}

Result<Interpreter> find_interpreter(const std::string& name, const ProcessEnvironment& around) {
  Interpreter interpreter;
  OSIRIS_ASSIGN(interpreter.path, interpreter_path(name, around));
  std::string answer;
  program::LastLines errors;
  program::ProcessRequest probe;
  probe.arguments = {interpreter.path, "-I", "-S", "-c", kProbe};
  probe.environment = around.base;
  probe.supervisor = around.supervisor;
  probe.on_output = [&answer](std::string_view line) { answer = line; };
  probe.on_error = [&errors](std::string_view line) { errors.add(printable_line(line)); };
  probe.is_cancelled = around.is_cancelled;
  const auto exit = program::run_process(probe);
  if (!exit && exit.error().code == Code::kCancelled) return exit.error();
  if (!exit) return missing(name, interpreter.path + " does not start: " + exit.error().message);
  const auto identity = parse_json(answer);
  if (!exit->success() || !identity || !(*identity)["version"].is_string())
    return missing(name, interpreter.path + " is no Python: it " + exit->describe() + errors.text());
  interpreter.version = (*identity)["version"].as_string();
  if ((*identity)["major"].as_int() != 3 || (*identity)["minor"].as_int() < kOldestMinor)
    return missing(name, interpreter.path + " is Python " + interpreter.version + ", older than 3." +
                             std::to_string(kOldestMinor));
  interpreter.identity = *identity;
  return interpreter;
}

}  // namespace osiris::worker::python
