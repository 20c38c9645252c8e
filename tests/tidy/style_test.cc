// Habits that a machine can see, each with its remedy. Every rule is tried on a file that breaks it, too, so that none
// passes because it looks at nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <ostream>
#include <regex>
#include <sstream>

#include "tests/tidy/tree.h"

namespace osiris::tidy {
namespace {

// Regular expressions are slow over a whole tree: only a text that has one of these words is looked at closely.
bool has_any(const std::string& text, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](const char* word) { return text.find(word) != std::string::npos; });
}

std::string ending_of(const std::string& path) { return std::filesystem::path(path).extension().string(); }
bool is_header(const std::string& path) { return ending_of(path) == ".h" || ending_of(path) == ".hpp"; }
bool is_source(const std::string& path) {
  return is_header(path) || ending_of(path) == ".c" || ending_of(path) == ".cc" || ending_of(path) == ".cpp";
}
bool is_product(const std::string& path) { return !path.starts_with("tests/") && !path.starts_with("bench/"); }
bool is_rule(const std::string& path) { return path.starts_with("tests/tidy/"); }  // which spells what it forbids

bool begins_threads(const std::string& path) {
  return is_source(path) && (path.starts_with("host/") || path.starts_with("plugins/") ||
                             path.starts_with("protocol/") || path.starts_with("worker/"));
}

// What is wrong with a file, and what to do about it; empty: nothing.
using Complaint = std::string;

Complaint is_too_long(const SourceFile& file) {
  return std::count(file.text.begin(), file.text.end(), '\n') <= 400
             ? ""
             : "there is a second noun inside; give it its own file";
}

// The rows of a table cannot be broken, nor can a word (an address).
Complaint has_a_wide_line(const SourceFile& file) {
  std::istringstream lines(file.text);
  for (std::string line; std::getline(lines, line);) {
    const auto columns =
        std::count_if(line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
    const bool is_a_word = line.find(' ', std::min(line.find_first_not_of(" -"), line.size())) == std::string::npos;
    if (columns > 120 && !line.starts_with("|") && !is_a_word) return "break this line at 120 columns: " + line;
  }
  return "";
}

Complaint is_not_guarded(const SourceFile& file) {
  return has_any(file.text, {"#pragma once", "#ifndef"}) ? "" : "add #pragma once";
}

Complaint has_no_story(const SourceFile& file) {
  return file.text.starts_with("//") || file.text.starts_with("/*") ? "" : "say in the first lines what this is for";
}

// Waits, limits, leases and deadlines run by Clock::monotonic_ns: the wall clock may be set at any time. Who asks it
// all the same does so for a record, an id or a person.
Complaint asks_the_wall_clock(const SourceFile& file) {
  static const std::map<std::string, std::string> users = {
      {"check/report/report.cc", "a record"},
      {"host/cache/file_hashes.cc", "whether a file is younger than its record"},
      {"host/commands/logs.cc", "a record"},
      {"host/commands/run_records.cc", "a date that a person gave"},
      {"host/compiler/compile.cc", "generated_at"},
      {"host/project/counters.cc", "a record"},
      {"host/project/run_ids.cc", "ids"},
      {"host/run/kept_run.cc", "how old kept rows are"},
      {"host/run/pipeline_state.cc", "a record"},
      {"host/run/prune.cc", "the age of runs"},
      {"host/run/retention.cc", "the age of files"},
      {"host/run/run_log.cc", "records"},
      {"host/run/session.cc", "records"},
      {"host/commands/run_outlets.cc", "when a run ended, for its span"},
      {"host/telemetry/run_telemetry.cc", "times of metrics"},
      {"host/run/session.h", "when a run began"},
      {"host/run/unrecorded_run.cc", "an id"},
      {"host/run/user_state.cc", "an id"},
      {"plugins/sdk/place/journal.cc", "records"},
      {"plugins/sdk/place/ledger.cc", "handed on"},
      {"plugins/sdk/place/held_machine.cc", "when a lease ends, for people"},
      {"plugins/e2b/api/wire.cc", "records"},
      {"plugins/sdk/run/wire_log.cc", "records"},
      {"protocol/base/clock.cc", "the clock itself"},
      {"protocol/base/clock.h", "the clock itself"},
      {"protocol/http/retry.cc", "Retry-After as a date"},
      {"worker/drivers/remote/store.cc", "a signature's time"},
      {"worker/drivers/remote/upload.cc", "a signature's time"},
      {"worker/executor/held_records.cc", "records"},
      {"worker/executor/step_checks.cc", "how old the newest value of a column is"},
      {"worker/log.cc", "records"},
      {"worker/records/record_stream.cc", "records"},
      {"worker/service.cc", "records"}};
  static const std::regex ask(
      R"(\bunix_ns\(\)|chrono::system_clock|\bgettimeofday\(|CLOCK_REALTIME|\btime\((nullptr|NULL|0)\)|\bsem_timedwait\()");
  if (users.count(file.path) > 0 ||
      !has_any(file.text, {"unix_ns()", "system_clock", "gettimeofday", "CLOCK_REALTIME", "time(", "sem_timedwait"}))
    return "";
  return std::regex_search(file.text, ask)
             ? "measure by monotonic_ns(); a record or an id gets a row here, with its reason"
             : "";
}

// std::thread and std::async throw where the machine has no more threads, which ends the process as often as not.
Complaint begins_a_thread(const SourceFile& file) {
  static const std::regex begin(
      R"(\bstd::j?thread(\s+\w+)?\s*[({]|\bstd::async\(|\bthread\w*_\(\[|\b(threads|workers)_?\.emplace_back\([^)])");
  if (file.path.starts_with("protocol/base/thread.") || !has_any(file.text, {"thread", "std::async"})) return "";
  std::smatch found;
  return std::regex_search(file.text, found, begin) ? "begin_thread() of protocol/base/thread.h: " + found.str() : "";
}

// A test that gives another process time is slow on one machine and wrong on the next.
Complaint sleeps(const SourceFile& file) {
  static const std::map<std::string, std::string> users = {{"tests/support/eventually.h", "the one wait"},
                                                           {"tests/e2b/host_kill_test.cc", "kills at a random moment"}};
  static const std::regex sleep(
      R"(\bsleep_(for|until)\(|\b(u|nano)?sleep\((?!\))|this_thread::yield\(|\bsched_yield\()");
  const bool is_an_adapter = file.path.starts_with("tests/abi/defects/");
  if (is_an_adapter || users.count(file.path) > 0 || !has_any(file.text, {"sleep", "yield"})) return "";
  std::istringstream lines(file.text);
  for (std::string line; std::getline(lines, line);) {
    const bool is_quoted = line.find("time.sleep(") != std::string::npos;  // of a script that a test writes
    if (!is_quoted && std::regex_search(line, sleep))
      return "wait for what the test waits for, with tests/support/eventually.h: " + line;
  }
  return "";
}

Complaint is_unfinished(const SourceFile& file) {
  static const std::regex mark(R"(\b(TODO|FIXME|XXX|HACK)\b)");
  if (!has_any(file.text, {"TODO", "FIXME", "XXX", "HACK"})) return "";
  return std::regex_search(file.text, mark) ? "finish it or say it in an issue" : "";
}

Complaint has_a_dead_test(const SourceFile& file) {
  static const std::regex disabled(R"(DISABLED_|^\s*//\s*TEST(_[FP])?\()", std::regex::multiline);
  if (!has_any(file.text, {"DISABLED_", "// TEST", "//TEST"})) return "";
  return std::regex_search(file.text, disabled) ? "a test runs or does not exist" : "";
}

Complaint names_a_machine(const SourceFile& file) {
  static const std::regex path(R"((^|[^A-Za-z.])/(work|farm)/)");
  static const std::regex host(
      R"(registry\.npmjs|pypi\.org|crates\.io/api|proxy\.golang|deb\.debian\.org|repo1?\.maven)");
  if (!has_any(file.text, {"/work/", "/farm/", "registry.", "pypi", "crates", "proxy.golang", "deb.debian", "maven"}))
    return "";
  if (std::regex_search(file.text, path)) return "a path of one machine";
  return std::regex_search(file.text, host) ? "name the package, not the registry" : "";
}

Complaint goes_on_after_errors(const SourceFile& file) {
  if (!file.text.starts_with("#!/bin/sh") && !file.text.starts_with("#!/bin/bash"))
    return "say in the first line which shell runs it";
  return file.text.find("set -") != std::string::npos ? "" : "start with set -eu";
}

struct Rule {
  const char* name;
  bool (*concerns)(const std::string& path);
  Complaint (*complaint)(const SourceFile&);
  std::vector<SourceFile> broken;  // each of which it finds
};
void PrintTo(const Rule& rule, std::ostream* out) { *out << rule.name; }

const std::vector<Rule>& rules() {
  static const std::vector<Rule> all = {
      {"NoFileGrowsPast400Lines",
       is_source,
       is_too_long,
       {{"host/x.cc", std::string(401, '\n')}, {"tests/x.cc", std::string(401, '\n')}}},
      {"DocsFitInto120Columns",
       [](const std::string& path) { return ending_of(path) == ".md"; },
       has_a_wide_line,
       {{"docs/x.md", std::string(60, 'a') + " " + std::string(60, 'a')},
        {"x.md", "- " + std::string(60, 'a') + " " + std::string(60, 'a') + "\n"}}},
      {"EveryHeaderIsGuarded",
       is_header,
       is_not_guarded,
       {{"host/x.h", "// A story.\nint f();\n"}, {"host/x.hpp", "int f();\n"}}},
      {"EveryProductHeaderOpensWithItsStory",
       [](const std::string& path) { return is_source(path) && is_product(path) && ending_of(path) != ".cc"; },
       has_no_story,
       {{"host/x.h", "#pragma once\n"}}},
      {"TheWallClockIsForRecordsAndPeople",
       [](const std::string& path) { return is_source(path) && is_product(path) && !path.starts_with("servers/e2b/"); },
       // The server's time of day runs by the steady clock (server_clock.h).
       asks_the_wall_clock,
       {{"host/x.cc", "clock.unix_ns();"},
        {"host/x.cc", "std::chrono::system_clock::now();"},
        {"host/x.cc", "time(nullptr);"},
        {"host/x.cc", "clock_gettime(CLOCK_REALTIME, &now);"}}},
      {"TestsWaitForWhatTheyWaitFor",
       [](const std::string& path) { return is_source(path) && path.starts_with("tests/") && !is_rule(path); },
       sleeps,
       {{"tests/x.cc", "std::this_thread::sleep_for(1s);"},
        {"tests/x.cc", "::usleep(5);"},
        {"tests/x.cc", "sleep(1);"},
        {"tests/x.cc", "while (!done) std::this_thread::yield();"}}},
      {"ThreadsAreBegunInOnePlace",
       begins_threads,
       begins_a_thread,
       {{"host/x.cc", "thread_ = std::thread([this] { work(); });"},
        {"host/x.cc", "std::thread producer([&] {});"},
        {"host/x.cc", "X::X() : thread_([this] { work(); }) {}"},
        {"host/x.cc", "for (;;) threads_.emplace_back([this] { work(); });"},
        {"host/x.cc", "std::async(std::launch::async, work);"},
        {"host/x.cc", "auto later = std::async([text] { return text; });"}}},
      {"NothingIsLeftUnfinished",
       [](const std::string& path) { return is_source(path) && !is_rule(path); },
       is_unfinished,
       {{"host/x.cc", "// TODO: more\n"}, {"tests/x.cc", "FIXME"}}},
      {"NoTestIsCommentedOutOrDisabled",
       [](const std::string& path) { return is_source(path) && !is_rule(path); },
       has_a_dead_test,
       {{"tests/x.cc", "TEST(A, DISABLED_B) {}"}, {"tests/x.cc", "  // TEST_F(A, B) {"}}},
      {"NoMachinePathAndNoRegistryHostIsWrittenDown",
       [](const std::string& path) { return !is_rule(path); },
       names_a_machine,
       {{"x.md", "see /work/x"}, {"x.py", "https://pypi.org/simple"}}},
      {"ShellScriptsSayWhichShellAndStopOnErrors",
       [](const std::string& path) { return ending_of(path) == ".sh"; },
       goes_on_after_errors,
       {{"x.sh", "echo\n"}, {"x.sh", "#!/bin/sh\necho\n"}}},
  };
  return all;
}

class Style : public testing::TestWithParam<Rule> {};

TEST_P(Style, IsKept) {
  size_t concerned = 0;
  for (const SourceFile& file : all_files()) {
    if (!GetParam().concerns(file.path)) continue;
    ++concerned;
    const Complaint complaint = GetParam().complaint(file);
    EXPECT_EQ(complaint, "") << file.path;
  }
  EXPECT_GT(concerned, 10u) << "the tree was not found";
}

TEST_P(Style, IsNoticedWhereItIsBroken) {
  ASSERT_FALSE(GetParam().broken.empty());
  for (const SourceFile& file : GetParam().broken) {
    EXPECT_TRUE(GetParam().concerns(file.path)) << file.path;
    EXPECT_NE(GetParam().complaint(file), "") << file.text.substr(0, 100);
  }
}

INSTANTIATE_TEST_SUITE_P(Rules, Style, testing::ValuesIn(rules()),
                         [](const auto& rule) { return std::string(rule.param.name); });

}  // namespace
}  // namespace osiris::tidy
