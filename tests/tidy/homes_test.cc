// Ideas with one home: what is done elsewhere is found here, with the place where it belongs.
#include <gtest/gtest.h>

#include <map>
#include <ostream>
#include <regex>
#include <set>

#include "tests/tidy/tree.h"

namespace osiris::tidy {
namespace {

struct Home {
  const char* name;
  const char* pattern;                        // of what belongs there, in code without comments
  std::vector<std::string> folders;           // where it is looked for
  std::map<std::string, std::string> places;  // the home, and others with their reason
  const char* remedy;
  const char* broken;  // what it finds
};
void PrintTo(const Home& home, std::ostream* out) { *out << home.name; }

const std::vector<std::string> kProcesses = {"host/", "plugins/", "protocol/", "servers/", "worker/"};

const std::vector<Home>& homes() {
  static const std::vector<Home> all = {
      {"OfClosing",
       R"((^|[^\w.>:])::close\(|[=;{}]\s*close\(\s*[a-z_]+\s*\))",
       kProcesses,
       {{"protocol/base/fd.cc", "the home"}},
       "own it with FileDescriptor (protocol/base/fd.h)",
       "if (fd >= 0) ::close(fd);"},
      {"OfLocking",
       R"(\bflock\()",
       kProcesses,
       {{"protocol/base/file_lock.cc", "the home"}},
       "take a FileLock",
       "flock(fd, LOCK_EX);"},
      {"OfEvents",
       R"(\beventfd\()",
       kProcesses,
       {{"protocol/base/fd.cc", "the home"}, {"worker/main.cc", "a counter that carries numbers"}},
       "use EventDescriptor",
       "eventfd(0, 0);"},
      {"OfRandomness",
       R"(\bgetrandom\(|random_device)",
       kProcesses,
       {{"protocol/base/random.cc", "the home"}},
       "ask random_bytes()",
       "std::random_device device;"},
      {"OfErrorCategories",
       R"rx("(connection|validation|config|extract|transform|write|runtime|system)\.[a-z_]+")rx",
       kProcesses,
       {{"protocol/base/categories.h", "the home"}},
       "use a constant of protocol/base/categories.h; a new category is explained in docs/error-categories.md",
       "Error(Code::kInternal, \"x\", \"\", \"write.failed\")"},
      {"OfExitStatuses",
       R"(ExitCode::k(StepFailed|Input|AdapterFailed|Deadline)\b)",
       {"host/"},
       {{"host/run/exit_status.h", "the home"},
        {"host/run/exit_status.cc", "the home"},
        {"host/run/status.h", "the verdict on a run without an error"},
        {"host/run/status.cc", "the same"},
        {"host/run/resources.cc", "which of them ended in order"},
        {"host/main.cc", "before an error could be said"}},
       "ask exit_code_for()",
       "return ExitCode::kInput;"},
      // What an adapter brings to the command line is in its manifest.
      {"OfTheNamesOfAdapters",
       R"("[^"\n]*(e2b|E2B)[^"\n]*")",
       {"host/"},
       {{"host/run/masking.cc", "shapes of tokens, of many services"}},
       "it belongs into the adapter's manifest",
       "if (word == \"--e2b\") choose();"},
  };
  return all;
}

std::string without_comments(const std::string& text) {
  static const std::regex comment(R"(//[^\n]*)");
  return std::regex_replace(text, comment, "");
}

class Homes : public testing::TestWithParam<Home> {};

TEST_P(Homes, AreTheOnlyPlaces) {
  const std::regex pattern(GetParam().pattern);
  size_t files = 0;
  for (const SourceFile& file : source_files()) {
    bool concerned = false;
    for (const std::string& folder : GetParam().folders) concerned |= file.path.starts_with(folder);
    files += concerned;
    if (!concerned || file.path.ends_with(".c") || GetParam().places.count(file.path)) continue;
    std::smatch found;
    const std::string code = without_comments(file.text);
    EXPECT_FALSE(std::regex_search(code, found, pattern))
        << file.path << ": " << found.str() << ": " << GetParam().remedy;
  }
  EXPECT_GT(files, 50u) << "the tree was not found";
}

TEST_P(Homes, AreMissedElsewhere) {
  EXPECT_TRUE(std::regex_search(std::string(GetParam().broken), std::regex(GetParam().pattern)));
}

INSTANTIATE_TEST_SUITE_P(Ideas, Homes, testing::ValuesIn(homes()),
                         [](const auto& home) { return std::string(home.param.name); });

TEST(Drivers, AreAllInTheSharedSuiteAndInTheManual) {
  std::set<std::string> drivers, rows, documented;
  for (const SourceFile& file : all_files()) {
    std::smatch found;
    static const std::regex spec(R"(worker/drivers/([^/]+)/spec\.yaml)"), row(R"(tests/drivers/([^/]+)/row\.cc)");
    if (std::regex_match(file.path, found, spec)) drivers.insert(found[1]);
    if (std::regex_match(file.path, found, row)) rows.insert(found[1]);
    if (file.path != "docs/drivers/README.md") continue;
    static const std::regex line(R"(\n\| `([a-z_.]+)` \|)");
    for (std::sregex_iterator it(file.text.begin(), file.text.end(), line), end; it != end; ++it)
      documented.insert((*it)[1]);
  }
  EXPECT_GE(drivers.size(), 6u);
  EXPECT_EQ(drivers, rows) << "tests/drivers/<name>/row.cc makes a driver join";
  EXPECT_EQ(drivers, documented) << "docs/drivers/README.md lists them";
}

}  // namespace
}  // namespace osiris::tidy
