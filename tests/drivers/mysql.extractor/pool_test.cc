// pool_size bounds how many connections a server sees at once, pool_recycle how long one is used again.
#include <condition_variable>
#include <mutex>
#include <thread>

#include "tests/drivers/mysql.extractor/servers.h"
#include "tests/mysql/stand_in.h"
#include "worker/drivers/mysql.extractor/driver.h"
#include "worker/drivers/mysql.extractor/pool.h"
#include "worker/drivers/mysql/wait_scope.h"

namespace osiris::worker::test {
namespace {

using mysql::CallContext;
using mysql::ConnectionPool;
using mysql::Deadline;
using mysql::PoolSettings;
using mysql::ServerSettings;

ServerSettings settings_of(const osiris::test::MariaDbServer& server) {
  ServerSettings settings;
  settings.host = "127.0.0.1";
  settings.port = server.port();
  settings.user = "reader";
  settings.password = kPassword;
  settings.database = "shop";
  return settings;
}

unsigned long id_of(ConnectionPool::Lease& lease) { return mysql_thread_id(lease->handle()); }

class MysqlPool : public testing::Test {
 protected:
  Deadline deadline_;
  CallContext call_{"pull", {}, &deadline_, {}};
  ServerSettings server_ = settings_of(plain_server());
  ConnectionPool pool_;
};

TEST_F(MysqlPool, UsesACleanConnectionAgain) {
  unsigned long first = 0;
  {
    auto lease = pool_.acquire(server_, {}, call_);
    ASSERT_TRUE(lease.ok()) << lease.error().message;
    first = id_of(*lease);
    lease->declare_clean();
  }
  auto lease = pool_.acquire(server_, {}, call_);
  ASSERT_TRUE(lease.ok());
  EXPECT_EQ(id_of(*lease), first);
}

TEST_F(MysqlPool, ClosesAConnectionThatIsNotClean) {
  unsigned long first = 0;
  {
    auto lease = pool_.acquire(server_, {}, call_);
    ASSERT_TRUE(lease.ok());
    first = id_of(*lease);
  }
  auto lease = pool_.acquire(server_, {}, call_);
  ASSERT_TRUE(lease.ok());
  EXPECT_NE(id_of(*lease), first);
}

TEST_F(MysqlPool, AConnectionOlderThanPoolRecycleIsNotUsedAgain) {
  PoolSettings limits;
  limits.recycle_s = 0;
  unsigned long first = 0;
  {
    auto lease = pool_.acquire(server_, limits, call_);
    ASSERT_TRUE(lease.ok());
    first = id_of(*lease);
    lease->declare_clean();
  }
  auto lease = pool_.acquire(server_, limits, call_);
  ASSERT_TRUE(lease.ok());
  EXPECT_NE(id_of(*lease), first);
}

TEST_F(MysqlPool, AnotherPasswordNeverGetsAnothersConnection) {
  {
    auto lease = pool_.acquire(server_, {}, call_);
    ASSERT_TRUE(lease.ok());
    lease->declare_clean();
  }
  ServerSettings other = server_;
  other.password = "wrong";
  const auto lease = pool_.acquire(other, {}, call_);
  ASSERT_FALSE(lease.ok());
  EXPECT_EQ(lease.error().category, "connection.auth_failed");
}

TEST_F(MysqlPool, TheStateOfTheStepBeforeIsForgotten) {
  {
    auto lease = pool_.acquire(server_, {}, call_);
    ASSERT_TRUE(lease.ok());
    const mysql::WaitScope scope(deadline_);
    ASSERT_EQ(mysql_query((*lease)->handle(), "SET @left = 1, SESSION sql_mode = 'ANSI_QUOTES', time_zone = '-08:00'"),
              0);
    lease->declare_clean();
  }
  auto lease = pool_.acquire(server_, {}, call_);
  ASSERT_TRUE(lease.ok());
  const mysql::WaitScope scope(deadline_);
  ASSERT_EQ(mysql_query((*lease)->handle(),
                        "SELECT @left IS NULL, @@sql_mode LIKE '%ANSI_QUOTES%', @@time_zone, @@tx_read_only"),
            0);
  MYSQL_RES* rows = mysql_store_result((*lease)->handle());
  const MYSQL_ROW row = mysql_fetch_row(rows);
  EXPECT_STREQ(row[0], "1");
  EXPECT_STREQ(row[1], "0");
  EXPECT_STREQ(row[2], "+00:00");
  EXPECT_STREQ(row[3], "1");
  mysql_free_result(rows);
}

TEST_F(MysqlPool, AConnectionThatDiedWhileIdleIsReplaced) {
  {
    auto lease = pool_.acquire(server_, {}, call_);
    ASSERT_TRUE(lease.ok());
    const std::string id = std::to_string(id_of(*lease));
    lease->declare_clean();
    ASSERT_TRUE(plain_server().execute("KILL " + id).ok());
  }
  auto lease = pool_.acquire(server_, {}, call_);
  EXPECT_TRUE(lease.ok()) << lease.error().message;
}

TEST_F(MysqlPool, AStepBeyondPoolSizeWaitsForOneThatEnds) {
  // An account of its own, so that its connections can be counted.
  ASSERT_TRUE(
      plain_server()
          .execute("CREATE OR REPLACE USER counted@'%' IDENTIFIED BY 'c'; GRANT SELECT ON shop.* TO counted@'%'")
          .ok());
  server_.user = "counted";
  server_.password = "c";
  PoolSettings one;
  one.connections_max = 1;
  auto first = std::make_unique<ConnectionPool::Lease>(*pool_.acquire(server_, one, call_));
  std::atomic<bool> has_second{false};
  Deadline deadline;
  std::thread second([&] {
    const auto lease = pool_.acquire(server_, one, CallContext{"second", {}, &deadline, {}});
    EXPECT_TRUE(lease.ok());
    has_second = true;
  });
  EXPECT_EQ(*plain_server().query("SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'counted'"), "1\n");
  EXPECT_FALSE(has_second);
  first.reset();
  second.join();
  EXPECT_TRUE(has_second);
}

TEST_F(MysqlPool, WaitingForATurnCanBeCancelled) {
  PoolSettings one;
  one.connections_max = 1;
  auto first = pool_.acquire(server_, one, call_);
  ASSERT_TRUE(first.ok());
  Deadline deadline;
  deadline.cancel();
  const auto lease = pool_.acquire(server_, one, CallContext{"second", {}, &deadline, {}});
  ASSERT_FALSE(lease.ok());
  EXPECT_EQ(lease.error().code, Code::kCancelled);
}

// The key as users write it: two steps at once on one server, pool_size 1.
TEST(MysqlPoolSize, OfAStepHoldsAcrossSteps) {
  plain_server();  // a server ends with the thread that started it, so neither of the two below may be that one
  std::mutex mutex;
  int running = 0, most = 0;
  const auto run_one = [&] {
    MysqlStep step;
    step.configure({{"query", "SELECT seq FROM seq_1_to_50000"}, {"pool_size", 1}, {"batch_size", 1000}});
    bool counted = false;
    step.on_progress([&](uint64_t) {
      const auto seen = plain_server().query(
          "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'reader' AND command = 'Query'");
      const std::lock_guard lock(mutex);
      if (!counted) ++running;
      counted = true;
      if (seen.ok()) most = std::max(most, std::atoi(seen->c_str()));
    });
    const auto outcome = step.run(mysql_extractor());
    EXPECT_TRUE(outcome.ok()) << outcome.error().message;
  };
  std::thread first(run_one), second(run_one);
  first.join();
  second.join();
  EXPECT_EQ(running, 2);
  EXPECT_LE(most, 1);
}

TEST(MysqlPoolSize, OfTheConnectionIsReadToo) {
  EXPECT_EQ(MysqlStep("SELECT 1", {{"pool_size", 2}}).rows(), "1\n");
  EXPECT_EQ(MysqlStep("SELECT 1", {{"pool_size", 0}}).error().category, "connection.invalid_config");
}

}  // namespace
}  // namespace osiris::worker::test
