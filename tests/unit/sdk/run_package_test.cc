#include "plugins/sdk/package/run_package.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "plugins/sdk/package/artifacts.h"
#include "plugins/sdk/run/step_board.h"
#include "protocol/base/file.h"
#include "protocol/base/sha256.h"
#include "protocol/model/artifact.h"

namespace osiris::sdk {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class RunPackageTest : public testing::Test {
 protected:
  RunPackageTest() : directory_(testing::TempDir() + "/package_" + std::to_string(::getpid())) {
    fs::create_directories(directory_);
    input_ = directory_ + "/in.csv";
    EXPECT_TRUE(write_file_atomically(input_, "a,b\n1,2\n").ok());
    request_.run_id = "run_1";
    EXPECT_TRUE(request_.set_manifest(manifest(Json::object({{"b", 1}, {"a", 2}}))).ok());
    request_.connections = Json::object(
        {{"connections",
          Json::object(
              {{"@mysql.shop",
                Json::object({{"secrets", Json::object({{"password", "connection/mysql.shop/password"}})}})}})}});
  }
  ~RunPackageTest() override { fs::remove_all(directory_); }

  // Two steps that read the same file, the first with `cfg`.
  Json manifest(Json cfg) const {
    const Json files = Json::array({Json::object({{"path", "data/in.csv"}, {"source", input_}})});
    const auto step = [&files](const std::string& id, Json step_cfg) {
      return Json::object({{"id", id},
                           {"driver", "filesystem.csv_extractor"},
                           {"cfg_path", "cfg/" + id + ".json"},
                           {"cfg", std::move(step_cfg)},
                           {"input_files", files}});
    };
    return Json::object({{"steps", Json::array({step("read", std::move(cfg)), step("again", Json::object())})}});
  }

  std::string directory_, input_;
  RunRequest request_;
};

TEST_F(RunPackageTest, NamesPlanConfigsAndEachInputOnce) {
  const auto members = package_members(request_);
  ASSERT_TRUE(members.ok());
  ASSERT_EQ(members->size(), 4u);
  EXPECT_EQ((*members)[0].path, "plan.json");
  EXPECT_EQ((*members)[1].path, "cfg/read.json");
  EXPECT_EQ((*members)[1].text, "{\"a\":2,\"b\":1}");
  EXPECT_EQ((*members)[3].path, "inputs/0001");
  EXPECT_EQ((*members)[3].source, input_);
}

// Byte for byte what any other process made of this request, today or a year ago.
TEST_F(RunPackageTest, TheSameRequestGivesTheSameBytes) {
  fs::remove(input_);
  input_ = "/nowhere/in.csv";
  ASSERT_TRUE(request_.set_manifest(manifest(Json::object({{"b", 1}, {"a", 2}}))).ok());
  EXPECT_EQ(
      prepared_document(request_, {})->dump(),
      R"({"schema":"osiris.prepared/1","files":[{"path":"plan.json","size_bytes":328,"sha256":"f8e0b424f73234055dac6eaae03021e33d19d6cc15e69f7fdab25359b64f9f29"},)"
      R"({"path":"cfg/read.json","size_bytes":13,"sha256":"d3626ac30a87e6f7a6428233b3c68299976865fa5508e4267c5415c76af7a772"},)"
      R"({"path":"cfg/again.json","size_bytes":2,"sha256":"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},)"
      R"({"path":"inputs/0001","input":"data/in.csv","missing":true}],"secret_names":["connection/mysql.shop/password"],"options":{}})");
}

TEST_F(RunPackageTest, AnotherOrderOfTheSameRequestGivesTheSameBytes) {
  PackageOptions options, other_options;
  options.environment_names = {"A", "B"};
  other_options.environment_names = {"B", "A"};
  const Json secrets = Json::object({{"user", "s/user"}, {"password", "s/password"}});
  const Json other_secrets = Json::object({{"password", "s/password"}, {"user", "s/user"}});
  RunRequest other = request_;
  request_.connections = Json::object({{"connections", Json::object({{"@a", Json::object({{"secrets", secrets}})}})}});
  other.connections =
      Json::object({{"connections", Json::object({{"@a", Json::object({{"secrets", other_secrets}})}})}});
  ASSERT_TRUE(other.set_manifest(manifest(Json::object({{"a", 2}, {"b", 1}}))).ok());
  EXPECT_EQ(prepared_document(request_, options)->dump(), prepared_document(other, other_options)->dump());
  ASSERT_TRUE(other.set_manifest(manifest(Json::object({{"a", 2}, {"b", 3}}))).ok());
  EXPECT_NE(prepared_document(request_, options)->dump(), prepared_document(other, other_options)->dump())
      << "another request is another package";
}

TEST_F(RunPackageTest, HoldsSizesHashesNamesAndOptions) {
  PackageOptions options;
  options.environment_names = {"TOKEN"};
  options.options = {{"grace", "0.7"}, {"pass-env", "A"}, {"pass-env", "TOKEN"}};
  const auto document = prepared_document(request_, options);
  ASSERT_TRUE(document.ok());
  const Json& input = (*document)["files"].items().at(3);
  EXPECT_EQ(input["input"].as_string(), "data/in.csv");
  EXPECT_EQ(input["size_bytes"].as_int(), 8);
  EXPECT_EQ(input["sha256"].as_string(), sha256_hex("a,b\n1,2\n"));
  EXPECT_EQ((*document)["secret_names"].dump(), R"(["connection/mysql.shop/password","env/TOKEN"])");
  EXPECT_EQ((*document)["options"].dump(), R"({"grace":"0.7","pass-env":["A","TOKEN"]})");
}

TEST_F(RunPackageTest, WithoutHashesAnInputHasItsSizeOnly) {
  PackageOptions options;
  options.hash_inputs = false;
  const Json input = (*prepared_document(request_, options))["files"].items().at(3);
  EXPECT_EQ(input["size_bytes"].as_int(), 8);
  EXPECT_FALSE(input.contains("sha256"));
}

TEST_F(RunPackageTest, AMissingInputIsNotedAndLeftToItsStep) {
  fs::remove(input_);
  const auto document = prepared_document(request_, {});
  ASSERT_TRUE(document.ok());
  EXPECT_TRUE((*document)["files"].items().at(3)["missing"].as_bool());
}

TEST_F(RunPackageTest, OnlyARegularFileCanTravel) {
  fs::remove(input_);
  fs::create_directory(input_);
  EXPECT_EQ(prepared_document(request_, {}).error().code, Code::kInvalidArgument);
  PackageOptions in_place;
  in_place.hash_inputs = false;
  EXPECT_TRUE(prepared_document(request_, in_place).ok());
}

TEST(ArtifactsDocument, NamesEveryOutputWithItsSizeAndHash) {
  const Artifact artifact{"in.csv", "/w/in.csv", 8, sha256_hex("a,b\n1,2\n"), "write"};
  EXPECT_EQ(artifacts_document({artifact}, Json::array()).dump(),
            "{\"schema\":\"osiris.artifacts/1\",\"files\":[{\"path\":\"in.csv\",\"target\":\"/w/"
            "in.csv\",\"size_bytes\":8,\"sha256\":\"" +
                artifact.sha256 + "\",\"step_id\":\"write\"}],\"released\":[]}");
}

std::vector<PlanStep> steps(std::initializer_list<std::pair<const char*, StepMode>> ids) {
  std::vector<PlanStep> steps;
  for (const auto& [id, mode] : ids) {
    steps.emplace_back().id = id;
    steps.back().mode = mode;
  }
  return steps;
}
Json success(int read, int written) {
  return Json::object({{"metrics", Json::object({{"rows_read", read}, {"rows_written", written}})}});
}

TEST(StepBoardTest, TotalsAreWrittenRowsOrElseReadRows) {
  StepBoard board(steps({{"a", StepMode::kExtract}, {"b", StepMode::kWrite}}));
  board.succeeded("a", success(5, 0));
  EXPECT_EQ(board.result_document("success", Json::object())["total_rows"].as_int(), 5);
  board.succeeded("b", success(0, 4));
  EXPECT_EQ(board.result_document("success", Json::object())["total_rows"].as_int(), 4);
  EXPECT_TRUE(board.all_succeeded());
}

TEST(StepBoardTest, TheFirstFailureIsTheOneThatFailedOnItsOwn) {
  StepBoard board(steps({{"a", StepMode::kExtract}, {"b", StepMode::kWrite}, {"c", StepMode::kWrite}}));
  board.failed("c", Error(Code::kCancelled, "cancelled"));
  Error skipped(Code::kCancelled, "skipped");
  skipped.detail = Json::object({{"skipped", true}});
  board.failed("b", skipped);
  EXPECT_FALSE(board.first_failure());
  board.failed("a", Error(Code::kExhausted, "disk full"));
  ASSERT_TRUE(board.first_failure());
  EXPECT_EQ(board.first_failure()->step_id, "a");
  const Json document = board.result_document("failed", Json::object());
  EXPECT_EQ(document["steps"].items()[0]["status"].as_string(), "failed");
  EXPECT_EQ(document["steps"].items()[1]["status"].as_string(), "skipped");
  EXPECT_EQ(document["steps"].items()[2]["status"].as_string(), "cancelled");
}

TEST(StepBoardTest, StepsThePlanDoesNotNameAreIgnored) {
  StepBoard board(steps({{"a", StepMode::kExtract}}));
  board.started("x");
  board.succeeded("x", success(1, 1));
  EXPECT_EQ(board.completed(), 0u);
}

}  // namespace
}  // namespace osiris::sdk
