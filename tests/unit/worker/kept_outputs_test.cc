// A step's rows from one run to the next, through a file.
#include <gmock/gmock.h>

#include <fstream>

#include "protocol/base/sha256.h"
#include "tests/unit/worker/executor_fixture.h"

namespace osiris::worker {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class KeptOutputs : public ExecutorTest {
 protected:
  static Json with_kept(Json made, const std::string& kept) {
    made.set("kept", parse(kept));
    return made;
  }
  fs::path kept_file() const { return directory_ / "session/artifacts/a/kept.parquet"; }
  void keep() {
    plan({with_kept(step("a", "produce", {}, Json::object({{"rows", 3}})), R"({"use":"keep"})"),
          step("b", "consume", {"a"})});
    ask_all({"a", "b"});
    finish();
  }
  // Run it again: `a` is taken from `file`.
  void take(const fs::path& file, int rows) {
    sink_.clear();
    outcomes_.clear();
    plan({with_kept(parse(R"({"id":"a","driver":"produce","input_files":[{"path":"x","source":")" + file.string() +
                          R"("}]})"),
                    R"({"use":"take","run_id":"run-1","rows_read":3,"rows_written":0,"rows_out":)" +
                        std::to_string(rows) + "}"),
          step("b", "consume", {"a"})});
    ask_all({"a", "b"});
    finish();
  }
};

TEST_F(KeptOutputs, AreWrittenAndTold) {
  keep();
  const Json event = sink_.event("output_kept");
  EXPECT_EQ(event["path"].as_string(), "artifacts/a/kept.parquet");
  EXPECT_EQ(event["rows"].as_int(), 3);
  EXPECT_EQ(event["sha256"].as_string(), sha256_file(kept_file())->sha256);
  EXPECT_EQ(event["size_bytes"].as_uint(), fs::file_size(kept_file()));
}

TEST_F(KeptOutputs, AreTakenInPlaceOfTheStep) {
  keep();
  const Json consumed = result("b");
  const fs::path file = directory_ / "taken.parquet";
  fs::rename(kept_file(), file);
  take(file, 3);
  EXPECT_EQ(consumed["metrics"]["rows_written"].as_int(), 3);
  EXPECT_EQ(result("b")["metrics"]["rows_written"].as_int(), 3);
  EXPECT_THAT(sink_.event_names("a"), ElementsAre("step_start", "step_reused", "step_complete"));
  EXPECT_EQ(sink_.event("step_reused")["run_id"].as_string(), "run-1");
}

TEST_F(KeptOutputs, ThatCannotBeReadFailTheStep) {
  keep();
  const fs::path file = directory_ / "taken.parquet";
  fs::rename(kept_file(), file);
  take(file, 4);
  EXPECT_THAT(error("a").message, HasSubstr("the kept rows of step a cannot be read: it has 3 rows instead of 4"));
  std::ofstream(file, std::ios::trunc) << "no Parquet";
  take(file, 3);
  EXPECT_THAT(error("a").hint, HasSubstr("--no-cache"));
  take(directory_ / "nowhere", 3);
  EXPECT_THAT(error("a").message, HasSubstr("cannot be read"));
}

TEST_F(KeptOutputs, AreTakenShardByShard) {
  keep();
  const fs::path file = directory_ / "taken.parquet";
  fs::rename(kept_file(), file);
  const auto take_shards = [&](const std::string& shard_rows) {
    sink_.clear();
    outcomes_.clear();
    plan({with_kept(parse(R"({"id":"a","driver":"produce","input_files":[{"path":"x","source":")" + file.string() +
                          R"("}]})"),
                    R"({"use":"take","run_id":"run-1","rows_out":3,"shard_rows":)" + shard_rows + "}"),
          step("b", "consume", {"a"})});
    ask_all({"a", "b"});
    finish();
  };
  take_shards("[1,0,2]");
  EXPECT_EQ(result("b")["metrics"]["rows_written"].as_int(), 3);
  take_shards("[1,1]");
  EXPECT_THAT(error("a").message, HasSubstr("its shards have other rows than it has"));
}

TEST_F(KeptOutputs, ThatAreTooLargeAreNotKept) {
  plan({with_kept(step("a", "produce", {}, Json::object({{"rows", 3}})), R"({"use":"keep","bytes_max":1})")});
  ask("a");
  finish();
  EXPECT_THAT(sink_.event("output_not_kept")["reason"].as_string(), HasSubstr("1 may be kept"));
  EXPECT_FALSE(fs::exists(kept_file()));
  EXPECT_THAT(sink_.event_names("a"), Contains("step_complete"));
}

TEST_F(KeptOutputs, AStepThatIsDoneRunsNothing) {
  plan({with_kept(step("a", "fail"), R"({"use":"done","run_id":"run-1","rows_read":0,"rows_written":7,"rows_out":0})"),
        step("b", "produce", {"a"})});
  ask_all({"a", "b"});
  finish();
  EXPECT_EQ(result("a")["metrics"]["rows_written"].as_int(), 7);
  EXPECT_THAT(sink_.event_names("a"), Not(Contains("cfg_opened")));
}

TEST_F(KeptOutputs, AUseThatIsNotKnownIsRefused) {
  EXPECT_FALSE(plan_step_from_json(with_kept(step("a", "produce"), R"({"use":"lend"})")).ok());
}

}  // namespace
}  // namespace osiris::worker
