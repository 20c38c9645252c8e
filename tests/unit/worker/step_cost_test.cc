// What a step of SQL asks of the engine beside its own statement, counted.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <duckdb.hpp>
#include <duckdb/main/client_context.hpp>
#include <duckdb/main/database_manager.hpp>
#include <duckdb/parallel/task_scheduler.hpp>

#include "worker/database/database.h"

namespace osiris::worker {
namespace {

constexpr int kSteps = 20;

class StepCost : public ::testing::Test {
 protected:
  StepCost() {
    char name[] = "/tmp/osiris-cost-XXXXXX";
    directory_ = ::mkdtemp(name);
    database_ = std::make_shared<Database>(DatabaseOptions{0, 2, directory_ / "spill"});
  }
  ~StepCost() override {
    database_.reset();
    std::filesystem::remove_all(directory_);
  }

  // Of all connections since the engine was opened.
  uint64_t queries() {
    const auto connection = database_->connect();
    auto& context = *reinterpret_cast<duckdb::Connection*>((*connection)->handle())->context;
    return duckdb::DatabaseManager::Get(context).ActiveQueryNumber();
  }
  int32_t threads() {
    const auto connection = database_->connect();
    auto& context = *reinterpret_cast<duckdb::Connection*>((*connection)->handle())->context;
    return duckdb::TaskScheduler::GetScheduler(context).NumberOfThreads();
  }
  uint64_t run_alone(const std::string& sql, std::vector<StepInput> inputs = {}) {
    StepDatabase step(database_, "alone", std::move(inputs));
    return run(step, sql);
  }
  uint64_t databases() {
    const auto connection = database_->connect();
    const auto count = (*connection)->single_number("SELECT count(*) FROM duckdb_databases()");
    return count.ok() ? *count : 0;
  }
  static uint64_t run(StepDatabase& step, const std::string& sql) {
    const auto rows = step.run_confined(sql);
    EXPECT_TRUE(rows.ok()) << rows.error().message;
    return rows.ok() ? *rows : 0;
  }
  // Each reads the step before, whose output is dropped then.
  std::shared_ptr<const Relation> run_chain() {
    std::shared_ptr<const Relation> before;
    for (int i = 0; i < kSteps; ++i) {
      std::vector<StepInput> inputs;
      if (before) inputs.push_back({{"df_before", "input_df"}, before});
      StepDatabase step(database_, "s" + std::to_string(i), std::move(inputs));
      EXPECT_EQ(run(step, before ? "SELECT a + 1 AS a FROM df_before" : "SELECT range AS a FROM range(100)"), 100u);
      const auto output = step.take_output();
      EXPECT_TRUE(output.ok());
      before = output.ok() ? *output : nullptr;
    }
    return before;
  }

  std::filesystem::path directory_;
  std::shared_ptr<Database> database_;
};

TEST_F(StepCost, IsOneQueryForAStatement) {
  ASSERT_TRUE(database_->open().ok());
  const uint64_t before = queries();
  EXPECT_EQ(run_chain()->rows(), 100u);
  EXPECT_EQ(queries() - before, uint64_t{kSteps});
}

// A step finds its connection and its output's database made.
TEST_F(StepCost, IsWhatWasMadeAheadWhereThereIsSome) {
  ASSERT_TRUE(database_->open().ok());
  const uint64_t before = databases();
  database_->make_spares(kSteps);
  EXPECT_EQ(databases(), before + kSteps);
  auto last = run_chain();
  EXPECT_EQ(databases(), before + 1) << "an output had a database of its own beside those that were there";
  last.reset();
  EXPECT_EQ(databases(), before);
}

TEST_F(StepCost, IsItsOwnThreadWhereRowsAreFew) {
  ASSERT_TRUE(database_->open().ok());
  const auto last = run_chain();
  EXPECT_EQ(threads(), 1);
  run_alone(
      "CREATE TABLE t AS SELECT a % 7 AS b FROM input_df; INSERT INTO t VALUES (1), (2); DROP VIEW input_df; "
      "SELECT b, count(*) FROM t JOIN df_before ON a = b GROUP BY b UNION ALL SELECT 1, 2 ORDER BY 1",
      {{{"df_before", "input_df"}, last}});
  EXPECT_EQ(threads(), 1);
}

TEST_F(StepCost, IsForAllThreadsWhereRowsAreManyOrNotKnown) {
  const char* const kLarge[] = {"SELECT count(*) FROM range(200000)",
                                "SELECT count(*) FROM range(400) a, range(400) b, range(400) c",
                                "SELECT unnest(range(200000)) AS a",
                                "WITH RECURSIVE t(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM t WHERE a < 9) FROM t",
                                "SELECT key FROM json_each('{\"a\":1}')"};
  for (const char* sql : kLarge) {
    SCOPED_TRACE(sql);
    database_ = std::make_shared<Database>(DatabaseOptions{0, 2, directory_ / "spill"});
    ASSERT_TRUE(database_->open().ok());
    EXPECT_EQ(threads(), 1);
    run_alone(sql);
    EXPECT_EQ(threads(), 2);
  }
}

TEST_F(StepCost, LeavesNothingToTheNextStep) {
  run_alone("CREATE TEMPORARY TABLE mine AS SELECT 1 AS a; SELECT * FROM mine");
  StepDatabase next(database_, "next", {});
  EXPECT_FALSE(next.run_confined("SELECT * FROM mine").ok());
  const auto drawn = [this] {
    run_alone("SELECT setseed(0.5) AS a");
    StepDatabase step(database_, "draw", {});
    EXPECT_EQ(run(step, "SELECT random() AS a"), 1u);
    const auto connection = database_->connect();
    auto rows = sql::run_query((*connection)->handle(), "SELECT a FROM " + step.output_table().quoted());
    return rows.ok() ? rows->text() : rows.error().message;
  };
  EXPECT_NE(drawn(), drawn());
}

TEST_F(StepCost, LeavesNoDatabaseBehind) {
  ASSERT_TRUE(database_->open().ok());
  const uint64_t before = databases();
  auto last = run_chain();
  EXPECT_EQ(databases(), before + 1);
  last.reset();
  EXPECT_EQ(databases(), before);
}

}  // namespace
}  // namespace osiris::worker
