// The worker's whole environment, the same wherever a pipeline runs. Variables that the user lends reach the steps that
// start processes by the protocol (run/environment.h), not by this.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace osiris::sdk {

// `home`: of the user that the worker runs as.
inline std::vector<std::pair<std::string, std::string>> worker_environment(const std::string& home) {
  return {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
          {"HOME", home},
          {"TZ", "UTC"},
          {"LC_ALL", "C"}};
}

}  // namespace osiris::sdk
