// The proof that outputs are there, each piece of evidence missing or contradicting in turn.
#include "host/run/output_proof.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/base/file.h"
#include "protocol/base/sha256.h"

namespace osiris {
namespace {

using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

class OutputProof : public testing::Test {
 protected:
  OutputProof() : directory_(fs::path(testing::TempDir()) / ("output_proof_" + std::to_string(::getpid()))) {
    fs::remove_all(directory_);
    fs::create_directories(directory_);
    add("save", "out.csv", "id\n1\n");
  }
  ~OutputProof() override { fs::remove_all(directory_); }

  // An output about which all agree.
  void add(const std::string& step_id, const std::string& path, const std::string& bytes) {
    planned_.push_back({step_id, path, directory_ / path});
    EXPECT_TRUE(write_file_atomically(directory_ / path, bytes).ok());
    const auto digest =
        Json::object({{"path", path}, {"size_bytes", uint64_t{bytes.size()}}, {"sha256", sha256_hex(bytes)}});
    tally_.on_event("output_written", step_id, digest);
    files_.push_back({path, (directory_ / path).string(), bytes.size(), sha256_hex(bytes), step_id});
  }
  Artifact& reported() { return files_.at(0); }
  fs::path target() const { return directory_ / "out.csv"; }

  Status prove() const { return prove_outputs(planned_, tally_.steps(), files_); }
  std::string doubt() const {
    const Status proved = prove();
    EXPECT_FALSE(proved.ok());
    return proved.ok() ? "" : proved.error().message;
  }

  const fs::path directory_;
  ManualClock clock_;
  StepTally tally_{clock_};
  std::vector<PlannedOutput> planned_;
  std::vector<Artifact> files_;
};

TEST_F(OutputProof, HoldsWhereEverybodyAgrees) {
  add("other", "other.csv", "");
  EXPECT_TRUE(prove().ok()) << prove().error().message;
}

TEST_F(OutputProof, OfARunWithoutOutputsIsNothingToDo) {
  planned_.clear();
  files_.clear();
  EXPECT_TRUE(prove().ok());
}

TEST_F(OutputProof, NeedsTheFile) {
  fs::remove(target());
  EXPECT_THAT(doubt(), HasSubstr("out.csv of step save: nothing is at " + target().string()));
}

TEST_F(OutputProof, NeedsTheSizeAndTheBytes) {
  ASSERT_TRUE(write_file_atomically(target(), "id\n1\n2\n").ok());
  EXPECT_THAT(doubt(), HasSubstr("has 7 bytes instead of 5"));
  ASSERT_TRUE(write_file_atomically(target(), "id\n2\n").ok());
  EXPECT_THAT(doubt(), HasSubstr("has 5 bytes with SHA-256 " + sha256_hex("id\n2\n") + " instead of"));
}

TEST_F(OutputProof, NeedsTheAdaptersReport) {
  files_.clear();
  EXPECT_THAT(doubt(), HasSubstr("the adapter does not report it"));
}

TEST_F(OutputProof, NeedsTheStepsOwnWord) {
  tally_.on_event("step_start", "save", Json::object());  // of another attempt, which wrote nothing
  EXPECT_THAT(doubt(), HasSubstr("its step was never seen to write it"));
}

TEST_F(OutputProof, NeedsBothWordsToAgree) {
  reported().sha256 = std::string(64, 'f');
  EXPECT_THAT(doubt(), HasSubstr("the adapter reports 5 bytes with SHA-256 ffff"));
  reported().sha256 = sha256_hex("id\n1\n");
  reported().size_bytes = 6;
  EXPECT_THAT(doubt(), HasSubstr("the adapter reports 6 bytes"));
}

TEST_F(OutputProof, NeedsThePlaceOfThePlan) {
  reported().target = (directory_ / "elsewhere.csv").string();
  EXPECT_THAT(doubt(), HasSubstr("the pipeline says " + target().string()));
}

TEST_F(OutputProof, TakesNoReportOfAFileThePlanDoesNotKnow) {
  Artifact stranger = reported();
  stranger.path = "/etc/passwd";
  files_.push_back(std::move(stranger));
  EXPECT_THAT(doubt(), HasSubstr("/etc/passwd of step save: the adapter reports it, the pipeline does not write it"));
}

TEST_F(OutputProof, OneGoodReportDoesNotExcuseABadOne) {
  Artifact again = reported();
  again.size_bytes = 1;
  files_.push_back(std::move(again));
  EXPECT_THAT(doubt(), HasSubstr("the adapter reports 1 bytes"));
}

TEST_F(OutputProof, FollowsNoLinkAndWaitsForNoPipe) {
  const fs::path moved = directory_ / "moved";
  fs::rename(target(), moved);
  fs::create_symlink(moved, target());
  EXPECT_THAT(doubt(), HasSubstr("is a symbolic link"));
  fs::remove(target());
  ASSERT_EQ(::mkfifo(target().c_str(), 0600), 0);
  EXPECT_THAT(doubt(), HasSubstr("is not a regular file"));
  fs::remove(target());
  fs::create_directory(target());
  EXPECT_THAT(doubt(), HasSubstr("is not a regular file"));
}

TEST_F(OutputProof, NamesFiveAndCountsTheRest) {
  for (int i = 0; i < 8; ++i) add("s" + std::to_string(i), "o" + std::to_string(i), "x");
  files_.clear();
  EXPECT_THAT(doubt(), HasSubstr("9 outputs are not what the pipeline says"));
  EXPECT_THAT(doubt(), HasSubstr("o3 of step s3"));
  EXPECT_THAT(doubt(), Not(HasSubstr("o4 of step s4")));
  EXPECT_THAT(doubt(), HasSubstr("and 4 more"));
}

// A planned directory with two files about which all agree.
class DirectoryProof : public OutputProof {
 protected:
  DirectoryProof() {
    fs::create_directories(directory_ / "set/k=1");
    add("split", "set/k=1/a.parquet", "a");
    add("split", "set/b.parquet", "b");
    planned_.resize(1);
    planned_.push_back({"split", "set/", directory_ / "set/", true});
  }
};

TEST_F(DirectoryProof, HoldsForTheFilesThatTheStepWrote) { EXPECT_TRUE(prove().ok()) << doubt(); }

TEST_F(DirectoryProof, NeedsEachOfThem) {
  ASSERT_TRUE(write_file_atomically(directory_ / "set/k=1/a.parquet", "x").ok());
  EXPECT_THAT(doubt(), HasSubstr("set/k=1/a.parquet of step split"));
  fs::remove(directory_ / "set/b.parquet");
  EXPECT_THAT(doubt(), HasSubstr("set/b.parquet of step split: nothing is at"));
}

TEST_F(DirectoryProof, TakesNoFileBesideThem) {
  ASSERT_TRUE(write_file_atomically(directory_ / "set/old.parquet", "old").ok());
  EXPECT_THAT(doubt(), HasSubstr("old.parquet, which its step did not write"));
}

TEST_F(DirectoryProof, NeedsAStepThatWroteSomething) {
  tally_.on_event("step_start", "split", Json::object());
  EXPECT_THAT(doubt(), HasSubstr("its step was never seen to write into it"));
}

TEST_F(DirectoryProof, TakesNoReportFromOutsideTheDirectory) {
  Artifact stranger = files_.back();
  stranger.path = "set/../../etc/passwd";
  files_.push_back(std::move(stranger));
  EXPECT_THAT(doubt(), HasSubstr("the pipeline does not write it"));
}

TEST(PlannedOutputs, AreThoseOfEveryStepInTheOrderOfThePlan) {
  Plan plan;
  plan.steps.resize(3);
  plan.steps[1].id = "b";
  plan.steps[1].outputs = {{"x", "/w/x", {}}, {"y", "/w/y", {}}};
  const auto outputs = planned_outputs(plan);
  ASSERT_EQ(outputs.size(), 2u);
  EXPECT_EQ(outputs[1].step_id, "b");
  EXPECT_EQ(outputs[1].path, "y");
  EXPECT_EQ(outputs[1].target, "/w/y");
}

}  // namespace
}  // namespace osiris
