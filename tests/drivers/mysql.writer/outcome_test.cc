// A COMMIT or a RENAME whose answer is lost.
#include "tests/drivers/mysql.writer/writing.h"
#include "tests/postgres/cutting_proxy.h"

namespace osiris::worker::test {
namespace {

using osiris::test::CuttingProxy;

class MysqlOutcome : public testing::Test {
 protected:
  void SetUp() override { in_database("CREATE OR REPLACE TABLE ledger (id int PRIMARY KEY)"); }

  Result<StepOutcome> write(const CuttingProxy& proxy, const char* mode, const char* user = nullptr) {
    MysqlWriteStep step("SELECT i::INTEGER AS id FROM range(1000) t(i)",
                        {{"table", "ledger"}, {"write_mode", mode}, {"primary_key", "id"}}, loading_server(),
                        {{"port", int64_t{proxy.port()}}, {"connect_timeout", 2}});
    if (user)
      step.set_connection(
          "mysql", "shop",
          fields_for(
              loading_server(),
              {{"port", int64_t{proxy.port()}}, {"connect_timeout", 2}, {"user", user}, {"password", "writes"}}));
    auto done = step.run(mysql_writer());
    said_ = step.everything_said();
    return done;
  }
  // Tables that are not the test's.
  std::string left() {
    return ask_database(
        "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME LIKE "
        "'osiris%'");
  }
  std::string said_;
  std::string rows() { return ask_database("SELECT COUNT(*) FROM shop.ledger"); }
};

TEST_F(MysqlOutcome, OfACommitThatWasDoneIsASuccess) {
  for (const char* mode : {"append", "truncate", "upsert"}) {
    in_database("DELETE FROM ledger");
    CuttingProxy proxy(loading_server().port(), "COMMIT", CuttingProxy::Cut::kAfter, true);
    const auto done = write(proxy, mode);
    EXPECT_TRUE(done.ok()) << mode << done.error().message;
    EXPECT_TRUE(proxy.has_cut());
    EXPECT_EQ(rows(), "1000\n") << mode;
    EXPECT_NE(said_.find("the row that the transaction left is there"), std::string::npos) << said_;
    EXPECT_EQ(left(), "0\n") << mode;
  }
}

TEST_F(MysqlOutcome, OfACommitThatDidNotArriveIsAFailureThatMayBeRepeated) {
  CuttingProxy proxy(loading_server().port(), "COMMIT", CuttingProxy::Cut::kBefore, true);
  const auto done = write(proxy, "append");
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, Code::kUnavailable) << done.error().message;
  EXPECT_NE(said_.find("is not there"), std::string::npos) << said_;
  EXPECT_EQ(rows(), "0\n");
  EXPECT_EQ(left(), "0\n");
}

TEST_F(MysqlOutcome, ThatNoServerTellsIsUnknownAndNotRepeated) {
  CuttingProxy proxy(loading_server().port(), "COMMIT", CuttingProxy::Cut::kAfter, false);
  const auto done = write(proxy, "append");
  ASSERT_FALSE(done.ok());
  EXPECT_TRUE(proxy.has_cut());
  EXPECT_EQ(done.error().code, Code::kInvalidState) << "this code is not retried";
  EXPECT_NE(done.error().message.find("outcome unknown"), std::string::npos) << done.error().message;
  EXPECT_EQ(rows(), "1000\n");
  EXPECT_EQ(left(), "1\n") << "a later load drops it";
  in_database("DROP TABLE " + ask_database("SELECT TABLE_NAME FROM information_schema.TABLES WHERE "
                                           "TABLE_SCHEMA = 'shop' AND TABLE_NAME LIKE 'osiris_done_%'"));
}

TEST_F(MysqlOutcome, OfAnAccountThatMakesNoTablesIsUnknown) {
  in_database(
      "CREATE OR REPLACE USER clerk@'%' IDENTIFIED BY 'writes'; "
      "GRANT SELECT, INSERT, UPDATE, DELETE ON shop.ledger TO clerk@'%'");
  CuttingProxy proxy(loading_server().port(), "COMMIT", CuttingProxy::Cut::kAfter, true);
  const auto done = write(proxy, "append", "clerk");
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, Code::kInvalidState) << done.error().message;
  EXPECT_NE(done.error().message.find("outcome unknown"), std::string::npos) << done.error().message;
  EXPECT_NE(said_.find("no table can be made"), std::string::npos) << said_;
}

TEST_F(MysqlOutcome, LeavesNoTableOfALoadThatWentWellOrFailed) {
  EXPECT_EQ(MysqlWriteStep("SELECT 1::INTEGER AS id", {{"table", "ledger"}}).outcome(), "ok 1");
  EXPECT_NE(MysqlWriteStep("SELECT 1::INTEGER AS id", {{"table", "ledger"}}).outcome().find("Duplicate"),
            std::string::npos);
  EXPECT_EQ(left(), "0\n");
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
