#include "plugins/e2b/plan_notice.h"

#include <gtest/gtest.h>

namespace osiris::e2b {
namespace {

TEST(PlanNotice, IsGivenForRunsThatASmallPlanMayCutShort) {
  EXPECT_FALSE(plan_notice(900'000));
  EXPECT_FALSE(plan_notice(3'600'000));
  ASSERT_TRUE(plan_notice(7'200'000));
  EXPECT_NE(plan_notice(7'200'000)->find("2 h (--timeout)"), std::string::npos);
}

}  // namespace
}  // namespace osiris::e2b
