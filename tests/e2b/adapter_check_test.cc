// The adapter e2b keeps its promises, against the local E2B server; what it must be told comes from an answers file.
#include <gtest/gtest.h>

#include <cstdio>

#include "protocol/base/file.h"
#include "tests/adapter_check/support.h"
#include "tests/e2b/sandboxed_project.h"

namespace osiris::e2b_test {
namespace {

TEST(AdapterCheck, E2bKeepsEveryPromise) {
  const ServerProcess server = start_server();
  const Project project;
  const std::filesystem::path answers = project.dir() / "answers.yaml";
  ASSERT_TRUE(write_file_atomically(answers, "options: {api_url: \"" + server.url() + "\", sandbox_url: \"" +
                                                 server.url() + "\"}\nsecrets: {E2B_API_KEY: " + server.api_key() +
                                                 "}\nlimits: {call_seconds: 60, case_seconds: 120}\n")
                  .ok());
  const auto checked = check_tests::check({check_tests::adapter("e2b").string(), "--answers", answers.string()});
  EXPECT_EQ(checked.exit, 0) << checked.failures;
  EXPECT_GE(checked.count("passed"), 200);
  EXPECT_EQ(checked.outcomes.at("resources.reap"), "passed") << checked.reasons.at("resources.reap");
  std::printf("e2b: %lld cases in %.1f s: %lld passed, %lld skipped\n", static_cast<long long>(checked.count("cases")),
              static_cast<double>(checked.document["duration_ms"].as_int()) / 1e3,
              static_cast<long long>(checked.count("passed")), static_cast<long long>(checked.count("skipped")));
  expect_no_sandbox(server);
}

}  // namespace
}  // namespace osiris::e2b_test
