// What a step may take of its source, and what it tells of what it took.
#include <algorithm>
#include <thread>

#include "tests/drivers/postgres/steps.h"
#include "tests/support/eventually.h"
#include "worker/drivers/postgres.extractor/driver.h"

namespace osiris::worker::test {
namespace {

double metric(const StepHarness& step, const std::string& name) {
  for (const RecordedMetric& metric : step.metrics())
    if (metric.name == name) return metric.value;
  return -1;
}

Json five_parts(const char* column) { return Json::object({{"column", column}, {"parts", 5}}); }

class PostgresSource : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    in_shop(
        "CREATE TABLE wide AS SELECT n AS k, repeat('x', 50) AS v FROM generate_series(1, 20000) AS n;"
        // Read only where it is wanted, and only for the rows that are.
        "CREATE FUNCTION slow(n int) RETURNS int STABLE LANGUAGE plpgsql AS "
        "'BEGIN PERFORM pg_sleep(0.3); RETURN n; END'");
  }
};

TEST_F(PostgresSource, TellsWhatItTook) {
  PostgresStep step(postgres_extractor());
  step.configure({{"table", "wide"}});
  ASSERT_TRUE(step.run().ok());
  EXPECT_EQ(metric(step, "source_connections"), 1);
  EXPECT_GT(metric(step, "source_transaction"), 0);
  EXPECT_GE(metric(step, "source_bytes"), 20000 * 54);
  EXPECT_LT(metric(step, "source_bytes"), 20000 * 100);
}

TEST_F(PostgresSource, GivesAsManyConnectionsAsThereArePartsOrAsItMay) {
  PostgresStep all(postgres_extractor());
  all.configure({{"table", "wide"}, {"partition", five_parts("k")}});
  ASSERT_TRUE(all.run().ok());
  EXPECT_EQ(metric(all, "source_connections"), 5);
  for (const int most : {1, 2, 4}) {
    PostgresStep step(postgres_extractor());
    step.configure(
        {{"table", "wide"}, {"partition", five_parts("k")}, {"source", Json::object({{"max_connections", most}})}});
    const auto outcome = step.run();
    ASSERT_TRUE(outcome.ok()) << outcome.error().message;
    EXPECT_EQ(step.query("SELECT count(*), count(DISTINCT k), min(k), max(k) FROM {out}"), "20000|20000|1|20000\n");
    EXPECT_LE(metric(step, "source_connections"), most);
  }
}

TEST_F(PostgresSource, CountsTheConnectionsOfAllSteps) {
  const std::string query =
      "SELECT (SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND xact_start IS NOT NULL) AS n "
      "FROM (SELECT pg_sleep(0.2)) AS wait";
  std::vector<std::string> seen(4);
  std::vector<std::thread> threads;
  for (std::string& rows : seen)
    threads.emplace_back([&] {
      PostgresStep step(postgres_extractor());
      step.configure({{"query", query}, {"source", Json::object({{"max_connections", 1}})}});
      rows = step.rows();
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(seen, std::vector<std::string>(4, "1\n"));
}

TEST_F(PostgresSource, WaitsForItsTurnUntilItIsCancelled) {
  PostgresStep holder(postgres_extractor());
  holder.configure({{"query", "SELECT pg_sleep(2)"}, {"source", Json::object({{"max_connections", 1}})}});
  std::thread holding([&] { (void)holder.run(); });
  EXPECT_TRUE(osiris::test::eventually([] {
    return ask_shop(
               "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%pg_sleep(2)%' AND pid <> "
               "pg_backend_pid()") != "0\n";
  }));
  PostgresStep step(postgres_extractor());
  step.configure({{"query", "SELECT 1"}, {"source", Json::object({{"max_connections", 1}})}});
  step.cancel();
  EXPECT_EQ(step.error().code, Code::kCancelled);
  holding.join();
}

TEST_F(PostgresSource, EndsAStatementThatTakesTooLong) {
  PostgresStep step(postgres_extractor());
  step.configure({{"query", "SELECT pg_sleep(20)"}, {"source", Json::object({{"statement_timeout", 1}})}});
  const Error error = step.error();
  EXPECT_EQ(error.category, "runtime.timeout") << error.message;
  EXPECT_NE(error.message.find("statement timeout"), std::string::npos) << error.message;
}

// Of many statements, each of them short enough.
TEST_F(PostgresSource, EndsATransactionThatTakesTooLong) {
  PostgresStep step(postgres_extractor());
  step.configure({{"query", "SELECT k, slow(k) AS s FROM wide WHERE k <= 20"},
                  {"partition", Json::object({{"column", "k"}, {"parts", 20}})},
                  {"source", Json::object({{"max_connections", 1}, {"max_transaction", 1}})}});
  const Error error = step.error();
  EXPECT_EQ(error.category, "runtime.timeout");
  EXPECT_NE(error.message.find("open for longer than source.max_transaction, 1 s"), std::string::npos) << error.message;
  EXPECT_FALSE(step.has_output_table());
  EXPECT_GE(metric(step, "source_transaction"), 1);
}

TEST_F(PostgresSource, IsNotStreamedWhereItHasBounds) {
  for (const bool has_bounds : {true, false}) {
    PostgresStep step(postgres_extractor());
    step.configure({{"table", "wide"}});
    if (has_bounds) step.configure({{"table", "wide"}, {"source", Json::object({{"max_transaction", 60}})}});
    const auto stream = postgres_extractor().open(step);
    ASSERT_TRUE(stream.ok()) << stream.error().message;
    EXPECT_EQ(*stream == nullptr, has_bounds);
  }
}

}  // namespace
}  // namespace osiris::worker::test
