// A request's deadline is a time of day; the run's is one of the steady clock.
#include "plugins/sdk/abi/request.h"

#include <gtest/gtest.h>

namespace osiris::sdk {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

class RequestDeadline : public testing::Test {
 protected:
  RequestDeadline() { clock_.advance(std::chrono::seconds(100)); }

  int64_t deadline(int64_t unix_ns) const {
    osiris_request request{};
    request.size = sizeof request;
    request.run_id = OSIRIS_STR("run-1");
    request.manifest_json = OSIRIS_STR("{\"steps\":[]}");
    request.deadline_unix_ns = unix_ns;
    const auto read = read_request(&request, clock_);
    EXPECT_TRUE(read.ok()) << read.error().message;
    return read.ok() ? read->deadline_monotonic_ns : -1;
  }
  ManualClock clock_{1'800'000'000 * kSecond};
};

TEST_F(RequestDeadline, IsTheTimeThatIsLeftNow) {
  EXPECT_EQ(deadline(clock_.unix_ns() + 60 * kSecond), clock_.monotonic_ns() + 60 * kSecond);
}

TEST_F(RequestDeadline, ThatHasPassedLiesInThePast) {
  EXPECT_LT(deadline(clock_.unix_ns() - kSecond), clock_.monotonic_ns());
}

TEST_F(RequestDeadline, OfARequestWithoutOneIsNone) { EXPECT_EQ(deadline(0), 0); }

TEST_F(RequestDeadline, StaysWhereItIsWhenTheWallClockIsSet) {
  const int64_t before = deadline(clock_.unix_ns() + 60 * kSecond);
  clock_.set_wall(std::chrono::seconds(1000));
  EXPECT_EQ(unix_from_monotonic(before, clock_), clock_.unix_ns() + 60 * kSecond)
      << "the time of day it means has moved along";
  clock_.set_wall(std::chrono::seconds(-2000));
  EXPECT_EQ(deadline(unix_from_monotonic(before, clock_)), before);
  clock_.advance(std::chrono::seconds(61));
  EXPECT_LT(before, clock_.monotonic_ns());
}

}  // namespace
}  // namespace osiris::sdk
