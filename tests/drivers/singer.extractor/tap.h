// Taps that tests write, in Python's standard library, and a step that reads one.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>
#include <string_view>

#include "tests/drivers/harness.h"
#include "worker/drivers/singer.extractor/driver.h"

namespace osiris::worker::test {

// What most taps begin with: say(message), the arguments, the config, the state.
inline constexpr std::string_view kTapPreamble =
    "#!/usr/bin/env python3\n"
    "import argparse, json, os, sys, time\n"
    "parser = argparse.ArgumentParser()\n"
    "for name in ('--config', '--catalog', '--properties', '--state'): parser.add_argument(name)\n"
    "parser.add_argument('--discover', action='store_true')\n"
    "args = parser.parse_args()\n"
    "config = json.load(open(args.config))\n"
    "state = json.load(open(args.state)) if args.state else {}\n"
    "def say(**message): print(json.dumps(message), flush=True)\n"
    "def schema(**properties): say(type='SCHEMA', stream='users', schema={'properties': properties}, "
    "key_properties=['id'])\n"
    "def record(**values): say(type='RECORD', stream='users', record=values)\n"
    "INTEGER, TEXT = {'type': ['null', 'integer']}, {'type': 'string'}\n"
    "if args.discover:\n"
    "    say(streams=[{'stream': 'users', 'tap_stream_id': 'users', 'schema': {'properties': {'id': INTEGER, 'name': "
    "TEXT}}, 'metadata': []}, {'stream': 'teams', 'tap_stream_id': 'teams', 'schema': {}, 'metadata': []}])\n"
    "    sys.exit()\n";

// Makes `step` one that reads the tap whose `code` goes after the preamble.
inline void arrange_tap(StepHarness& step, std::string_view code, std::vector<Json::Member> more = {}) {
  ::setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);  // a worker's
  const char* build = ::getenv("OSIRIS_BUILD_DIR");
  ASSERT_NE(build, nullptr) << "run by ctest, or set OSIRIS_BUILD_DIR";
  step.set_setting("supervisor", std::string(build) + "/lib/osiris/osiris-worker");
  step.set_setting("cache_dir", (step.work_dir().parent_path() / "cache").string());
  step.write_file("tap.py", std::string(kTapPreamble) + std::string(code));
  Json config = Json::object(
      {{"tap", "tap.py"}, {"files", Json::array({"tap.py"})}, {"stream", "users"}, {"config", Json::object()}});
  for (auto& [key, value] : more) config.set(key, std::move(value));
  step.set_config(std::move(config));
}

class TapStep : public StepHarness {
 public:
  explicit TapStep(std::string_view code, std::vector<Json::Member> more = {}) : StepHarness("pull") {
    arrange_tap(*this, code, std::move(more));
  }

  using StepHarness::run;
  Result<StepOutcome> run() { return StepHarness::run(singer_extractor()); }
  // "columns\nrows", or the error's message and hint.
  std::string rows() {
    const auto outcome = run();
    if (!outcome.ok()) {
      EXPECT_FALSE(has_output_table());
      return outcome.error().message + "\n" + outcome.error().hint;
    }
    return output_columns() + "\n" + query("SELECT COLUMNS(*)::VARCHAR FROM {out}");
  }
};

}  // namespace osiris::worker::test
