// Numbers of JSON that a double would change are text instead.
#include <gtest/gtest.h>

#include "tests/drivers/supabase/steps.h"
#include "worker/drivers/supabase.extractor/driver.h"
#include "worker/drivers/web/exact_numbers.h"

namespace osiris::worker::test {
namespace {

TEST(ExactNumbers, AreLeftAlone) {
  for (const char* same :
       {"0", "-0.0", "1.50", "0.30000000000000004", "1e300", "-9223372036854775808", "18446744073709551615", "1.0E+2",
        R"(["12345678901234567890.1","\"1.00000000000000000001"])", R"({"1.00000000000000000001":true})", "[1,2", "-"})
    EXPECT_EQ(web::with_exact_numbers(same), same);
}

TEST(ExactNumbers, ThatWouldChangeAreQuoted) {
  EXPECT_EQ(web::with_exact_numbers("[0.1000000000000000000001,1]"), "[\"0.1000000000000000000001\",1]");
  EXPECT_EQ(web::with_exact_numbers("{\"a\":18446744073709551616}"), "{\"a\":\"18446744073709551616\"}");
  EXPECT_EQ(web::with_exact_numbers("1e400"), "\"1e400\"");
  EXPECT_EQ(web::with_exact_numbers("9007199254740993.0"), "\"9007199254740993.0\"");
}

TEST(ExactNumbers, ReachTheRelation) {
  in_shop(
      "DROP TABLE IF EXISTS exact; CREATE TABLE exact (id int PRIMARY KEY, small numeric, wide numeric);"
      "INSERT INTO exact VALUES (1, 0.25, 12345678901234567890.123456789), (2, 1e3, 1)");
  EXPECT_EQ(SupabaseStep(supabase_extractor(), {{"table", "exact"}}).rows(),
            "id BIGINT, small DOUBLE, wide VARCHAR\n1|0.25|12345678901234567890.123456789\n2|1000.0|1\n");
}

}  // namespace
}  // namespace osiris::worker::test
