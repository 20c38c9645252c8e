// A step of exec.processor: sh and what every Debian has, NDJSON unless a test says otherwise, the real worker as
// supervisor.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/drivers/harness.h"
#include "worker/drivers/exec.processor/driver.h"

namespace osiris::worker::test {

inline void prepare(StepHarness& step) {
  ::setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);  // a worker's, not the tester's
  const char* directory = ::getenv("OSIRIS_BUILD_DIR");
  ASSERT_NE(directory, nullptr) << "run by ctest, or set OSIRIS_BUILD_DIR";
  step.set_setting("supervisor", std::string(directory) + "/lib/osiris/osiris-worker");
}

// Sets config to {command: [sh, -c, script], format: ndjson} and `more`.
inline void set_shell(StepHarness& step, const std::string& script, std::vector<Json::Member> more = {}) {
  Json config = Json::object({{"command", Json::array({"sh", "-c", script})}, {"format", "ndjson"}});
  for (auto& [key, value] : more) config.set(key, std::move(value));
  step.set_config(std::move(config));
}

}  // namespace osiris::worker::test
