// A step of python.processor: NDJSON and the standard library unless a test says otherwise, environments in a cache of
// the test's own, the real worker as supervisor.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/drivers/harness.h"
#include "worker/drivers/python.processor/driver.h"

namespace osiris::worker::test {

inline std::string worker_program() {
  const char* directory = ::getenv("OSIRIS_BUILD_DIR");
  EXPECT_NE(directory, nullptr) << "run by ctest, or set OSIRIS_BUILD_DIR";
  return std::string(directory ? directory : "") + "/lib/osiris/osiris-worker";
}

// What many scripts begin with.
inline constexpr std::string_view kPreamble =
    "import json, os, sys\n"
    "step = json.load(open(os.environ['OSIRIS_STEP']))\n"
    "def rows(name=None):\n"
    "    path = step['inputs'][name]['path'] if name else os.environ['OSIRIS_INPUT']\n"
    "    return [json.loads(line) for line in open(path)]\n"
    "def write(rows):\n"
    "    with open(os.environ['OSIRIS_OUTPUT'], 'w') as out:\n"
    "        for row in rows: out.write(json.dumps(row) + '\\n')\n";

inline void prepare(StepHarness& step) {
  ::setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);  // a worker's, not the tester's
  step.set_setting("supervisor", worker_program());
  // One for all tests of this build: environments without packages, and making each takes a moment.
  step.set_setting("cache_dir", std::string(::getenv("OSIRIS_BUILD_DIR")) + "/tests/python_cache");
}

// For tests of what is made and found.
inline void use_fresh_cache(StepHarness& step) {
  step.set_setting("cache_dir", (step.work_dir().parent_path() / "cache").string());
}

// Sets config to {code, format: ndjson} and `more`.
inline void set_code(StepHarness& step, std::string_view code, std::vector<Json::Member> more = {}) {
  Json config = Json::object({{"code", std::string(kPreamble) + std::string(code)}, {"format", "ndjson"}});
  for (auto& [key, value] : more) config.set(key, std::move(value));
  step.set_config(std::move(config));
}

class PythonStep : public testing::Test {
 protected:
  PythonStep() { prepare(step); }

  Result<StepOutcome> run() { return step.run(python_processor()); }
  void expect_success() {
    const auto outcome = run();
    ASSERT_TRUE(outcome.ok()) << outcome.error().message << "\n" << outcome.error().hint;
  }
  // Runs a step that must fail and returns message and hint.
  std::string failure() {
    const auto outcome = run();
    if (outcome.ok()) {
      ADD_FAILURE() << "it succeeded";
      return "";
    }
    EXPECT_FALSE(step.has_output_table());
    code = outcome.error().code;
    return outcome.error().message + "\n" + outcome.error().hint;
  }
  std::vector<RecordedEvent> events(std::string_view name) const {
    std::vector<RecordedEvent> found;
    for (RecordedEvent& event : step.events())
      if (event.name == name) found.push_back(std::move(event));
    return found;
  }
  std::string logged() const {
    std::string all;
    for (const std::string& line : step.logs()) all += line + "\n";
    return all;
  }

  StepHarness step;
  Code code = Code::kInternal;  // of the last failure()
};

}  // namespace osiris::worker::test
