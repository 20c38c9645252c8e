// What a run has left of its steps, and how two such are told apart.
#include "host/cache/run_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/cache/reasons.h"
#include "protocol/base/file.h"
#include "protocol/base/temporary_directory.h"

namespace osiris {
namespace {

class RunKeysTest : public ::testing::Test {
 protected:
  RunKeysTest() {
    Diagnostics findings;
    project_ = Project::load(directory_.path(), Environment(), findings);
  }
  RunKeys keys(const std::string& run_id) const {
    RunKeys made;
    made.run_id = run_id;
    made.pipeline_id = "daily_sync";
    made.profile = "dev";
    made.session = "/sessions/1";
    RanStep& step = made.steps["load"];
    step.parts = {{"config path", "a"}, {"file in.csv", "b"}};
    step.key = key_of(step.parts);
    step.content = "run:" + run_id;
    step.files["/in.csv"] = {1, 2, 3, -4, INT64_MAX};
    step.complete = true;
    step.outputs.push_back({"out.csv", "/out.csv", 7, "cd", "load"});
    return made;
  }

  TemporaryDirectory directory_ = *TemporaryDirectory::make();
  Project project_;
};

TEST_F(RunKeysTest, ComeBackAsTheyWereWritten) {
  EXPECT_FALSE(RunKeys::read(project_, "daily_sync", "dev", ""));
  ASSERT_TRUE(keys("run-000002_A").write(project_).ok());
  const auto read = RunKeys::read(project_, "daily_sync", "dev", "");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->session, "/sessions/1");
  EXPECT_FALSE(read->ended);
  const RanStep& step = read->steps.at("load");
  EXPECT_EQ(step.key, keys("run-000002_A").steps["load"].key);
  EXPECT_EQ(step.files.at("/in.csv").ctime_ns, INT64_MAX);
  EXPECT_EQ(step.outputs.at(0).target, "/out.csv");
  EXPECT_TRUE(step.complete);
}

TEST_F(RunKeysTest, TheNewestOfThePipelineAndProfileIsFound) {
  for (const char* run_id : {"run-000009_B", "run-000010_A", "run-000002_C"})
    ASSERT_TRUE(keys(run_id).write(project_).ok());
  EXPECT_EQ(RunKeys::read(project_, "daily_sync", "dev", "")->run_id, "run-000010_A");
  EXPECT_EQ(RunKeys::read(project_, "daily_sync", "dev", "run-000002_C")->run_id, "run-000002_C");
  EXPECT_FALSE(RunKeys::read(project_, "daily_sync", "prod", ""));
  EXPECT_FALSE(RunKeys::read(project_, "daily-sync", "dev", "")) << "another pipeline with the same file name";
}

TEST_F(RunKeysTest, WhatIsDamagedIsPassedOver) {
  ASSERT_TRUE(keys("run-000001_A").write(project_).ok());
  ASSERT_TRUE(write_file_atomically(project_.cache_dir() / "runs/dev/daily-sync/run-000002_A.json", "{").ok());
  EXPECT_EQ(RunKeys::read(project_, "daily_sync", "dev", "")->run_id, "run-000001_A");
  EXPECT_FALSE(RunKeys::read(project_, "daily_sync", "dev", "run-000002_A"));
}

TEST(KeyParts, AnyDifferenceGivesAnotherKey) {
  const KeyParts parts = {{"a", "1"}, {"b", "2"}};
  EXPECT_EQ(key_of(parts), key_of({{"a", "1"}, {"b", "2"}}));
  EXPECT_NE(key_of(parts), key_of({{"a", "1"}}));
  EXPECT_NE(key_of(parts), key_of({{"a", "1\",\"b"}, {"", "2"}}));
  EXPECT_NE(key_of(parts), key_of({{"b", "2"}, {"a", "1"}}));
}

TEST(KeyParts, DifferencesAreSaidInWords) {
  EXPECT_EQ(changes_between({{"config query", "1"}, {"input df_a (a)", "x"}},
                            {{"config query", "2"}, {"input df_a (a)", "y"}, {"file in.csv", "z"}}),
            "config query changed, step a has other rows, file in.csv is new");
  EXPECT_EQ(changes_between({{"worker", "1"}, {"input df_a (a)", "x"}}, {{"worker", "2"}}),
            "worker is another version, it does not read step a any more");
  EXPECT_EQ(changes_between({{"input df_a (a)", "x"}}, {{"input df_a (a)", ""}}), "step a runs again");
}

}  // namespace
}  // namespace osiris
