// What ends a run before its steps do: a cancel, the deadline, a worker that stalls.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <thread>
#include <utility>

#include "protocol/base/clock.h"
#include "protocol/base/file.h"
#include "tests/support/eventually.h"
#include "tests/unit/sdk/run_loop_fixture.h"

namespace osiris::sdk {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(RunLoopTest, ACancelledRunEndsCancelledAndLeavesNothing) {
  std::jthread cancel([this] { cancel_when("heartbeat", ""); });
  options_.cancel_grace_ms = 60'000;
  const RunOutcome outcome = run("hang");
  ASSERT_FALSE(outcome.status.ok());
  EXPECT_EQ(outcome.status.error().code, Code::kCancelled);
  EXPECT_EQ(outcome.result["status"].as_string(), "cancelled");
  EXPECT_EQ(status_of(outcome, 0), "success");
  EXPECT_EQ(status_of(outcome, 1), "cancelled");
  EXPECT_TRUE(is_gone());
}

TEST_F(RunLoopTest, AWorkerThatIgnoresCancelIsKilledAfterTheGrace) {
  std::jthread cancel([this] { cancel_when("heartbeat", ""); });
  options_.cancel_grace_ms = 20;
  const RunOutcome outcome = run("stubborn");
  ASSERT_FALSE(outcome.status.ok());
  EXPECT_EQ(outcome.status.error().code, Code::kCancelled);
  EXPECT_TRUE(is_gone());
}

// However early the opening may be sent, and although a secret is there for the asking.
TEST_F(RunLoopTest, ACancelBeforeTheStartSendsNothing) {
  recording_.cancel();
  recording_.secrets["connection/mysql.shop/password"] = "never lent";
  opening_.secret_names = {"connection/mysql.shop/password"};
  const std::string path = testing::TempDir() + "/rpc_cancelled_" + std::to_string(::getpid()) + ".log";
  for (const bool after_hello : {false, true}) {
    std::filesystem::remove(path);
    ASSERT_TRUE(wire_log_.open(path).ok());
    options_.open_after_hello = after_hello;
    const RunOutcome outcome = run("good");
    ASSERT_FALSE(outcome.status.ok());
    EXPECT_EQ(outcome.status.error().code, Code::kCancelled);
    EXPECT_TRUE(recording_.events("step_start").empty());
    EXPECT_THAT(recording_.asked_secrets(), testing::IsEmpty()) << after_hello;
    EXPECT_THAT(*read_file(path), Not(HasSubstr("prepare"))) << after_hello;
  }
  std::filesystem::remove(path);
}

// A worker whose hello is read when the run is cancelled already.
class LateHello : public Channel {
 public:
  Status send(std::string bytes) override {
    sent += bytes;
    return {};
  }
  ReceiveOutcome receive(Incoming& into, int64_t) override {
    if (std::exchange(said_, true)) return {ReceiveOutcome::Kind::kClosed, std::nullopt, ExitInfo()};
    rpc::Hello hello;
    hello.version = "1.2.3";
    into.output = *rpc::encode_message(rpc::to_json(rpc::Record(hello)));
    return {ReceiveOutcome::Kind::kBytes, std::nullopt, std::nullopt};
  }
  void close_input() override {}
  void kill() override {}
  Diagnosis diagnose() override { return {}; }
  std::string sent;

 private:
  bool said_ = false;
};

TEST_F(RunLoopTest, AHelloAfterTheCancelIsLentNoSecret) {
  recording_.secrets["connection/mysql.shop/password"] = "lent once";
  opening_.secret_names = {"connection/mysql.shop/password"};
  for (const bool cancelled : {false, true}) {
    if (cancelled) recording_.cancel();
    LateHello channel;
    RunLoop loop(host_, channel, waker_, wire_log_, options_);
    EXPECT_FALSE(loop.run(plan_steps(), opening_).status.ok());
    EXPECT_EQ(recording_.asked_secrets().size(), 1u) << cancelled;
    EXPECT_EQ(channel.sent.find("lent once") != std::string::npos, !cancelled);
  }
}

// Every step is done and `finish` is answered; `pack` never is.
TEST_F(RunLoopTest, ACancelWhileOutputsArePackedIsACancel) {
  opening_.pack_path = "/tmp/never";
  options_.cancel_grace_ms = 20;
  std::jthread cancel([this] { cancel_when("step_complete", "c"); });
  const RunOutcome outcome = run("good");
  ASSERT_FALSE(outcome.status.ok());
  EXPECT_EQ(outcome.status.error().code, Code::kCancelled);
  EXPECT_EQ(outcome.result["status"].as_string(), "cancelled");
  EXPECT_EQ(status_of(outcome, 2), "success") << "what was done is still said";
  EXPECT_FALSE(outcome.packed);
  EXPECT_TRUE(is_gone());
}

TEST_F(RunLoopTest, TheDeadlineWhileOutputsArePackedIsTheDeadline) {
  opening_.pack_path = "/tmp/never";
  options_.cancel_grace_ms = 20;
  options_.deadline_monotonic_ns = system_clock().monotonic_ns() + 300'000'000;
  const RunOutcome outcome = run("good");
  ASSERT_FALSE(outcome.status.ok());
  EXPECT_EQ(outcome.status.error().code, Code::kDeadline);
  EXPECT_TRUE(is_gone());
}

TEST_F(RunLoopTest, TheDeadlineEndsARunWithItsOwnCode) {
  options_.deadline_monotonic_ns = system_clock().monotonic_ns() + 100'000'000;
  const RunOutcome outcome = run("hang");
  ASSERT_FALSE(outcome.status.ok());
  EXPECT_EQ(outcome.status.error().code, Code::kDeadline);
  EXPECT_TRUE(is_gone());
}

// As a deadline does, but the worker has time to stop its steps and to pack.
TEST_F(RunLoopTest, AnEarlyEndWaitsForWhatIsCompleteAndHasItsOwnReason) {
  options_.early_grace_ms = 60'000;
  options_.ends_early = [this]() -> std::optional<Error> {
    if (recording_.events("heartbeat").empty()) return std::nullopt;
    return Error(Code::kDeadline, "the money is gone", "", "runtime.budget");
  };
  const RunOutcome outcome = run("hang");
  ASSERT_FALSE(outcome.status.ok());
  EXPECT_EQ(outcome.status.error().code, Code::kDeadline);
  EXPECT_EQ(outcome.status.error().category, "runtime.budget");
  EXPECT_EQ(outcome.result["status"].as_string(), "cancelled");
  EXPECT_EQ(status_of(outcome, 0), "success");
  EXPECT_TRUE(is_gone());
}

TEST_F(RunLoopTest, AnEarlyEndHasItsLimitToo) {
  options_.early_grace_ms = 20;
  options_.ends_early = [] { return Error(Code::kDeadline, "the money is gone"); };
  const RunOutcome outcome = run("stubborn");
  ASSERT_FALSE(outcome.status.ok());
  EXPECT_EQ(outcome.status.error().message, "the money is gone");
  EXPECT_TRUE(is_gone());
}

TEST_F(RunLoopTest, ACancelDuringAnEarlyEndIsACancel) {
  std::jthread cancel([this] { cancel_when("heartbeat", ""); });
  options_.cancel_grace_ms = 20;
  options_.early_grace_ms = 600'000;
  options_.ends_early = [this]() -> std::optional<Error> {
    if (recording_.events("step_start").empty()) return std::nullopt;
    return Error(Code::kDeadline, "the money is gone");
  };
  const RunOutcome outcome = run("stubborn");
  ASSERT_FALSE(outcome.status.ok());
  EXPECT_EQ(outcome.status.error().code, Code::kCancelled);
  EXPECT_TRUE(is_gone());
}

TEST_F(RunLoopTest, AStallIsDiagnosedAndFailsTheRunOnlyAfterItsLimit) {
  options_.silence_ms = 20;
  options_.stall_limit_ms = 200;
  const RunOutcome outcome = run("stall");
  ASSERT_FALSE(outcome.status.ok());
  EXPECT_TRUE(recording_.logged("its process is stopped"));
  EXPECT_THAT(outcome.status.error().message, HasSubstr("longer than a worker may stall"));
  EXPECT_TRUE(is_gone());
}

TEST_F(RunLoopTest, AStallShorterThanTheLimitFailsNothing) {
  options_.silence_ms = 20;
  std::jthread wake([this] {
    EXPECT_TRUE(recording_.wait_for("step_start", "b"));
    EXPECT_TRUE(test::eventually([&] { return recording_.logged("its process is stopped"); }));
    ::kill(pid_, SIGCONT);
  });
  EXPECT_TRUE(run("stall").status.ok());
}

}  // namespace
}  // namespace osiris::sdk
