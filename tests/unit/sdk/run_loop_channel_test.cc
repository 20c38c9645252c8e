// The run loop on a channel of the test's: what it asks of a channel, and what it makes of records word by word.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/sdk/run/run_loop.h"
#include "protocol/base/clock.h"
#include "protocol/rpc/frames.h"
#include "tests/support/eventually.h"
#include "tests/unit/sdk/recording_host.h"

namespace osiris::sdk {
namespace {

using Kind = ReceiveOutcome::Kind;

// Says hello and what the test adds, and is then silent.
class TalkingChannel : public Channel {
 public:
  TalkingChannel() {
    rpc::Hello hello;
    hello.version = "1.2.3";
    say(hello);
  }
  void say(const rpc::Record& record) { said_ += *rpc::encode_message(rpc::to_json(record)); }

  Status send(std::string) override { return {}; }
  ReceiveOutcome receive(Incoming& into, int64_t timeout_ms) override {
    if (!said_.empty()) {
      into.output = std::exchange(said_, {});
      return {Kind::kBytes, std::nullopt, std::nullopt};
    }
    waits_ms.push_back(timeout_ms);
    return {Kind::kClosed, std::nullopt, ExitInfo()};
  }
  void close_input() override {}
  void kill() override {}
  Diagnosis diagnose() override { return {}; }

  std::vector<int64_t> waits_ms;  // that the loop allowed

 private:
  std::string said_;
};

class RunLoopChannelTest : public testing::Test {
 protected:
  RunLoopChannelTest() { options_.worker_name = "w"; }

  RunOutcome run() {
    Opening opening;
    opening.prepare.run_id = "run_1";
    opening.prepare.session_dir = opening.prepare.work_dir = "/tmp";
    opening.prepare.plan = Json::object();
    opening.step_ids = {"a"};
    RunLoop loop(host_, channel_, waker_, wire_log_, options_);
    std::vector<PlanStep> steps(1);
    steps[0].id = "a";
    return loop.run(steps, std::move(opening));
  }

  test::RecordingHost recording_;
  const Host host_{recording_.table()};
  const Waker waker_;
  WireLog wire_log_;
  RunLoopOptions options_;
  TalkingChannel channel_;
};

TEST_F(RunLoopChannelTest, NothingIsWaitedForBeyondTheDeadline) {
  options_.silence_ms = 60'000;
  run();
  ASSERT_FALSE(channel_.waits_ms.empty());
  EXPECT_GT(channel_.waits_ms[0], 80) << "without one a cancel that reaches no waker is looked for ten times a second";
  EXPECT_LE(channel_.waits_ms[0], 100);
  // Again where this machine was too slow to come to the first wait before the deadline.
  EXPECT_TRUE(test::eventually([this] {
    channel_ = {};
    options_.deadline_monotonic_ns = system_clock().monotonic_ns() + 40'000'000;
    run();
    return !channel_.waits_ms.empty() && channel_.waits_ms[0] <= 41;
  }));
}

TEST_F(RunLoopChannelTest, ASilenceIsNoticedWhenItIsOne) {
  options_.silence_ms = 50;
  run();
  ASSERT_FALSE(channel_.waits_ms.empty());
  EXPECT_LE(channel_.waits_ms[0], 50);
}

// "/far/in.csv" is "/here/in.csv" of the plan: readers of events and errors know the plan's names only.
TEST_F(RunLoopChannelTest, PathsOfTheWorkersMachineAreNamedAsThePlanDoes) {
  options_.path_map = {{"/here/in.csv", "/far/in.csv"}};
  channel_.say(rpc::Event{1, 1,
                          Json::object({{"event", "read"},
                                        {"path", "/far/in.csv"},
                                        {"said", Json::array({"/far/in.csv and /far/in.csv", 7})},
                                        {"more", Json::object({{"other", "/far/other.csv"}})}})});
  channel_.say(rpc::Fatal{Error(Code::kInternal, "cannot read /far/in.csv")});
  run();
  EXPECT_EQ(recording_.events("read").at(0).data.dump(),
            R"({"path":"/here/in.csv","said":["/here/in.csv and /here/in.csv",7],"more":{"other":"/far/other.csv"}})");
}

}  // namespace
}  // namespace osiris::sdk
