// A run of a worker elsewhere, as an adapter of the SDK calls it.
#include <osiris/sdk/worker_run.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "protocol/base/json.h"
#include "protocol/base/temporary_directory.h"
#include "protocol/model/plan.h"
#include "tests/unit/sdk/recording_host.h"

namespace osiris::adapter_sdk {
namespace {

class NoFiles : public FileChannel {
 public:
  void upload(const std::string& path, const std::function<void(const Sink&)>&) override { ADD_FAILURE() << path; }
  std::unique_ptr<ByteSource> download(const std::string& path, uint64_t) override {
    ADD_FAILURE() << path;
    return nullptr;
  }
};

TEST(WorkerRunElsewhere, WhatStandsInTheWayOfAnOutputFailsTheRunBeforeAnythingIsSent) {
  const TemporaryDirectory directory = *TemporaryDirectory::make();
  const std::string target = directory.path() / "out.csv", place = directory.path();
  std::filesystem::create_directory(target);
  Plan plan;
  plan.steps.emplace_back().id = "write";
  plan.steps[0].driver = "filesystem.csv_writer";
  plan.steps[0].mode = StepMode::kWrite;
  plan.steps[0].outputs = {{"out.csv", target, {}}};
  const std::string manifest = to_json(plan).dump();
  osiris_request request{};
  request.size = sizeof request;
  request.run_id = OSIRIS_STR("run_1");
  request.manifest_json = plugin::to_abi(manifest);
  request.session_dir = request.work_dir = plugin::to_abi(place);

  test::RecordingHost recording;
  WorkerRun run{plugin::Host(recording.table())};
  NoFiles files;
  bool started = false;
  const Elsewhere where{.name = "far",
                        .home = "/home/far",
                        .root = "/home/far/osiris",
                        .run_directory = "/home/far/osiris/run_1",
                        .files = files,
                        .start = [&](const std::string&) {
                          started = true;
                          return std::unique_ptr<ByteChannel>();
                        }};
  const plugin::RunResult result = run.run_elsewhere(plugin::Request(request), where);
  EXPECT_FALSE(started);
  ASSERT_TRUE(result.failure);
  EXPECT_EQ(result.failure->code(), OSIRIS_RUN_FAILED);
  EXPECT_THAT(result.failure->message(), testing::HasSubstr("step write: cannot write " + target));
  EXPECT_EQ((*parse_json(result.document))["status"].as_string(), "failed");
}

}  // namespace
}  // namespace osiris::adapter_sdk
