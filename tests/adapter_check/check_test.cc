// Adapters that keep their promises pass.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/adapter_check/support.h"

namespace osiris::check_tests {
namespace {

constexpr int64_t kCasesMin = 150;

TEST(AdapterCheck, LocalKeepsEveryPromise) {
  const Checked checked = check({adapter("local").string()});
  EXPECT_EQ(checked.exit, 0) << checked.failures;
  EXPECT_EQ(checked.count("failed"), 0);
  EXPECT_GE(checked.count("passed"), kCasesMin);
  const double seconds = static_cast<double>(checked.document["duration_ms"].as_int()) / 1e3;
  std::printf("local: %lld cases in %.1f s: %lld passed, %lld skipped\n",
              static_cast<long long>(checked.count("cases")), seconds, static_cast<long long>(checked.count("passed")),
              static_cast<long long>(checked.count("skipped")));
}

// What authors begin with.
class Template : public testing::TestWithParam<std::string> {};

TEST_P(Template, KeepsEveryPromise) {
  const Checked checked = check({template_of(GetParam()).string()});
  EXPECT_EQ(checked.exit, 0) << checked.failures;
  EXPECT_GE(checked.count("passed"), 100);
  std::printf("%s: %lld cases: %lld passed, %lld skipped\n", GetParam().c_str(),
              static_cast<long long>(checked.count("cases")), static_cast<long long>(checked.count("passed")),
              static_cast<long long>(checked.count("skipped")));
}

INSTANTIATE_TEST_SUITE_P(All, Template, testing::Values("cmini", "mine", "rmini", "gmini"),
                         [](const auto& row) { return row.param; });

}  // namespace
}  // namespace osiris::check_tests
