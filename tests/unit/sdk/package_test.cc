// A run package from the plan to the files it becomes in the worker's machine, which here is this one.
#include "plugins/sdk/package/package_contents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/sdk/package/run_package.h"
#include "protocol/base/file.h"
#include "protocol/base/sha256.h"
#include "tests/support/no_more_threads.h"
#include "worker/package/package.h"

namespace osiris::sdk {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

const std::string kKeptInputs = layout_of("/home/user", "run-1").kept_inputs();

class PackageTest : public testing::Test {
 protected:
  PackageTest() : directory_(fs::path(testing::TempDir()) / ("e2b_package_" + std::to_string(::getpid()))) {
    fs::remove_all(directory_);
    fs::create_directories(directory_ / "far");
    request_.run_id = "run-1";
    request_.work_dir = directory_;
  }
  ~PackageTest() override { fs::remove_all(directory_); }

  // A plan of one step that reads these files.
  void reads(const std::vector<std::pair<std::string, std::string>>& files) {
    PlanStep read;
    read.id = "read";
    read.component = read.driver = "filesystem.csv_extractor";
    read.cfg_path = "cfg/read.json";
    for (const auto& [path, content] : files) {
      fs::create_directories((directory_ / path).parent_path());
      EXPECT_TRUE(write_file_atomically(directory_ / path, content).ok());
      read.input_files.push_back({path, (directory_ / path).string(), {}});
    }
    Plan plan;
    plan.steps = {read};
    EXPECT_TRUE(request_.set_manifest(to_json(plan)).ok());
    request_.prepared = *prepared_document(request_, {});
  }

  PackageContents plan(bool keep) {
    auto plan = list_package_contents(request_, layout_of("/home/user", request_.run_id), keep);
    EXPECT_TRUE(plan.ok());
    return *std::move(plan);
  }

  // The plan's places, moved below this test's directory, and its archive.
  rpc::Package arrive(const PackageContents& plan) {
    rpc::Package package = plan.package;
    for (std::string* path : {&package.path, &package.prune})
      if (!path->empty()) *path = far(*path);
    for (std::string& path : package.directories) path = far(path);
    for (rpc::PackageFile& file : package.files) file.to = far(file.to);
    std::string bytes;
    PackageStream stream(plan);
    EXPECT_TRUE(stream
                    .write_to([&](std::string_view part) {
                      bytes += part;
                      return true;
                    })
                    .ok());
    fs::create_directories(fs::path(package.path).parent_path());
    EXPECT_TRUE(write_file_atomically(package.path, bytes).ok());
    return package;
  }
  std::string far(const std::string& path) const { return (directory_ / "far").string() + path; }

  std::string place_of(const PackageContents& plan, const std::string& path) const {
    for (const rpc::PathMapping& mapping : plan.path_map)
      if (mapping.from == (directory_ / path).string()) return far(mapping.to);
    return {};
  }

  const fs::path directory_;
  RunRequest request_;
};

TEST_F(PackageTest, EveryInputArrivesUnderItsOwnName) {
  reads({{"data/in.csv.gz", "first"}, {"other/in.csv.gz", "second"}});
  const PackageContents sent = plan(false);
  ASSERT_TRUE(worker::unpack_package(arrive(sent)).ok());
  EXPECT_EQ(*read_file(place_of(sent, "data/in.csv.gz")), "first");
  EXPECT_EQ(*read_file(place_of(sent, "other/in.csv.gz")), "second");
  EXPECT_THAT(place_of(sent, "data/in.csv.gz"), testing::EndsWith("/in.csv.gz"));
}

TEST_F(PackageTest, AnInputThatChangedSinceItWasPreparedStopsTheUpload) {
  reads({{"in.csv", "as it was"}});
  ASSERT_TRUE(write_file_atomically(directory_ / "in.csv", "as it is!").ok());
  const PackageContents changed = plan(false);
  PackageStream stream(changed);
  const Status sent = stream.write_to([](std::string_view) { return true; });
  ASSERT_FALSE(sent.ok());
  EXPECT_THAT(sent.error().message, HasSubstr("changed after the run was prepared"));
}

TEST_F(PackageTest, KeptInputsNeedNotTravelAgain) {
  reads({{"big.csv", std::string(100'000, 'b')}, {"small.csv", "v1"}});
  PackageContents first = plan(true);
  EXPECT_EQ(first.files_sent(), 4);
  ASSERT_TRUE(worker::unpack_package(arrive(first)).ok());

  reads({{"big.csv", std::string(100'000, 'b')}, {"small.csv", "v2"}});
  PackageContents second = plan(true);
  leave_out(second, kept_inputs(first));
  EXPECT_EQ(second.files_sent(), 3) << "plan, config, small.csv";
  ASSERT_TRUE(worker::unpack_package(arrive(second)).ok());
  EXPECT_EQ(read_file(place_of(second, "big.csv"))->size(), 100'000u);
  EXPECT_EQ(*read_file(place_of(second, "small.csv")), "v2");
  EXPECT_FALSE(fs::exists(place_of(first, "small.csv"))) << "what no run needs any more is removed";
}

TEST_F(PackageTest, AKeptInputThatIsNotWhatItWasIsNoticed) {
  reads({{"in.csv", "value"}});
  PackageContents first = plan(true);
  ASSERT_TRUE(worker::unpack_package(arrive(first)).ok());
  PackageContents second = plan(true);
  leave_out(second, kept_inputs(first));
  ASSERT_TRUE(write_file_atomically(place_of(second, "in.csv"), "VALUE").ok());
  Status unpacked = worker::unpack_package(arrive(second));
  ASSERT_FALSE(unpacked.ok());
  EXPECT_EQ(unpacked.error().code, Code::kNotFound);
  fs::remove(place_of(second, "in.csv"));
  unpacked = worker::unpack_package(arrive(second));
  ASSERT_FALSE(unpacked.ok());
  EXPECT_EQ(unpacked.error().code, Code::kNotFound);
}

TEST_F(PackageTest, TwoKeptInputsOfOneNameAndContentAreOneFile) {
  reads({{"a/in.csv", "same"}, {"b/in.csv", "same"}});
  const PackageContents sent = plan(true);
  ASSERT_TRUE(worker::unpack_package(arrive(sent)).ok());
  EXPECT_EQ(place_of(sent, "a/in.csv"), place_of(sent, "b/in.csv"));
  EXPECT_EQ(*read_file(place_of(sent, "b/in.csv")), "same");
}

TEST_F(PackageTest, PruningRemovesLinksWithoutFollowingThem) {
  reads({{"in.csv", "value"}});
  const PackageContents sent = plan(true);
  const fs::path precious = directory_ / "precious";
  ASSERT_TRUE(write_file_atomically(precious, "stays").ok());
  fs::create_directories(far(kKeptInputs));
  fs::create_directory_symlink(directory_, far(kKeptInputs) + "/link");
  ASSERT_TRUE(worker::unpack_package(arrive(sent)).ok());
  EXPECT_TRUE(fs::exists(precious));
  EXPECT_FALSE(fs::exists(fs::symlink_status(far(kKeptInputs) + "/link")));
}

// Each in a directory of its own; one without a directory here has none there, so that its writer fails in both places.
TEST_F(PackageTest, OutputsAreWrittenBelowTheRunAndNamedAsHere) {
  reads({{"in.csv", "value"}});
  PlanStep& step = request_.plan.steps[0];
  step.outputs = {{"out.csv", (directory_ / "out.csv").string(), {}},
                  {"./out.csv", (directory_ / "out.csv").string(), {}},
                  {"no/out.csv", (directory_ / "no/out.csv").string(), {}}};
  const PackageContents sent = plan(false);
  const std::string outputs = layout_of("/home/user", "run-1").outputs();
  EXPECT_EQ(place_of(sent, "out.csv"), far(outputs + "/1/out.csv"));
  EXPECT_EQ(place_of(sent, "no/out.csv"), far(outputs + "/2/missing/out.csv"));
  EXPECT_EQ(place_of(sent, "no"), far(outputs + "/2/missing"));
  EXPECT_EQ(std::count_if(sent.path_map.begin(), sent.path_map.end(),
                          [&](const auto& each) { return each.from == (directory_ / "out.csv").string(); }),
            1);
  ASSERT_TRUE(worker::unpack_package(arrive(sent)).ok());
  EXPECT_TRUE(fs::is_directory(far(outputs + "/1")));
  EXPECT_TRUE(fs::is_directory(far(outputs + "/2")));
  EXPECT_FALSE(fs::exists(far(outputs + "/2/missing")));
}

// Columns come from their names.
TEST_F(PackageTest, DirectoriesCalledKeyAndValueArriveToo) {
  reads({{"lake/year=2025/deep/in.parquet", "value"}});
  for (const bool keep : {false, true}) {
    const PackageContents sent = plan(keep);
    EXPECT_THAT(place_of(sent, "lake/year=2025/deep/in.parquet"), testing::EndsWith("/year=2025/deep/in.parquet"));
    EXPECT_THAT(place_of(sent, "lake/year=2025/deep/in.parquet"), testing::Not(HasSubstr("lake")));
    ASSERT_TRUE(worker::unpack_package(arrive(sent)).ok());
  }
}

// The step reads it where it will put the new one; a kept input would be changed.
TEST_F(PackageTest, AnOutputThatIsReadFirstTravelsToItsPlace) {
  reads({{"shop.duckdb", "old"}});
  request_.plan.steps[0].outputs = {{"shop.duckdb", (directory_ / "shop.duckdb").string(), {}}};
  const PackageContents sent = plan(true);
  const std::string place = far(layout_of("/home/user", "run-1").outputs() + "/1/shop.duckdb");
  EXPECT_EQ(place_of(sent, "shop.duckdb"), place);
  EXPECT_EQ(std::count_if(sent.path_map.begin(), sent.path_map.end(),
                          [&](const auto& each) { return each.from == (directory_ / "shop.duckdb").string(); }),
            1);
  ASSERT_TRUE(worker::unpack_package(arrive(sent)).ok());
  EXPECT_EQ(*read_file(place), "old");
  EXPECT_TRUE(kept_inputs(sent).empty());
}

TEST_F(PackageTest, WhatCameBeforeThePackageDoesNotTravelAndIsCheckedWhereItIs) {
  reads({{"rows.parquet", "rows"}, {"small.csv", "v1"}});
  PackageContents sent = plan(false);
  const std::string here = (directory_ / "rows.parquet").string(), there = "/home/user/rows/1.parquet";
  take_present(sent, {{here, there}, {"/elsewhere", "/home/user/rows/2.parquet"}});
  EXPECT_EQ(sent.files_sent(), 3) << "plan, config, small.csv";
  EXPECT_EQ(std::count_if(sent.path_map.begin(), sent.path_map.end(),
                          [&](const auto& each) { return each.from == here && each.to == there; }),
            1);
  const rpc::Package package = arrive(sent);
  EXPECT_FALSE(worker::unpack_package(package).ok()) << "it is not there";
  fs::create_directories(fs::path(far(there)).parent_path());
  ASSERT_TRUE(write_file_atomically(far(there), "rowS").ok());
  EXPECT_FALSE(worker::unpack_package(arrive(sent)).ok()) << "it is another";
  ASSERT_TRUE(write_file_atomically(far(there), "rows").ok());
  ASSERT_TRUE(worker::unpack_package(arrive(sent)).ok());
  EXPECT_EQ(*read_file(place_of(sent, "small.csv")), "v1");
}

TEST_F(PackageTest, WithoutKeepingNothingIsLeftOutWhateverIsSaid) {
  reads({{"in.csv", "value"}});
  PackageContents sent = plan(false);
  std::set<std::string> all;
  for (const rpc::PackageFile& file : sent.package.files) all.insert(file.to);
  leave_out(sent, all);
  EXPECT_EQ(sent.files_sent(), 3);
  EXPECT_TRUE(sent.package.prune.empty());
}

TEST_F(PackageTest, WithoutAThreadIsPackedByTheOneThatSends) {
  reads({{"in.csv", std::string(40'000'000, 'x')}});
  const NoMoreThreads none;
  const PackageContents sent = plan(false);
  ASSERT_TRUE(worker::unpack_package(arrive(sent)).ok());
  EXPECT_EQ(read_file(place_of(sent, "in.csv"))->size(), 40'000'000u);
}

}  // namespace
}  // namespace osiris::sdk
