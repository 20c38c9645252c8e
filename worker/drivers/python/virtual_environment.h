// Virtual environments, one per interpreter and set of requirements, named by both and kept in the cache:
//
//   <cache>/python/<key>.lock    held while one is made, so that two runs do not make it at once
//   <cache>/python/<key>/env     the environment, made in place: its scripts hold its own path, so it cannot be moved
//   <cache>/python/<key>/ready   written last; an environment without it was never finished and is made anew
//
// A key covers the interpreter (version, build, platform, prefix) and the requirements, sorted. It does not cover the
// package index or the time: what was installed for a set of requirements stays until it is removed.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "worker/drivers/python/interpreter.h"
#include "worker/drivers/python/process_environment.h"

namespace osiris::worker::python {

struct VirtualEnvironmentRequest {
  Interpreter interpreter;
  std::vector<std::string> requirements;  // sorted
  std::filesystem::path cache_dir;        // empty: none
  std::filesystem::path spare_dir;        // where it is made when the cache cannot be written; empty: that is an error
  bool may_install = false;
};

struct VirtualEnvironment {
  std::filesystem::path directory;
  std::string python() const { return (directory / "bin/python").string(); }
};

// The environment's name: 32 hex digits.
std::string environment_key(const Interpreter& interpreter, const std::vector<std::string>& requirements);

// From the cache, or made now. Without requirements nothing is installed and nothing has to be allowed. Tells the step:
// `dependency_check` {required, present, missing} (with requirements), `dependency_installed` {package, duration_ms}
// for each package that pip installed, `environment_ready` {environment, python, cached, packages, duration_ms}.
Result<VirtualEnvironment> ensure_virtual_environment(const VirtualEnvironmentRequest& request,
                                                      const ProcessEnvironment& around);

}  // namespace osiris::worker::python
