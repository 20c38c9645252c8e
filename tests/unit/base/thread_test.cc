#include "protocol/base/thread.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/base/categories.h"
#include "protocol/base/side_by_side.h"
#include "tests/support/no_more_threads.h"

namespace osiris {
namespace {

using ::testing::HasSubstr;

TEST(BeginThread, RunsWhatItIsGivenOnAThreadOfItsOwn) {
  std::thread::id ran_on;
  std::thread thread;
  ASSERT_TRUE(begin_thread(thread, [&] { ran_on = std::this_thread::get_id(); }));
  const std::thread::id id = thread.get_id();
  thread.join();
  EXPECT_EQ(ran_on, id);
  EXPECT_NE(ran_on, std::this_thread::get_id());
}

TEST(BeginThread, SaysThatTheMachineHasNoMoreAndRunsNothing) {
  bool has_run = false;
  std::thread thread;
  {
    const NoMoreThreads none;
    EXPECT_FALSE(begin_thread(thread, [&] { has_run = true; }));
  }
  EXPECT_FALSE(thread.joinable());
  EXPECT_FALSE(has_run);
  ASSERT_TRUE(begin_thread(thread, [&] { has_run = true; })) << "it has some again";
  thread.join();
  EXPECT_TRUE(has_run);
}

TEST(BeginAsync, HasAResultOrIsNotValid) {
  auto begun = begin_async([] { return 7; });
  ASSERT_TRUE(begun.valid());
  EXPECT_EQ(begun.get(), 7);
  const NoMoreThreads none;
  EXPECT_FALSE(begin_async([] { return 7; }).valid());
}

TEST(NoMoreThreadsError, NamesWhatFailedAndTheLimit) {
  const Error error = no_more_threads("the lease cannot be renewed");
  EXPECT_EQ(error.code, Code::kExhausted);
  EXPECT_EQ(error.category, category::kSystemResourceUnavailable);
  EXPECT_EQ(error.message, "the lease cannot be renewed: the machine has no more threads");
  EXPECT_THAT(error.hint, HasSubstr("ulimit -u"));
}

TEST(SideBySide, WithoutThreadsTheCallerDoesAllOfIt) {
  const NoMoreThreads none;
  int left = 100;
  side_by_side(4, [&](size_t) {
    while (left > 0) --left;
  });
  EXPECT_EQ(left, 0);
}

TEST(BeginAsyncOrLater, KeepsWhatTheWorkHolds) {
  const std::string text(100, 'x');
  EXPECT_EQ(begin_async_or_later([text] { return text; }).get(), text);
  const NoMoreThreads none;
  auto later = begin_async_or_later([text] { return text; });
  ASSERT_TRUE(later.valid());
  EXPECT_EQ(later.get(), text);
}

}  // namespace
}  // namespace osiris
