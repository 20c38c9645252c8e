// What a step of SQL asks of the engine beside its own statement, counted.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <duckdb.hpp>
#include <duckdb/main/client_context.hpp>
#include <duckdb/main/database_manager.hpp>

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
