#include "worker/executor/path_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/executor/masked_config.h"
#include "worker/specs/specs.h"

namespace osiris::worker {
namespace {

using ::testing::HasSubstr;

TEST(PathMap, StartsRelativePathsInTheWorkDirectory) {
  const PathMap paths("/home/user/work", {});
  EXPECT_EQ(paths.resolve("in/a.csv"), "/home/user/work/in/a.csv");
  EXPECT_EQ(paths.resolve("../a.csv"), "/home/user/a.csv");
  EXPECT_EQ(paths.resolve("/data/a.csv"), "/data/a.csv");
}

TEST(PathMap, ReplacesTheLongestPrefixOfWholeNames) {
  const PathMap paths("/w", {{"/data", "/in"}, {"/data/big", "/big"}, {"/data/one.csv", "/files/1"}});
  EXPECT_EQ(paths.resolve("/data/a.csv"), "/in/a.csv");
  EXPECT_EQ(paths.resolve("/data/big/a.csv"), "/big/a.csv");
  EXPECT_EQ(paths.resolve("/data/one.csv"), "/files/1");
  EXPECT_EQ(paths.resolve("/database/a.csv"), "/database/a.csv");
}

TEST(PathMap, TheRootAndSlashesAtTheEndMeanWhatTheyMeanToTheSystem) {
  for (const char* root : {"/", "//"}) {
    const PathMap paths("/w", {{root, "/image"}});
    EXPECT_EQ(paths.resolve("/data/a.csv"), "/image/data/a.csv") << root;
    EXPECT_EQ(paths.resolve("a.csv"), "/image/w/a.csv") << root;
  }
  EXPECT_EQ(PathMap("/w", {{"/data//", "/in"}}).resolve("/data/a.csv"), "/in/a.csv");
}

TEST(MaskedConfig, HidesByPointerByNameAndByValue) {
  Redactor redactor;
  redactor.add("known-value");
  const Json config = *parse_json(
      R"({"headers":{"A":"x"},"list":[{"pin":"1"},{"pin":"2"}],"nested":{"db_password":"p","X-Auth-Token":"t","primary_key":"id"},
      "note":"has known-value","key":null,"max_tokens":5,"author":"me"})");
  EXPECT_EQ(masked_config(config, "/headers /list/*/pin /absent", redactor).dump(),
            R"({"headers":"***MASKED***","list":[{"pin":"***MASKED***"},{"pin":"***MASKED***"}],)"
            R"("nested":{"db_password":"***MASKED***","X-Auth-Token":"***MASKED***","primary_key":"id"},)"
            R"("note":"has ***MASKED***","key":null,"max_tokens":5,"author":"me"})");
}

TEST(Specs, KnowEveryComponentAndItsSecrets) {
  ASSERT_NE(find_component_spec("mysql.extractor"), nullptr);
  EXPECT_THAT(std::string(find_component_spec("mysql.extractor")->secret_pointers), HasSubstr("/password"));
  EXPECT_EQ(find_component_spec("mysql.extractor")->sha256.size(), 64u);
  EXPECT_EQ(find_component_spec("nobody.extractor"), nullptr);
  std::string before;
  for (const ComponentSpec& spec : component_specs()) {
    EXPECT_LT(before, spec.name);
    before = spec.name;
  }
}

}  // namespace
}  // namespace osiris::worker
