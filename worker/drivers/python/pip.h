// Installs requirements with the environment's own pip, in two steps: `pip wheel` resolves, downloads and builds
// everything; then each wheel is installed by itself and without an index, so that each package has a time of its own.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "worker/drivers/python/process_environment.h"

namespace osiris::worker::python {

// `scratch` gets directories `wheels` and `tmp`, which are removed again. Tells `dependency_installed` {package:
// "pandas==2.0.0", duration_ms, fetch_ms}: duration_ms is the whole time the package took, fetch_ms the part before its
// installation. Returns the packages, sorted. kUnavailable (a retry may help) with pip's last lines when it fails.
Result<std::vector<std::string>> install_with_pip(const std::filesystem::path& environment,
                                                  const std::filesystem::path& scratch,
                                                  const std::vector<std::string>& requirements,
                                                  const ProcessEnvironment& around);

// "python-dateutil" of "python_dateutil-2.9-py3-none-any.whl", and "2.9"; empty texts when it is no wheel's name.
struct WheelName {
  std::string distribution, version;
};
WheelName wheel_name(const std::string& file_name);

}  // namespace osiris::worker::python
