// Real signals to this process. Each test waits for what happens, never for time to pass.
#include "host/run/interrupts.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <future>

#include "protocol/base/clock.h"

namespace osiris {
namespace {

TEST(Interrupts, TheFirstSignalStopsAndTheSecondLeaves) {
  std::promise<StopReason> stopped;
  std::promise<void> left;
  const auto interrupts =
      Interrupts::start({[&](StopReason reason) { stopped.set_value(reason); }, [&] { left.set_value(); }});
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
  const auto interrupts =
      Interrupts::start({[&](StopReason reason) { stopped.set_value(reason); }, [&] { left.set_value(); }},
                        system_clock().monotonic_ns() + 1);
  ASSERT_TRUE(interrupts.ok());
  EXPECT_EQ(stopped.get_future().get(), StopReason::kDeadline);
  kill(getpid(), SIGINT);
  left.get_future().get();
  EXPECT_EQ((*interrupts)->reason(), StopReason::kDeadline);
}

TEST(Interrupts, RestoreTheMaskAndDropWhatWasNotRead) {
  sigset_t before, after;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  {
    const auto interrupts = Interrupts::start({[](StopReason) {}, [] {}});
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
    const auto interrupts = Interrupts::start({[&](StopReason reason) { stopped.set_value(reason); }, [] { FAIL(); }});
    ASSERT_TRUE(interrupts.ok());
    kill(getpid(), SIGHUP);
    kill(getpid(), SIGINT);
    EXPECT_EQ(stopped.get_future().get(), StopReason::kCancelled);
  }
  sigaction(SIGHUP, &old, nullptr);
}

}  // namespace
}  // namespace osiris
