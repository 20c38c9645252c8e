#include "protocol/base/side_by_side.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdlib>
#include <latch>
#include <new>
#include <thread>

namespace osiris {
namespace {

TEST(SideBySide, EachRunsOnAThreadOfItsOwnAndTheFirstHere) {
  std::latch all_are_there(4);
  std::atomic<int> places{0};
  std::thread::id first;
  side_by_side(4, [&](size_t index) {
    if (index == 0) first = std::this_thread::get_id();
    places += 1 << index;
    all_are_there.arrive_and_wait();
  });
  EXPECT_EQ(places, 15);
  EXPECT_EQ(first, std::this_thread::get_id());
}

TEST(SideBySide, WhatOneThrowsIsThrownHereOnceAllHaveEnded) {
  for (const size_t thrower : {0, 2}) {
    std::latch has_thrown(1);
    std::atomic<int> ended{0};
    const auto work = [&](size_t index) {
      if (index == thrower) {
        has_thrown.count_down();
        throw std::bad_alloc();
      }
      has_thrown.wait();
      ++ended;
    };
    EXPECT_THROW(side_by_side(3, work), std::bad_alloc);
    EXPECT_EQ(ended, 2);
  }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose own memory is refused as well
TEST(SideBySide, WithoutMemoryForAThreadTheCallerDoesAllOfIt) {
  const auto without_memory = [] {
    rlimit none{};
    ::getrlimit(RLIMIT_DATA, &none);
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_DATA, &none);
    std::atomic<int> left{100};
    side_by_side(4, [&](size_t) {
      while (left > 0) --left;
    });
    std::_Exit(left == 0 ? 7 : 1);
  };
  EXPECT_EXIT(without_memory(), testing::ExitedWithCode(7), "");
}
#endif

}  // namespace
}  // namespace osiris
