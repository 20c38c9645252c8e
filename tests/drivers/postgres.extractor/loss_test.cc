// Servers that go away, and being cancelled while waiting for them: an error that says what happened, soon, and no half
// relation.
#include <chrono>
#include <thread>

#include "tests/drivers/postgres/steps.h"
#include "tests/support/eventually.h"
#include "worker/drivers/postgres.extractor/driver.h"

namespace osiris::worker::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kEndless[] = "SELECT generate_series(1, 4000000000) AS n, repeat('x', 100) AS text";

TEST(PostgresLoss, AServerThatCrashesInTheMiddleIsAnErrorAndLeavesNoRelation) {
  auto server = osiris::test::PostgresServer::start();
  ASSERT_TRUE(server.ok()) << server.error().message;
  ASSERT_TRUE((*server)->execute("CREATE ROLE app LOGIN PASSWORD E'p@ss/w:rd %41''\"\\\\'").ok());
  ASSERT_TRUE((*server)->execute("CREATE DATABASE shop OWNER app").ok());
  PostgresStep step(**server, postgres_extractor());
  step.configure({{"query", kEndless}});
  bool is_down = false;
  step.on_progress([&](uint64_t rows) {
    if (rows >= 20000 && !std::exchange(is_down, true)) (*server)->crash();
  });
  const Error error = step.error();
  EXPECT_EQ(error.code, Code::kUnavailable);
  EXPECT_EQ(error.category, "connection.failed");
  EXPECT_NE(error.message.find("PostgreSQL query failed after "), std::string::npos) << error.message;
  EXPECT_FALSE(step.has_output_table());
}

TEST(PostgresLoss, AQueryEndedByAnAdministratorIsAnErrorToo) {
  for (const char* how : {"pg_terminate_backend", "pg_cancel_backend"}) {
    PostgresStep step(postgres_extractor());
    step.configure({{"query", kEndless}});
    step.on_progress([&](uint64_t rows) {
      if (rows >= 20000)
        (void)plain_postgres().query(std::string("SELECT ") + how +
                                     "(pid) FROM pg_stat_activity WHERE usename = 'app'");
    });
    const Error error = step.error();
    EXPECT_NE(error.message.find(" after "), std::string::npos) << error.message;
    EXPECT_FALSE(step.has_output_table());
  }
}

TEST(PostgresLoss, CancellingEndsTheWaitAndTheServersStatement) {
  PostgresStep step(postgres_extractor());
  step.configure({{"query", "SELECT pg_sleep(600) AS slept"}});
  std::thread canceller([&] {
    EXPECT_TRUE(osiris::test::eventually([] {
      return ask_shop("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%pg_sleep(600)%'") != "0\n";
    }));
    step.cancel();
  });
  const auto begin = Clock::now();
  const Error error = step.error();
  canceller.join();
  EXPECT_EQ(error.code, Code::kCancelled);
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(30));
  EXPECT_TRUE(osiris::test::eventually([] {
    return ask_shop("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%pg_sleep(600)%'") == "0\n";
  })) << "the server goes on with what nobody waits for";
}

TEST(PostgresLoss, ReadTimeoutEndsASilence) {
  PostgresStep step(postgres_extractor(), {{"read_timeout", 1}});
  step.configure({{"query", "SELECT pg_sleep(60) AS slept"}});
  const Error error = step.error();
  EXPECT_EQ(error.category, "connection.timeout") << error.message;
  EXPECT_NE(error.message.find("sent nothing for 1 s"), std::string::npos) << error.message;
}

TEST(PostgresLoss, WhatFailsInAPartitionEndsThemAll) {
  PostgresStep step(postgres_extractor());
  in_shop("CREATE TABLE faulty AS SELECT n FROM generate_series(1, 200000) AS n");
  step.configure({{"query", "SELECT n, 1 / (150000 - n) AS q FROM faulty"},
                  {"partition", Json::object({{"column", "n"}, {"parts", 4}})}});
  const Error error = step.error();
  EXPECT_NE(error.message.find("division by zero"), std::string::npos) << error.message;
  EXPECT_FALSE(step.has_output_table());
}

}  // namespace
}  // namespace osiris::worker::test
