// The channel to a child process, on real children that are no workers.
#include "plugins/sdk/channel/process_channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/eventually.h"

namespace osiris::sdk {
namespace {

using ::testing::HasSubstr;
using Kind = ReceiveOutcome::Kind;

class ProcessChannelTest : public testing::Test {
 protected:
  // A shell with this script.
  void start(const std::string& script) {
    auto channel = ProcessChannel::start({.path = "/bin/sh",
                                          .arguments = {"-c", script},
                                          .environment = {{"PATH", "/usr/bin:/bin"}},
                                          .working_directory = "/"},
                                         waker_);
    ASSERT_TRUE(channel.ok());
    channel_ = *std::move(channel);
  }
  ReceiveOutcome receive(int64_t timeout_ms = 60'000) { return channel_->receive(incoming_, timeout_ms); }
  // All that comes until the end; how it ended.
  std::string end() {
    for (;;) {
      const ReceiveOutcome outcome = receive();
      if (outcome.kind == Kind::kClosed) return outcome.exit->describe();
      EXPECT_EQ(outcome.kind, Kind::kBytes);
      if (outcome.kind != Kind::kBytes) return "";
    }
  }

  const Waker waker_;
  Incoming incoming_;
  std::unique_ptr<ProcessChannel> channel_;
};

TEST_F(ProcessChannelTest, WaitsForAnAnswer) {
  start("read line; echo \"got $line\"; cat");
  ASSERT_TRUE(channel_->send("it\n").ok());
  EXPECT_EQ(receive().kind, Kind::kBytes);
  EXPECT_EQ(incoming_.output, "got it\n");
}

TEST_F(ProcessChannelTest, OutputAndLogComeApartAndBeforeTheEnd) {
  start("echo out; echo log >&2; exit 3");
  EXPECT_EQ(end(), "exited with status 3");
  EXPECT_EQ(incoming_.output, "out\n");
  EXPECT_EQ(incoming_.log, "log\n");
}

TEST_F(ProcessChannelTest, ASilentChildIsWaitedForNoLongerThanAsked) {
  start("cat");
  EXPECT_EQ(receive(0).kind, Kind::kTimeout);
  waker_.wake();
  EXPECT_EQ(receive().kind, Kind::kWoken);
}

TEST_F(ProcessChannelTest, InputLargerThanAPipeArrivesWhole) {
  start("wc -c");
  ASSERT_TRUE(channel_->send(std::string(3 << 20, 'x')).ok());
  channel_->close_input();
  EXPECT_EQ(end(), "exited with status 0");
  EXPECT_THAT(incoming_.output, HasSubstr("3145728"));
}

TEST_F(ProcessChannelTest, WhatTheChildHasNotTakenIsCounted) {
  start("read line; echo ready; head -c 4194304 > /dev/null; echo taken; read line");
  ASSERT_TRUE(channel_->send("go\n").ok());
  EXPECT_EQ(channel_->unsent(), 0u);
  EXPECT_EQ(receive().kind, Kind::kBytes);
  ASSERT_TRUE(channel_->send(std::string(4 << 20, 'x')).ok());
  EXPECT_GT(channel_->unsent(), size_t{1} << 20);
  EXPECT_EQ(receive().kind, Kind::kBytes);
  EXPECT_EQ(incoming_.output, "ready\ntaken\n");
  EXPECT_EQ(channel_->unsent(), 0u);
}

TEST_F(ProcessChannelTest, AChildThatTakesNoInputIsNoErrorOfTheSender) {
  start("exec <&-; echo closed; sleep 60");
  EXPECT_EQ(receive().kind, Kind::kBytes);
  EXPECT_TRUE(channel_->send(std::string(1 << 20, 'x')).ok());
  channel_->kill();
  EXPECT_EQ(end(), "was killed by signal 15 (SIGTERM)");
}

TEST_F(ProcessChannelTest, AChildThatIgnoresATermIsKilledSoonAfter) {
  start("trap '' TERM; echo ready; while :; do sleep 60; done");
  EXPECT_EQ(receive().kind, Kind::kBytes);
  channel_->kill();
  EXPECT_EQ(end(), "was killed by signal 9 (SIGKILL)");
}

TEST_F(ProcessChannelTest, AChildThatClosedItsOutputIsNotWaitedForForEver) {
  start("exec >&- 2>&-; sleep 60");
  EXPECT_EQ(end(), "was killed by signal 9 (SIGKILL)");
}

TEST_F(ProcessChannelTest, ASilentChildIsToldFromAStoppedOne) {
  const auto becomes = [this](const char* note) {
    return test::eventually([this, note] { return channel_->diagnose().note == note; });
  };
  start("read line; kill -STOP $$");
  EXPECT_TRUE(becomes("its process is alive"));
  ASSERT_TRUE(channel_->send("\n").ok());
  EXPECT_TRUE(becomes("its process is stopped"));
  EXPECT_EQ(channel_->diagnose().cause, Diagnosis::Cause::kAlive);
}

}  // namespace
}  // namespace osiris::sdk
