// A whole run on a machine in memory, with a worker in memory: from the machine that is asked for to the outputs that
// come back and the machine that is gone, and every way in which that fails.
#include "plugins/sdk/place/remote_adapter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "protocol/base/clock.h"
#include "protocol/base/file.h"
#include "protocol/base/sha256.h"
#include "tests/unit/sdk/fake_remote.h"
#include "tests/unit/sdk/recording_host.h"

namespace osiris::sdk {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

class RemoteAdapterTest : public testing::Test {
 protected:
  RemoteAdapterTest() {
    char name[] = "/tmp/osiris-remote-XXXXXX";
    directory_ = ::mkdtemp(name);
    for (const char* folder : {"work", "session/adapter", "state"}) fs::create_directories(directory_ / folder);
    worker_ = directory_ / "worker";
    EXPECT_TRUE(write_file_atomically(worker_, "a static program").ok());
    EXPECT_TRUE(write_file_atomically(directory_ / "work/in.csv", "id\n1\n2\n").ok());
    output_ = directory_ / "work/out.csv";
    settings_.timeout = 60s;
    settings_.lease = 120s;
    settings_.create_timeout = settings_.request_timeout = 1s;
    settings_.retry_budget = 5s;
    place_.on_access = [this](const Machine& machine) {
      const Script script = scripts_.empty() ? Script::kGood : scripts_.front();
      if (!scripts_.empty()) scripts_.pop_front();
      auto access = std::make_unique<WorkingAccess>(script, [this, id = machine.id] { place_.machines.erase(id); });
      access_ = access.get();
      access_->alive = script != Script::kVanishes;
      access_->refuses_upload = std::exchange(refuses_upload_, std::nullopt);
      return access;
    };
  }
  ~RemoteAdapterTest() override {
    adapter_.reset();
    fs::remove_all(directory_);
  }

  TestAdapter& adapter() {
    if (!adapter_) adapter_.emplace(recording_.table(), place_, settings_);
    return *adapter_;
  }

  // The request of this test's run, which lives as long as the call.
  template <class Call>
  auto with_request(Call call) {
    const Json step = Json::object(
        {{"id", "write"},
         {"driver", "filesystem.csv_writer"},
         {"mode", "write"},
         {"cfg_path", "cfg/write.json"},
         {"cfg", Json::object()},
         {"input_files",
          Json::array({Json::object({{"path", "in.csv"}, {"source", (directory_ / "work/in.csv").string()}})})},
         {"outputs", Json::array({Json::object({{"path", "out.csv"}, {"target", output_.string()}})})}});
    const std::string manifest = Json::object({{"steps", Json::array({step})}, {"pipeline_id", "p1"}}).dump();
    const std::string settings =
        Json::object({{"owner_id", "me"}, {"state_dir", (directory_ / "state").string()}}).dump();
    const std::string connections = "{}", session = directory_ / "session", work = directory_ / "work",
                      worker = worker_, sha256 = sha256_hex("a static program");
    osiris_request request{};
    request.size = sizeof request;
    request.run_id = str(run_id_);
    request.manifest_json = str(manifest);
    request.connections_json = str(connections);
    request.prepared_json = str(prepared_);
    request.settings_json = str(settings);
    request.session_dir = str(session);
    request.work_dir = str(work);
    request.worker_path = str(worker);
    request.worker_sha256 = str(sha256);
    request.deadline_unix_ns = deadline_unix_ns_;
    return call(plugin::Request(request));
  }

  void prepare() {
    prepared_ = with_request([&](const plugin::Request& request) { return adapter().prepare(request); });
  }
  // The error of execute, however it is told.
  std::optional<plugin::Failure> execute() {
    prepare();
    try {
      const auto result = with_request([&](const plugin::Request& request) { return adapter().execute(request); });
      result_ = *parse_json(result.document);
      return result.failure;
    } catch (const plugin::Failure& failure) {
      return failure;
    }
  }
  std::optional<plugin::Failure> collect() {
    try {
      artifacts_ =
          *parse_json(with_request([&](const plugin::Request& request) { return adapter().collect(request); }));
      return std::nullopt;
    } catch (const plugin::Failure& failure) {
      return failure;
    }
  }
  void next_run(const std::string& run_id) {
    adapter_.reset();
    run_id_ = run_id;
  }

  fs::path directory_, worker_, output_;
  test::RecordingHost recording_;
  RemoteSettings settings_;
  FakePlace place_;
  std::deque<Script> scripts_;  // of each machine in turn; then all is good
  std::optional<Error> refuses_upload_;
  FakeAccess* access_ = nullptr;  // of the last machine
  std::string run_id_ = "run_1", prepared_;
  int64_t deadline_unix_ns_ = 0;
  Json result_, artifacts_;
  std::optional<TestAdapter> adapter_;
};

// ---- A run that succeeds

TEST_F(RemoteAdapterTest, ARunEndsWithItsOutputsHereAndItsMachineGone) {
  EXPECT_FALSE(execute());
  EXPECT_EQ(result_["status"].as_string(), "success");
  EXPECT_EQ(result_["total_rows"].as_int(), 2);
  ASSERT_EQ(place_.machines.size(), 1u) << "it stays for collect";
  EXPECT_FALSE(fs::exists(output_));
  EXPECT_FALSE(collect());
  EXPECT_EQ(*read_file(output_), "id\n1\n2\n");
  EXPECT_THAT(place_.machines, IsEmpty());
  EXPECT_EQ(artifacts_["files"].items().at(0)["target"].as_string(), output_.string());
  EXPECT_TRUE(artifacts_["released"].items().at(0)["verified"].as_bool());
  EXPECT_EQ(recording_.events("artifacts_collected").at(0).data["files"].as_int(), 1);
  EXPECT_EQ(recording_.events("package_uploaded").at(0).data["worker_sent"].as_bool(), true);
}

TEST_F(RemoteAdapterTest, TheMachineIsMarkedAsThisUsersAndThisRuns) {
  settings_.metadata = {{"team", "data"}};
  execute();
  const Metadata& metadata = place_.machines.begin()->second.metadata;
  EXPECT_EQ(metadata.at(meta::kOwner), "me");
  EXPECT_EQ(metadata.at(meta::kRun), "run_1");
  EXPECT_EQ(metadata.at(meta::kPipeline), "p1");
  EXPECT_EQ(metadata.at(meta::kWorker), sha256_hex("a static program").substr(0, 16));
  EXPECT_EQ(metadata.at("team"), "data");
  EXPECT_THAT(metadata, Not(Contains(Key(meta::kKeep))));
}

TEST_F(RemoteAdapterTest, ItsFiguresAreMeasured) {
  execute();
  collect();
  std::map<std::string, double> metrics;
  for (const auto& metric : recording_.metrics()) metrics[metric.name] = metric.value;
  EXPECT_EQ(metrics.at("remote_calls"), static_cast<double>(place_.calls_made().size()));
  EXPECT_EQ(metrics.at("artifacts_files_total"), 1);
  EXPECT_EQ(metrics.at("artifacts_bytes_total"), 7);
  EXPECT_THAT(metrics, Contains(Key("fake_overhead_ms")));
}

// ---- Failures

TEST_F(RemoteAdapterTest, AFailedStepIsTheRunsFailureAndItsMachineStaysForCollect) {
  scripts_ = {Script::kStepFails};
  const auto failure = execute();
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code(), OSIRIS_RUN_FAILED);
  EXPECT_EQ(place_.machines.size(), 1u);
  EXPECT_FALSE(collect());
  EXPECT_THAT(place_.machines, IsEmpty());
}

TEST_F(RemoteAdapterTest, AnyOtherFailureGivesTheMachineBackAtOnce) {
  scripts_ = {Script::kCannotPrepare};
  const auto failure = execute();
  ASSERT_TRUE(failure);
  EXPECT_THAT(failure->message(), HasSubstr("no such driver"));
  EXPECT_THAT(place_.machines, IsEmpty());
  EXPECT_FALSE(collect());
  EXPECT_TRUE(artifacts_["released"].items().at(0)["verified"].as_bool());
}

TEST_F(RemoteAdapterTest, AMachineThatVanishesIsReplacedOnce) {
  // A writer of files only: nothing outside the machine was written.
  scripts_ = {Script::kVanishes};
  EXPECT_FALSE(execute());
  EXPECT_THAT(place_.machines, ElementsAre(Key("box-2")));
  EXPECT_EQ(recording_.events("box_replaced").at(0).data["box_id"].as_string(), "box-1");
  EXPECT_FALSE(collect());
  EXPECT_EQ(*read_file(output_), "id\n1\n2\n");
}

TEST_F(RemoteAdapterTest, ASecondMachineThatVanishesIsTheEnd) {
  scripts_ = {Script::kVanishes, Script::kVanishes};
  const auto failure = execute();
  ASSERT_TRUE(failure);
  EXPECT_THAT(failure->message(), HasSubstr("box box-2 is gone"));
  EXPECT_EQ(place_.count("create"), 2u);
  EXPECT_THAT(place_.machines, IsEmpty());
}

TEST_F(RemoteAdapterTest, AnUploadThatBreaksIsTriedAgainOnAFreshMachine) {
  refuses_upload_ = FakePlace::lost();
  EXPECT_FALSE(execute());
  EXPECT_THAT(place_.machines, ElementsAre(Key("box-2"))) << "the first one is given back";
}

TEST_F(RemoteAdapterTest, WhatTheServiceRefusesEndsTheRun) {
  place_.faults["create"] = {{FakePlace::refused()}};
  EXPECT_EQ(execute()->message(), "no; tried 1 times");
  EXPECT_EQ(place_.count("create"), 1u);
  EXPECT_FALSE(collect());
  EXPECT_THAT(artifacts_["released"].items(), IsEmpty());
}

TEST_F(RemoteAdapterTest, WithoutAServiceNothingIsAskedFor) {
  adapter().refuses_connect = Error(Code::kInvalidArgument, "no key");
  EXPECT_EQ(execute()->message(), "no key");
  EXPECT_THAT(place_.calls_made(), IsEmpty());
  EXPECT_FALSE(collect()) << "there is nothing to give back";
}

TEST_F(RemoteAdapterTest, ARunThatCannotBeginAsksForNothing) {
  adapter().refuses_begin = Error(Code::kUnavailable, "no log");
  EXPECT_EQ(execute()->message(), "no log");
  EXPECT_THAT(place_.calls_made(), IsEmpty());
}

TEST_F(RemoteAdapterTest, AnOutputThatCannotBePutInItsPlaceIsFoundBeforeAnythingIsPaidFor) {
  fs::create_directories(output_);
  const auto failure = execute();
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code(), OSIRIS_RUN_FAILED);
  EXPECT_EQ(result_["status"].as_string(), "failed");
  EXPECT_THAT(place_.calls_made(), IsEmpty());
}

TEST_F(RemoteAdapterTest, ATemplateThatIsBrokenIsBuiltAgainOnceIfItWasFound) {
  for (const bool found : {false, true}) {
    next_run(found ? "run_2" : "run_1");
    adapter().made_from.found_by_name = found;
    place_.finds_template_broken = true;
    place_.faults["create"] = {{FakePlace::refused()}};
    EXPECT_EQ(execute().has_value(), !found);
    EXPECT_EQ(adapter().templates_built_again, found ? 1 : 0);
  }
}

// ---- Ends from outside

TEST_F(RemoteAdapterTest, ACancelWhileTheWorkerStartsEndsTheRunAndLeavesNothing) {
  scripts_ = {Script::kNeverSaysHello};
  recording_.on_event = [this](const auto& event) {
    if (event.name != "package_uploaded") return;
    recording_.cancel();
    adapter().cancel();
  };
  EXPECT_EQ(execute()->code(), OSIRIS_CANCELLED);
  EXPECT_THAT(place_.machines, IsEmpty());
  collect();
  EXPECT_TRUE(artifacts_["released"].items().at(0)["verified"].as_bool());
}

TEST_F(RemoteAdapterTest, ACancelWhileAMachineIsReplacedIsACancel) {
  scripts_ = {Script::kVanishes};
  recording_.on_event = [this](const auto& event) {
    if (event.name != "box_replaced") return;
    recording_.cancel();
    adapter().cancel();
  };
  EXPECT_EQ(execute()->code(), OSIRIS_CANCELLED);
  EXPECT_THAT(place_.machines, IsEmpty());
}

TEST_F(RemoteAdapterTest, TheEarlierOfTwoDeadlinesCounts) {
  scripts_ = {Script::kNeverSaysHello};
  settings_.timeout = 50ms;
  deadline_unix_ns_ = system_clock().unix_ns() + 3'600'000'000'000;
  EXPECT_EQ(execute()->code(), OSIRIS_DEADLINE);
  next_run("run_2");
  scripts_ = {Script::kNeverSaysHello};
  settings_.timeout = 3600s;
  deadline_unix_ns_ = system_clock().unix_ns() + 50'000'000;
  EXPECT_EQ(execute()->code(), OSIRIS_DEADLINE);
  EXPECT_THAT(place_.machines, IsEmpty());
}

TEST_F(RemoteAdapterTest, AnAdapterThatGoesGivesBackWhatItHolds) {
  execute();
  EXPECT_EQ(place_.machines.size(), 1u);
  adapter_.reset();
  EXPECT_THAT(place_.machines, IsEmpty());
}

TEST_F(RemoteAdapterTest, AMachineThatCannotBeGivenBackFailsCollectAndIsNamed) {
  settings_.retry_budget = 0ms;
  execute();
  place_.keeps_killed = true;
  EXPECT_THAT(collect()->message(), HasSubstr("box box-1 may live until its lease ends"));
}

// ---- Kept machines

TEST_F(RemoteAdapterTest, AKeptMachineIsUsedAgainAndNeedsNeitherWorkerNorInputs) {
  settings_.keep = true;
  EXPECT_FALSE(execute());
  EXPECT_FALSE(collect());
  ASSERT_THAT(place_.machines, ElementsAre(Key("box-1")));
  EXPECT_EQ(recording_.events("package_uploaded").at(0).data["files"].as_int(), 3);
  next_run("run_2");
  EXPECT_FALSE(execute());
  EXPECT_EQ(place_.count("create"), 1u);
  const auto uploads = recording_.events("package_uploaded");
  EXPECT_EQ(uploads.at(1).data["files"].as_int(), 2) << "plan and config";
  EXPECT_FALSE(uploads.at(1).data["worker_sent"].as_bool());
  EXPECT_THAT(access_->started()->arguments.at(1), HasSubstr("rm -rf")) << "what the other run left is wiped";
}

TEST_F(RemoteAdapterTest, AMachineThatWasKeptForAnotherWorkerIsNotUsed) {
  settings_.keep = true;
  execute();
  collect();
  next_run("run_2");
  adapter().made_from.id = "another";
  execute();
  EXPECT_EQ(place_.count("create"), 2u);
}

// ---- Before a run

TEST_F(RemoteAdapterTest, WhatCannotRunThereIsRefusedWithoutTheService) {
  const auto validate = [this]() -> std::string {
    try {
      with_request([&](const plugin::Request& request) {
        adapter().validate(request);
        return 0;
      });
      return "";
    } catch (const plugin::Failure& failure) {
      return failure.message();
    }
  };
  EXPECT_EQ(validate(), "");
  adapter().refuses_check = Error(Code::kInvalidArgument, "no such option");
  EXPECT_EQ(validate(), "no such option");
  adapter().refuses_check.reset();
  worker_ = "/bin/sh";
  EXPECT_THAT(validate(), HasSubstr("linked dynamically"));
  EXPECT_THAT(place_.calls_made(), IsEmpty());
}

TEST_F(RemoteAdapterTest, ThePreparedDocumentShowsTheOptionsThatMayBeShown) {
  prepare();
  EXPECT_EQ((*parse_json(prepared_))["options"].dump(), R"({"network":"derived"})");
}

}  // namespace
}  // namespace osiris::sdk
