// ctest sums times up by label, which is how a slow kind of test is seen; so every test has one.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <string>

#include "protocol/base/json.h"
#include "protocol/base/subprocess.h"
#include "protocol/base/temporary_directory.h"

namespace osiris::tidy {
namespace {

std::set<std::string> labels_of(const Json& test) {
  std::set<std::string> labels;
  for (const Json& property : test["properties"].items())
    if (property["name"].as_string() == "LABELS")
      for (const Json& label : property["value"].items()) labels.insert(label.as_string());
  return labels;
}

TEST(Labels, EveryTestHasOne) {
  const char* build = std::getenv("OSIRIS_BUILD_DIR");
  ASSERT_NE(build, nullptr);
  // ctest writes a log where its list of tests is, also when it only shows them: here that of the run that this test is
  // part of would be lost.
  const auto list = TemporaryDirectory::make();
  std::ofstream(list->path() / "CTestTestfile.cmake") << "subdirs(\"" << build << "\")\n";
  SpawnOptions options;
  const char* ctest = std::getenv("OSIRIS_CTEST");
  options.arguments = {ctest ? ctest : "/usr/bin/ctest", "--test-dir", list->path().string(), "--show-only=json-v1"};
  const auto listed = run_command(options, 60'000, 64u << 20);
  ASSERT_TRUE(listed.ok()) << listed.error().message;
  const auto document = parse_json(listed->standard_output);
  ASSERT_TRUE(document.ok()) << listed->standard_error;
  size_t tests = 0;
  for (const Json& test : (*document)["tests"].items()) {
    const std::string& name = test["name"].as_string();
    if (name.ends_with("_NOT_BUILT")) continue;  // ctest's stand-in for a program whose cases are not known yet
    ++tests;
    const std::set<std::string> labels = labels_of(test);
    EXPECT_FALSE(labels.empty()) << name << ": give it LABELS";
    // CMake loses the second of two labels where they are among the properties of discovered tests.
    if (name.starts_with("e2b_fault_test.")) {
      EXPECT_EQ(labels, std::set<std::string>({"e2b", "faults"})) << name;
    }
    if (name.starts_with("attack_test.")) {
      EXPECT_EQ(labels, std::set<std::string>({"attack", "e2b"})) << name;
    }
  }
  EXPECT_GT(tests, 10u);
}

}  // namespace
}  // namespace osiris::tidy
