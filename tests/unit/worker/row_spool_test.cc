// Rows of texts that wait on disk, read by statements of the engine.
#include "worker/driver_api/row_spool.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/drivers/harness.h"

namespace osiris::worker::test {
namespace {

TEST(RowSpool, GivesRowsInTheirOrderWithWhatTheyHave) {
  StepHarness step("read");
  RowSpool spool(step);
  spool.put(1, "b");
  ASSERT_TRUE(spool.end_row().ok());
  ASSERT_TRUE(spool.end_row().ok());
  spool.put(2, "a text of more bytes than fit inline");
  spool.put(0, "");
  ASSERT_TRUE(spool.end_row().ok());
  ASSERT_TRUE(spool.close().ok());
  EXPECT_EQ(spool.rows(), 3u);
  EXPECT_EQ(spool.file_bytes(), 0u);
  const std::string pass = *spool.begin_pass(step.connection_handle(), 4);
  EXPECT_FALSE(spool.is_read_to_its_end());
  EXPECT_EQ(step.query("SELECT * FROM " + pass + "()"),
            "NULL|b|NULL|NULL\nNULL|NULL|NULL|NULL\n|NULL|a text of more bytes than fit inline|NULL\n");
  EXPECT_TRUE(spool.is_read_to_its_end());
}

TEST(RowSpool, KeepsMoreThanABufferInAFileThatGoesWithIt) {
  constexpr int kRows = 50000;
  StepHarness step("read");
  {
    RowSpool spool(step);
    for (int row = 0; row < kRows; ++row) {
      spool.put(0, std::to_string(row));
      spool.put(2, std::string(row % 90, 'x'));
      if (row % 10000 == 7) spool.put(1, std::string(3'000'000, 'y'));
      ASSERT_TRUE(spool.end_row().ok());
    }
    ASSERT_TRUE(spool.close().ok());
    EXPECT_GT(spool.file_bytes(), 15'000'000u);
    // Several passes, side by side too.
    for (int i = 0; i < 2; ++i) {
      const std::string a = *spool.begin_pass(step.connection_handle(), 3);
      const std::string b = *spool.begin_pass(step.connection_handle(), 3);
      EXPECT_EQ(
          step.query("SELECT count(*), sum(a.c0::BIGINT), sum(length(a.c1)), sum(length(a.c2)), count(a.c1) FROM " + a +
                     "() a JOIN " + b + "() b ON a.c0 = b.c0 AND length(a.c2) = CAST(b.c0 AS BIGINT) % 90"),
          "50000|1249975000|15000000|2224000|5\n");
    }
  }
  EXPECT_TRUE(std::filesystem::is_empty(step.scratch_dir()));
}

}  // namespace
}  // namespace osiris::worker::test
