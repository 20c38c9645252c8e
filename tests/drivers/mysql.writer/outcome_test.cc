// A COMMIT or a RENAME whose answer is lost.
#include "tests/drivers/mysql.writer/writing.h"
#include "tests/postgres/cutting_proxy.h"

namespace osiris::worker::test {
namespace {

using osiris::test::CuttingProxy;

class MysqlOutcome : public testing::Test {
 protected:
  void SetUp() override { in_database("CREATE OR REPLACE TABLE ledger (id int)"); }

  Result<StepOutcome> write(const CuttingProxy& proxy, const char* mode) {
    MysqlWriteStep step("SELECT i::INTEGER AS id FROM range(1000) t(i)", {{"table", "ledger"}, {"write_mode", mode}},
                        loading_server(), {{"port", int64_t{proxy.port()}}, {"connect_timeout", 2}});
    return step.run(mysql_writer());
  }
  std::string rows() { return ask_database("SELECT COUNT(*) FROM shop.ledger"); }
};

TEST_F(MysqlOutcome, OfACommitIsUnknownAndNotRepeated) {
  CuttingProxy proxy(loading_server().port(), "COMMIT", CuttingProxy::Cut::kAfter, true);
  const auto done = write(proxy, "append");
  ASSERT_FALSE(done.ok());
  EXPECT_TRUE(proxy.has_cut());
  EXPECT_EQ(done.error().code, Code::kInvalidState) << "this code is not retried";
  EXPECT_NE(done.error().message.find("outcome unknown"), std::string::npos) << done.error().message;
  EXPECT_EQ(rows(), "1000\n");
}

TEST_F(MysqlOutcome, OfARenameThatWasDoneIsASuccess) {
  CuttingProxy proxy(loading_server().port(), "RENAME TABLE", CuttingProxy::Cut::kAfter, true);
  const auto done = write(proxy, "replace");
  EXPECT_TRUE(done.ok()) << done.error().message;
  EXPECT_TRUE(proxy.has_cut());
  EXPECT_EQ(rows(), "1000\n");
}

TEST_F(MysqlOutcome, OfARenameThatDidNotArriveIsAFailureThatMayBeRepeated) {
  CuttingProxy proxy(loading_server().port(), "RENAME TABLE", CuttingProxy::Cut::kBefore, true);
  const auto done = write(proxy, "replace");
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, Code::kUnavailable) << done.error().message;
  EXPECT_EQ(rows(), "0\n");
}

}  // namespace
}  // namespace osiris::worker::test
