// A COMMIT whose answer is lost: the server is asked what became of it, and nothing is written twice.
#include "tests/drivers/postgres.writer/writing.h"
#include "tests/postgres/cutting_proxy.h"

namespace osiris::worker::test {
namespace {

using osiris::test::CuttingProxy;

class PostgresOutcome : public testing::Test {
 protected:
  void SetUp() override { in_shop("DROP TABLE IF EXISTS ledger; CREATE TABLE ledger (id int)"); }

  Result<StepOutcome> write(const CuttingProxy& proxy) {
    WriteStep step("SELECT i::INTEGER AS id FROM range(1000) t(i)", {{"table", "ledger"}, {"echo", true}},
                   {{"port", int64_t{proxy.port()}}, {"connect_timeout", 2}});
    auto done = step.run();
    said_ = step.everything_said();
    return done;
  }
  std::string said_;
};

TEST_F(PostgresOutcome, OfACommitThatWasDoneIsASuccess) {
  CuttingProxy proxy(plain_postgres().port(), "COMMIT", CuttingProxy::Cut::kAfter, true);
  const auto done = write(proxy);
  EXPECT_TRUE(done.ok()) << done.error().message;
  EXPECT_TRUE(proxy.has_cut());
  EXPECT_EQ(ask_shop("SELECT count(*) FROM ledger"), "1000\n");
  EXPECT_NE(said_.find("is committed"), std::string::npos);
}

TEST_F(PostgresOutcome, OfACommitThatDidNotArriveIsAFailureThatMayBeRepeated) {
  CuttingProxy proxy(plain_postgres().port(), "COMMIT", CuttingProxy::Cut::kBefore, true);
  const auto done = write(proxy);
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, Code::kUnavailable);
  EXPECT_NE(said_.find("is aborted"), std::string::npos);
  EXPECT_EQ(ask_shop("SELECT count(*) FROM ledger"), "0\n");
}

TEST_F(PostgresOutcome, ThatNoServerTellsIsUnknownAndNotRepeated) {
  CuttingProxy proxy(plain_postgres().port(), "COMMIT", CuttingProxy::Cut::kAfter, false);
  const auto done = write(proxy);
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, Code::kInvalidState) << "this code is not retried";
  EXPECT_NE(done.error().message.find("outcome unknown"), std::string::npos) << done.error().message;
  EXPECT_NE(done.error().hint.find("SELECT txid_status("), std::string::npos) << done.error().hint;
}

}  // namespace
}  // namespace osiris::worker::test
