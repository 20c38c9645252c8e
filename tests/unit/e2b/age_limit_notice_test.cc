#include "plugins/e2b/age_limit_notice.h"

#include <gtest/gtest.h>

namespace osiris::e2b {
namespace {

TEST(PlanNotice, IsGivenForRunsThatASmallPlanMayCutShort) {
  EXPECT_FALSE(age_limit_notice(900'000));
  EXPECT_FALSE(age_limit_notice(3'600'000));
  ASSERT_TRUE(age_limit_notice(7'200'000));
  EXPECT_NE(age_limit_notice(7'200'000)->find("2 h (--timeout)"), std::string::npos);
}

}  // namespace
}  // namespace osiris::e2b
