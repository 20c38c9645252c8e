// A machine's holder beside a service in memory: what it holds, a journal, and a host that records.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>

#include "protocol/base/file.h"
#include "tests/unit/sdk/fake_place.h"
#include "tests/unit/sdk/recording_host.h"

namespace osiris::sdk {

class Holding : public ::testing::Test {
 protected:
  explicit Holding(const std::string& name) : directory_(empty_directory(name)) {
    settings_.lease = std::chrono::seconds(120);
    settings_.create_timeout = std::chrono::seconds(1);
    settings_.retry_budget = std::chrono::seconds(5);
    request_.wanted.template_id = "base";
    request_.wanted.lease_s = 120;
    request_.wanted.metadata = {{meta::kOwner, "me"}, {meta::kRun, "run-1"}};
  }
  ~Holding() override { std::filesystem::remove_all(directory_); }

  HoldContext context() {
    return {host_, settings_, place_, journal_, [](Milliseconds) { return true; }, cancelled_};
  }
  std::string journal() const {
    const auto said = read_file(directory_ / "journal.jsonl");
    return said.ok() ? *said : "";
  }

  const std::filesystem::path directory_;
  test::RecordingHost recording_;
  const Host host_{recording_.table()};
  RemoteSettings settings_;
  FakePlace place_;
  Journal journal_ = *Journal::open(directory_ / "journal.jsonl");
  std::atomic<bool> cancelled_{false};
  HeldMachine::Request request_;

 private:
  static std::filesystem::path empty_directory(const std::string& name) {
    const auto directory = std::filesystem::path(::testing::TempDir()) / (name + "_" + std::to_string(::getpid()));
    std::filesystem::remove_all(directory);
    return directory;
  }
};

}  // namespace osiris::sdk
