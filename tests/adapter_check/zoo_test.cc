// Every promise can be broken, and the case that is named for it notices: each library of the zoo has one defect.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <set>
#include <thread>

#include "protocol/base/file.h"
#include "protocol/base/temporary_directory.h"
#include "tests/adapter_check/support.h"

namespace osiris::check_tests {
namespace {

struct Defect {
  std::string name, case_id, what;
};

const std::vector<Defect>& zoo() {
  static const std::vector<Defect> rows = {
#define ROW(name, case_id, what) {#name, case_id, what},
#include "zoo.def"
#undef ROW
  };
  return rows;
}

std::filesystem::path library(const std::string& name) {
  return build_dir() / "tests/adapter_check/zoo" / name / "cmini.so";
}

// What the zoo is told: a secret that must be found nowhere, and little patience.
class Zoo : public testing::Test {
 protected:
  Zoo() {
    EXPECT_TRUE(write_file_atomically(answers(),
                                      "secrets: {ZOO_TOKEN: a-token-of-the-zoo-1}\n"
                                      "limits: {call_seconds: 8, case_seconds: 40}\n")
                    .ok());
  }
  std::filesystem::path answers() const { return directory_.path() / "answers.yaml"; }
  std::string outcome_of(const std::filesystem::path& file, const std::string& case_id) const {
    const CommandOutput output =
        run_check({file.string(), "--answers", answers().string(), "--only", case_id, "--jobs", "1", "--json"});
    const auto document = parse_json(output.standard_output);
    if (!document.ok()) return output.standard_error;
    return (*document)["cases"].items().at(0)["outcome"].as_string();
  }
  const TemporaryDirectory directory_ = *TemporaryDirectory::make();
};

// Runs `each` for all rows, some at once: most wait most of the time.
void for_all(size_t count, const std::function<void(size_t)>& each) {
  std::atomic<size_t> next{0};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 2 * std::max(2u, std::thread::hardware_concurrency()); ++i)
    threads.emplace_back([&] {
      for (size_t at = next++; at < count; at = next++) each(at);
    });
  for (std::thread& thread : threads) thread.join();
}

TEST_F(Zoo, IsCaughtByTheCaseNamedForEach) {
  std::vector<std::string> outcomes(zoo().size());
  for_all(zoo().size(), [&](size_t at) { outcomes[at] = outcome_of(library(zoo()[at].name), zoo()[at].case_id); });
  size_t caught = 0;
  for (size_t at = 0; at < zoo().size(); ++at) {
    if (outcomes[at] == "failed")
      ++caught;
    else
      std::printf("missed: %s (%s): %s is %s\n", zoo()[at].name.c_str(), zoo()[at].what.c_str(),
                  zoo()[at].case_id.c_str(), outcomes[at].c_str());
  }
  std::printf("zoo caught %zu / %zu\n", caught, zoo().size());
  EXPECT_GE(zoo().size(), 80u);
  EXPECT_GE(100 * caught, 95 * zoo().size());
}

// The same library without a defect passes: no case fails for all.
TEST_F(Zoo, WithoutADefectKeepsEveryPromise) {
  const Checked checked = check({library("none").string(), "--answers", answers().string()});
  EXPECT_EQ(checked.exit, 0) << checked.failures;
  EXPECT_GE(checked.count("passed"), 200);
}

TEST_F(Zoo, NamesCasesThatThereAre) {
  const std::string list = "\n" + run_check({"--list"}).standard_output;
  for (const Defect& defect : zoo())
    EXPECT_NE(list.find("\n" + defect.case_id + " "), std::string::npos) << defect.name << ": " << defect.case_id;
}

// The adapter of the ABI's first day believed its worker too much; what was mended since stays noticed.
class FrozenAdapter : public Zoo, public testing::WithParamInterface<std::string> {};

TEST_P(FrozenAdapter, IsCaught) {
  EXPECT_EQ(outcome_of(build_dir() / "tests/abi/plugins/frozen.so", GetParam()), "failed");
}

INSTANTIATE_TEST_SUITE_P(By, FrozenAdapter,
                         testing::Values("channel.duplicates", "channel.garbled", "channel.drops-record",
                                         "channel.closes-output", "channel.ignores-signals"),
                         [](const auto& row) {
                           std::string name = row.param;
                           for (char& c : name)
                             if (c == '.' || c == '-') c = '_';
                           return name;
                         });

}  // namespace
}  // namespace osiris::check_tests
