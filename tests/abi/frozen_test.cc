// The ABI 1.0 is frozen: its headers, byte for byte, and an adapter and a host of that day. The adapter runs in today's
// osiris (Language, HostRunLanguage, PageEnd with "frozen"), today's adapters run in the host: `local` here, `e2b` in
// tests/e2b.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "protocol/base/file.h"
#include "protocol/base/sha256.h"
#include "protocol/base/subprocess.h"
#include "tests/abi/support.h"
#include "tests/abi/two_steps.h"

namespace osiris::abi_tests {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// Nothing here may ever change: a later minor has a folder of its own.
const std::map<std::string, std::string> kFrozen = {
    {"host.c", "6c0ae4cffec7277748b25b7de920f5754f055c6064bd35af137c098cf8749e34"},
    {"include/osiris/adapter.h", "e5c069da646ede6edaf9c062329b36b9dae69f3027c1e737bced814b448a46a3"},
    {"include/osiris/ext/explain.h", "cf984565ee99fdd0b40a2603e70b193480c6e16753539e319e6d97c80aaad9b3"},
    {"include/osiris/ext/resources.h", "9f3b9ff18bcbcc2879d1e92842a39334599670a7c6baea27c4a0a64a6fa5ac82"},
    {"json_scan.h", "4bb13d358fc463ef57b6a799200dceaa8f3d601b3bc6730bbbc4f4ff7d6c1222"},
    {"plugin.c", "f868d6aa9152e5aa9cfc4b9a57914e491302a3eae55835d482df8c9aea105825"},
    {"tell.h", "5d2ecd930de449dca30357e9ade7a8212541d297171bd02d8249b51760e18bbc"},
};

TEST(Frozen, FilesAreThoseOfTheDay) {
  const fs::path folder = source_dir() / "tests/abi/v1.0";
  std::map<std::string, std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file())
      found[fs::relative(entry.path(), folder).string()] = sha256_hex(*read_file(entry.path()));
  EXPECT_EQ(found, kFrozen) << "the ABI 1.0 is a promise: put the file back as it was";
}

TEST(Frozen, HeadersAreTodays) {
  for (const char* header : {"osiris/adapter.h", "osiris/ext/resources.h", "osiris/ext/explain.h"})
    EXPECT_EQ(*read_file(source_dir() / "plugin_api/include" / header),
              *read_file(source_dir() / "tests/abi/v1.0/include" / header))
        << header
        << ": what is added makes a new minor, with a frozen copy of its own (docs/abi/rules.md, \"Growing\")";
}

TEST(Frozen, TheHostOfTheDayRunsTodaysLocalAdapter) {
  const TemporaryDirectory directory;
  const TwoSteps run(directory.path(), tree_dir() / "lib/osiris/osiris-worker");
  const CommandOutput output = run.in_frozen_host(tree_dir() / "lib/osiris/adapters/local.so", "local");
  EXPECT_TRUE(output.exit.success()) << output.standard_output << output.standard_error;
  EXPECT_THAT(output.standard_output, HasSubstr("event step_complete"));
  EXPECT_THAT(output.standard_output, HasSubstr("destroyed"));
  EXPECT_EQ(*read_file(run.output()), TwoSteps::kExpected);
}

}  // namespace
}  // namespace osiris::abi_tests
