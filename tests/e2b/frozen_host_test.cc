// Today's e2b adapter in the host that was frozen with the ABI 1.0, against the local E2B server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/abi/two_steps.h"
#include "tests/e2b/sandboxed_project.h"

namespace osiris::e2b_test {
namespace {

using testing::HasSubstr;

TEST(Frozen, TheHostOfTheDayRunsTodaysE2bAdapter) {
  const ServerProcess server = start_server();
  const Project project;
  const std::filesystem::path directory = project.dir() / "frozen";
  std::filesystem::create_directory(directory);
  const abi_tests::TwoSteps run(directory, e2e::build_dir() / "lib/osiris/osiris-worker");
  const CommandOutput output = run.in_frozen_host(e2e::build_dir() / "lib/osiris/adapters/e2b.so", "e2b",
                                                  {"api-url=" + server.url(), "sandbox-url=" + server.url()},
                                                  {{"E2B_API_KEY", server.api_key()}, {"HOME", directory.string()}});
  EXPECT_TRUE(output.exit.success()) << output.standard_output << output.standard_error;
  EXPECT_THAT(output.standard_output, HasSubstr("event resource_acquired"));
  EXPECT_THAT(output.standard_output, HasSubstr("event step_complete"));
  EXPECT_THAT(output.standard_output, HasSubstr("event resource_released"));
  EXPECT_THAT(output.standard_output, HasSubstr("destroyed"));
  EXPECT_EQ(*read_file(run.output()), abi_tests::TwoSteps::kExpected);
  expect_no_sandbox(server);
}

}  // namespace
}  // namespace osiris::e2b_test
