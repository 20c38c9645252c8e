// A Python interpreter of this machine, and what tells it from another one: an environment made with one does not work
// with another.
#pragma once

#include <string>

#include "worker/drivers/python/process_environment.h"

namespace osiris::worker::python {

struct Interpreter {
  std::string path;     // absolute
  std::string version;  // "3.11.2"
  Json identity;        // for the environment's name
};

// The program of that name, which is not started; the same error.
Result<std::string> interpreter_path(const std::string& name, const ProcessEnvironment& around);

// `name`: a name on PATH, or an absolute path. kUnsupported when there is none, or it is no Python 3.
Result<Interpreter> find_interpreter(const std::string& name, const ProcessEnvironment& around);

}  // namespace osiris::worker::python
