// What everything that starts processes here needs from its caller: a step, or `--install-requirements`.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "worker/driver_api/driver.h"
#include "worker/drivers/program/process.h"

namespace osiris::worker::python {

using program::Variables;

struct ProcessEnvironment {
  std::string supervisor;       // see ProcessRequest
  Variables base;               // PATH, HOME, TZ, LC_ALL: what every process gets
  Variables pip;                // PIP_* and what else tells pip where packages are
  bool keeps_downloads = true;  // pip may use its own cache
  std::function<bool()> is_cancelled;
  std::function<void(std::string_view text)> log;
  std::function<void(std::string_view name, Json fields)> event;

  const std::string& path() const {
    static const std::string none;
    for (const auto& [name, value] : base)
      if (name == "PATH") return value;
    return none;
  }
};

// Of a step. `step` outlives it.
ProcessEnvironment process_environment_of(StepContext& step);

// Of `passed` what pip reads: PIP_*, proxies and certificates. The rest is kept from it: pip runs the code of
// the packages it builds.
Variables pip_environment(const Json& passed);

}  // namespace osiris::worker::python
