// The values that docs/compatibility.md ("The engine") promises of this version of DuckDB, where another version gave
// others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "worker/database/database.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker {
namespace {

namespace fs = std::filesystem;

class EngineChanges : public testing::Test {
 protected:
  EngineChanges() {
    std::string pattern = fs::temp_directory_path() / "osiris-changes-XXXXXX";
    directory_ = mkdtemp(pattern.data());
    database_ = std::make_shared<Database>(DatabaseOptions{0, 1, directory_ / "spill"});
  }
  ~EngineChanges() override {
    database_.reset();
    fs::remove_all(directory_);
  }
  // The one value of a step's SQL as text, or the error's message.
  std::string value(const std::string& sql) {
    StepDatabase step(database_, "step", {});
    const auto rows = step.run_confined("SELECT (" + sql + ")::VARCHAR AS v");
    if (!rows.ok()) return rows.error().message;
    duckdb_result result;
    EXPECT_EQ(duckdb_query(step.handle(), ("SELECT v FROM " + step.output_table().quoted()).c_str(), &result),
              DuckDBSuccess);
    char* text = duckdb_value_varchar(&result, 0, 0);
    std::string copy = text ? text : "NULL";
    duckdb_free(text);
    duckdb_destroy_result(&result);
    return copy;
  }

  fs::path directory_;
  std::shared_ptr<Database> database_;
};

TEST_F(EngineChanges, DateTruncOfADateIsATimestamp) {
  EXPECT_EQ(value("typeof(date_trunc('month', DATE '2026-05-05'))"), "TIMESTAMP");
  EXPECT_EQ(value("date_trunc('month', DATE '2026-05-05')::DATE"), "2026-05-01");
}

TEST_F(EngineChanges, IntersectionsAreInTheOrderOfTheFirstList) {
  EXPECT_EQ(value("list_intersect([3, 2, 1, 2], [2, 3])"), "[3, 2]");
  EXPECT_EQ(value("array_intersect([3, 2, 1, 2], [2, 3])"), "[3, 2]");
}

TEST_F(EngineChanges, TheFrisianCollationIsGone) {
  EXPECT_THAT(value("'a' COLLATE fy < 'b' COLLATE fy"), testing::HasSubstr("fy"));
}

TEST_F(EngineChanges, ATypeIsNoColumnOfATable) {
  StepDatabase step(database_, "step", {});
  EXPECT_FALSE(step.run_confined("SELECT get_type(1) AS t").ok());
  EXPECT_EQ(value("get_type(1)"), "INTEGER");
}

// A thread of the engine may meet an error between two calls of the thread that asked.
TEST(EngineError, IsToldAlikeWhicheverCallSeesIt) {
  const std::string wrapped =
      "Invalid Input Error: Attempting to execute an unsuccessful or closed pending query result\nError: ";
  EXPECT_EQ(sql::engine_error(DUCKDB_ERROR_INVALID_INPUT, wrapped + "Invalid Input Error: no such thing").message,
            "Invalid Input Error: no such thing");
  EXPECT_EQ(sql::engine_error(DUCKDB_ERROR_INVALID_INPUT, wrapped + "INTERRUPT Error: Interrupted!").code,
            Code::kCancelled);
  EXPECT_EQ(sql::engine_error(DUCKDB_ERROR_INVALID_INPUT, wrapped + "Out of Memory Error: could not allocate").code,
            Code::kExhausted);
}

}  // namespace
}  // namespace osiris::worker
