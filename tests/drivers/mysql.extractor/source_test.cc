// What a step may take of its source, and what it tells of what it took.
#include <thread>

#include "tests/drivers/mysql.extractor/servers.h"
#include "worker/drivers/mysql.extractor/driver.h"

namespace osiris::worker::test {
namespace {

double metric(const StepHarness& step, const std::string& name) {
  for (const RecordedMetric& metric : step.metrics())
    if (metric.name == name) return metric.value;
  return -1;
}

TEST(MysqlSource, TellsWhatItTook) {
  MysqlStep step("SELECT seq, REPEAT('x', 50) AS v FROM seq_1_to_20000");
  ASSERT_TRUE(step.run(mysql_extractor()).ok());
  EXPECT_EQ(metric(step, "source_connections"), 1);
  EXPECT_GT(metric(step, "source_transaction"), 0);
  EXPECT_GE(metric(step, "source_bytes"), 20000 * 50);
}

TEST(MysqlSource, EndsAStatementThatTakesTooLong) {
  for (const char* bound : {"statement_timeout", "max_transaction"}) {
    MysqlStep step;
    step.configure({{"query", "SELECT COUNT(*) FROM seq_1_to_100000 a, seq_1_to_100000 b WHERE a.seq * b.seq % 7 = 3"},
                    {"source", Json::object({{bound, 1}})}});
    const Error error = step.error();
    EXPECT_EQ(error.category, "runtime.timeout") << error.message;
    EXPECT_FALSE(step.has_output_table());
  }
  // A connection that is used again has no bound of the step before.
  MysqlStep step("SELECT SLEEP(1.5) AS n");
  EXPECT_EQ(step.rows(), "0\n");
}

TEST(MysqlSource, CountsTheConnectionsOfAllSteps) {
  EXPECT_EQ(MysqlStep("SELECT 1 AS n").rows(), "1\n");  // starts the server, which ends with the thread that started it
  std::vector<std::string> seen(3);
  std::vector<std::thread> threads;
  for (std::string& rows : seen)
    threads.emplace_back([&] {
      MysqlStep step;
      // The lock stays with its connection: another one, at the same time, would not get it.
      step.configure({{"query", "SELECT GET_LOCK('a_step_of_three', 0) + 0 * SLEEP(0.2) AS n"},
                      {"source", Json::object({{"max_connections", 1}})}});
      rows = step.rows();
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(seen, std::vector<std::string>(3, "1\n"));
}

TEST(MysqlSource, IsNotStreamedWhereItHasBounds) {
  for (const bool has_bounds : {true, false}) {
    MysqlStep step("SELECT 1 AS n");
    if (has_bounds) step.configure({{"query", "SELECT 1 AS n"}, {"source", Json::object({{"max_connections", 2}})}});
    const auto stream = mysql_extractor().open(step);
    ASSERT_TRUE(stream.ok()) << stream.error().message;
    EXPECT_EQ(*stream == nullptr, has_bounds);
  }
}

}  // namespace
}  // namespace osiris::worker::test
