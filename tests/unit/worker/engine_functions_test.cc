// A new version of the engine brings new functions, and each is a new door: which exist is written down, so that a
// person looks at what a step's SQL could do with a new one before it is shipped
// (docs/decisions/0001-confining-sql.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "worker/database/database.h"

namespace osiris::worker {
namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

Names in_the_engine() {
  std::string pattern = fs::temp_directory_path() / "osiris-functions-XXXXXX";
  const fs::path directory = mkdtemp(pattern.data());
  Names names;
  {
    StepDatabase database(std::make_shared<Database>(DatabaseOptions{0, 1, directory / "spill"}), "step", {});
    duckdb_result result;
    const char* query = "SELECT DISTINCT function_type || ' ' || function_name FROM duckdb_functions() WHERE internal";
    EXPECT_EQ(duckdb_query(database.handle(), query, &result), DuckDBSuccess) << duckdb_result_error(&result);
    for (idx_t row = 0; row < duckdb_row_count(&result); ++row) {
      char* text = duckdb_value_varchar(&result, 0, row);
      names.insert(text);
      duckdb_free(text);
    }
    duckdb_destroy_result(&result);
  }
  fs::remove_all(directory);
  return names;
}

Names looked_at() {
  const char* source = getenv("OSIRIS_SOURCE_DIR");
  std::ifstream file(fs::path(source ? source : ".") / "tests/unit/worker/engine_functions.txt");
  EXPECT_TRUE(file.is_open());
  Names names;
  for (std::string line; std::getline(file, line);) names.insert(line);
  return names;
}

// npm's library brings the extension autocomplete as well. A worker that is linked with it runs on the machine it was
// built on.
[[maybe_unused]] const Names kOnlyInTheSharedEngine = {"table check_peg_parser", "table disable_peg_parser",
                                                       "table enable_peg_parser", "table sql_auto_complete"};

TEST(EngineFunctions, AreThoseThatWereLookedAt) {
  Names engine = in_the_engine();
#ifndef OSIRIS_STATIC_WORKER
  for (const std::string& name : kOnlyInTheSharedEngine) EXPECT_EQ(engine.erase(name), 1u) << name;
#endif
  const Names known = looked_at();
  Names added, gone;
  std::set_difference(engine.begin(), engine.end(), known.begin(), known.end(), std::inserter(added, added.end()));
  std::set_difference(known.begin(), known.end(), engine.begin(), engine.end(), std::inserter(gone, gone.end()));
  EXPECT_THAT(added, testing::IsEmpty())
      << "look at what each can reach, confine it if needed (worker/database/engine.cc), then add it to the list";
  EXPECT_THAT(gone, testing::IsEmpty())
      << "a pipeline may use them: write it into docs/compatibility.md, then take them from the list";
}

}  // namespace
}  // namespace osiris::worker
