// Real signals to this process. Each test waits for what happens, never for time to pass.
#include "host/run/interrupts.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <utility>

#include "protocol/base/clock.h"
#include "tests/support/no_more_threads.h"

namespace osiris {
namespace {

TEST(Interrupts, TheFirstSignalStopsAndTheSecondLeaves) {
  std::promise<StopReason> stopped;
  std::promise<void> left;
  const auto interrupts = Interrupts::start(
      {[&](StopReason reason) { stopped.set_value(reason); }, [&](StopReason, LeaveReason) { left.set_value(); }, {}});
  ASSERT_TRUE(interrupts.ok());
  EXPECT_EQ((*interrupts)->reason(), StopReason::kNone);
  kill(getpid(), SIGINT);
  EXPECT_EQ(stopped.get_future().get(), StopReason::kCancelled);
  EXPECT_EQ((*interrupts)->reason(), StopReason::kCancelled);
  kill(getpid(), SIGTERM);
  left.get_future().get();
}

TEST(Interrupts, ADeadlineStopsOnceAndASignalAfterItLeaves) {
  std::promise<StopReason> stopped;
  std::promise<void> left;
  const auto interrupts = Interrupts::start(
      {[&](StopReason reason) { stopped.set_value(reason); }, [&](StopReason, LeaveReason) { left.set_value(); }, {}},
      system_clock().monotonic_ns() + 1);
  ASSERT_TRUE(interrupts.ok());
  EXPECT_EQ(stopped.get_future().get(), StopReason::kDeadline);
  kill(getpid(), SIGINT);
  left.get_future().get();
  EXPECT_EQ((*interrupts)->reason(), StopReason::kDeadline);
}

TEST(Interrupts, AStopThatBlocksDoesNotKeepTheSecondSignalFromLeaving) {
  std::promise<void> stopping, let_go;
  std::promise<LeaveReason> left;
  const auto interrupts = Interrupts::start({[&](StopReason) {
                                               stopping.set_value();
                                               let_go.get_future().wait();
                                             },
                                             [&](StopReason, LeaveReason why) { left.set_value(why); },
                                             {}});
  ASSERT_TRUE(interrupts.ok());
  kill(getpid(), SIGINT);
  stopping.get_future().get();
  kill(getpid(), SIGINT);
  EXPECT_EQ(left.get_future().get(), LeaveReason::kInsisted);
  let_go.set_value();
}

TEST(Interrupts, WhatDoesNotMoveForItsGraceIsLeft) {
  std::promise<std::pair<StopReason, LeaveReason>> left;
  const auto interrupts = Interrupts::start(
      {[](StopReason) {}, [&](StopReason reason, LeaveReason why) { left.set_value({reason, why}); }, {}},
      system_clock().monotonic_ns() + 1, 1);
  ASSERT_TRUE(interrupts.ok());
  EXPECT_EQ(left.get_future().get(), std::pair(StopReason::kDeadline, LeaveReason::kGraceOver));
}

TEST(Interrupts, WhatMovesIsGivenItsGraceAnew) {
  std::atomic<int> asked{0};
  std::promise<void> moved;
  {
    const auto interrupts =
        Interrupts::start({[](StopReason) {}, [](StopReason, LeaveReason) { FAIL() << "it moves all the time"; },
                           [&] {
                             if (++asked == 20) moved.set_value();
                             return system_clock().monotonic_ns();
                           }},
                          system_clock().monotonic_ns() + 1, 1'000'000);
    ASSERT_TRUE(interrupts.ok());
    moved.get_future().get();
  }
}

TEST(Interrupts, RestoreTheMaskAndDropWhatWasNotRead) {
  sigset_t before, after;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  {
    const auto interrupts = Interrupts::start({[](StopReason) {}, [](StopReason, LeaveReason) {}, {}});
    ASSERT_TRUE(interrupts.ok());
  }
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  EXPECT_EQ(sigismember(&before, SIGINT), sigismember(&after, SIGINT));
}

TEST(Interrupts, LeaveASignalAloneThatWasIgnoredBefore) {
  struct sigaction ignore{}, old{};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGHUP, &ignore, &old);
  std::promise<StopReason> stopped;
  {
    const auto interrupts = Interrupts::start(
        {[&](StopReason reason) { stopped.set_value(reason); }, [](StopReason, LeaveReason) { FAIL(); }, {}});
    ASSERT_TRUE(interrupts.ok());
    kill(getpid(), SIGHUP);
    kill(getpid(), SIGINT);
    EXPECT_EQ(stopped.get_future().get(), StopReason::kCancelled);
  }
  sigaction(SIGHUP, &old, nullptr);
}

TEST(Interrupts, WithoutAThreadTheyAreAnErrorAndTheSignalsAreAsBefore) {
  sigset_t before, after;
  pthread_sigmask(SIG_BLOCK, nullptr, &before);
  const NoMoreThreads none;
  const auto interrupts = Interrupts::start({[](StopReason) {}, [](StopReason, LeaveReason) {}, {}});
  ASSERT_FALSE(interrupts.ok());
  EXPECT_EQ(interrupts.error().message, "cannot watch for signals: the machine has no more threads");
  pthread_sigmask(SIG_BLOCK, nullptr, &after);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    EXPECT_EQ(sigismember(&after, signal), sigismember(&before, signal)) << signal;
}

TEST(Interrupts, WithoutAThreadForItTheStopIsCalledWhereTheSignalIsRead) {
  std::promise<StopReason> stopped;
  const auto interrupts =
      Interrupts::start({[&](StopReason reason) { stopped.set_value(reason); }, [](StopReason, LeaveReason) {}, {}});
  ASSERT_TRUE(interrupts.ok());
  const NoMoreThreads none;
  kill(getpid(), SIGINT);
  EXPECT_EQ(stopped.get_future().get(), StopReason::kCancelled);
}

}  // namespace
}  // namespace osiris
