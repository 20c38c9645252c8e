// Habits that a machine can see, each with its remedy.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <regex>

#include "tests/tidy/tree.h"

namespace osiris::tidy {
namespace {

// Regular expressions are slow over a whole tree: only a text that has one of these words is looked at closely.
bool has_any(const std::string& text, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(), [&](const char* word) { return text.find(word) != std::string::npos; });
}

bool is_product(const std::string& path) { return !path.starts_with("tests/") && !path.starts_with("bench/"); }

TEST(Style, NoProductFileGrowsPast450Lines) {
  for (const SourceFile& file : source_files()) {
    const auto lines = std::count(file.text.begin(), file.text.end(), '\n');
    if (!is_product(file.path)) continue;
    EXPECT_LE(lines, 450) << file.path << ": there is a second noun inside; give it its own file";
  }
}

TEST(Style, EveryHeaderIsGuarded) {
  for (const SourceFile& file : source_files()) {
    const auto extension = std::filesystem::path(file.path).extension();
    if (extension != ".h" && extension != ".hpp") continue;
    const bool guarded = file.text.find("#pragma once") != std::string::npos || file.text.find("#ifndef") != std::string::npos;
    EXPECT_TRUE(guarded) << file.path << ": add #pragma once";
  }
}

TEST(Style, EveryProductFileOpensWithItsStoryOrItsHeader) {
  for (const SourceFile& file : source_files()) {
    if (!is_product(file.path) || file.path.ends_with(".cc")) continue;
    EXPECT_TRUE(file.text.starts_with("//") || file.text.starts_with("/*")) << file.path << ": say in the first lines what this is for";
  }
}

// Waits, limits, leases and deadlines run by Clock::monotonic_ns: the wall clock may be set at any time. Who asks it all the same does so for
// a record, an id or a person.
TEST(Style, TheWallClockIsForRecordsAndPeople) {
  static const std::map<std::string, std::string> users = {
      {"host/commands/connections_doctor.cc", "an id"}, {"host/commands/logs.cc", "a record"},
      {"host/commands/run_records.cc", "a date that a person gave"}, {"host/compiler/compile.cc", "generated_at"},
      {"host/project/counters.cc", "a record"}, {"host/project/run_ids.cc", "ids"},
      {"host/run/run_log.cc", "records"}, {"host/run/session.cc", "records"},
      {"host/run/session.h", "when a run began"}, {"host/run/user_state.cc", "an id"},
      {"plugins/e2b/creation.cc", "an id"}, {"plugins/sdk/place/journal.cc", "records"},
      {"plugins/e2b/sandbox_session.cc", "when a lease ends, for people"}, {"plugins/e2b/api/wire.cc", "records"},
      {"plugins/sdk/run/wire_log.cc", "records"}, {"protocol/base/clock.cc", "the clock itself"},
      {"protocol/base/clock.h", "the clock itself"}, {"protocol/http/retry.cc", "Retry-After as a date"},
{"worker/log.cc", "records"}, {"worker/records/record_stream.cc", "records"}, {"worker/service.cc", "records"}};
  static const std::regex ask(R"(\bunix_ns\(\)|chrono::system_clock|\bgettimeofday\(|CLOCK_REALTIME|\btime\((nullptr|NULL|0)\)|\bsem_timedwait\()");
  for (const SourceFile& file : source_files()) {
    if (!is_product(file.path) || users.count(file.path) > 0) continue;
    if (file.path.starts_with("servers/e2b/")) continue;  // its time of day runs by the steady clock (server_clock.h)
    if (!has_any(file.text, {"unix_ns()", "system_clock", "gettimeofday", "CLOCK_REALTIME", "time(", "sem_timedwait"})) continue;
    EXPECT_FALSE(std::regex_search(file.text, ask)) << file.path << ": measure by monotonic_ns(); a record or an id gets a row here, with its reason";
  }
}

TEST(Style, NothingIsLeftUnfinished) {
  static const std::regex mark(R"(\b(TODO|FIXME|XXX|HACK)\b)");
  for (const SourceFile& file : source_files()) {
    if (file.path.starts_with("tests/tidy/") || !has_any(file.text, {"TODO", "FIXME", "XXX", "HACK"})) continue;
    EXPECT_FALSE(std::regex_search(file.text, mark)) << file.path << ": finish it or say it in an issue";
  }
}

TEST(Style, NoTestIsCommentedOutOrDisabled) {
  static const std::regex disabled(R"(DISABLED_|^\s*//\s*TEST(_[FP])?\()", std::regex::multiline);
  for (const SourceFile& file : source_files()) {
    if (file.path.starts_with("tests/tidy/") || !has_any(file.text, {"DISABLED_", "// TEST", "//TEST"})) continue;
    EXPECT_FALSE(std::regex_search(file.text, disabled)) << file.path << ": a test runs or does not exist";
  }
}

TEST(Style, NoMachinePathAndNoRegistryHostIsWrittenDown) {
  static const std::regex path(R"((^|[^A-Za-z.])/(work|farm)/)");
  static const std::regex host(R"(registry\.npmjs|pypi\.org|crates\.io/api|proxy\.golang|deb\.debian\.org|repo1?\.maven)");
  for (const SourceFile& file : all_files()) {
    if (file.path.starts_with("tests/tidy/") ||
        !has_any(file.text, {"/work/", "/farm/", "registry.", "pypi", "crates", "proxy.golang", "deb.debian", "maven"}))
      continue;
    EXPECT_FALSE(std::regex_search(file.text, path)) << file.path << ": a path of one machine";
    EXPECT_FALSE(std::regex_search(file.text, host)) << file.path << ": name the package, not the registry";
  }
}

TEST(Style, ShellScriptsSayWhichShellAndStopOnErrors) {
  for (const SourceFile& file : all_files()) {
    if (!file.path.ends_with(".sh")) continue;
    EXPECT_TRUE(file.text.starts_with("#!/bin/sh") || file.text.starts_with("#!/bin/bash")) << file.path;
    EXPECT_NE(file.text.find("set -"), std::string::npos) << file.path << ": start with set -eu";
  }
}

}  // namespace
}  // namespace osiris::tidy
