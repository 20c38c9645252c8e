// DuckDB files made by the engine, and what the extractor makes of them.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/drivers/extracted.h"
#include "worker/drivers/duckdb.extractor/driver.h"

namespace osiris::worker::test {

// Runs SQL in a database file of the step's work directory; the file is made, and closed.
inline void fill(StepHarness& step, const std::string& sql, const std::string& file = "in.duckdb") {
  duckdb_database database = nullptr;
  duckdb_connection connection = nullptr;
  ASSERT_EQ(duckdb_open((step.work_dir() / file).c_str(), &database), DuckDBSuccess);
  ASSERT_EQ(duckdb_connect(database, &connection), DuckDBSuccess);
  duckdb_result result;
  EXPECT_EQ(duckdb_query(connection, sql.c_str(), &result), DuckDBSuccess) << duckdb_result_error(&result);
  duckdb_destroy_result(&result);
  duckdb_disconnect(&connection);
  duckdb_close(&database);
}

inline Extracted extract(StepHarness& step, Json config) {
  if (config["path"].is_null()) config.set("path", "in.duckdb");
  step.set_config(std::move(config));
  const Extracted result = run_extractor(step, duckdb_extractor(), "COLUMNS(*)::VARCHAR");
  if (result.error.empty()) step.sql("DROP TABLE " + step.output_table().quoted());
  return result;
}

inline Extracted table(StepHarness& step, const std::string& name) {
  return extract(step, Json::object({{"table", name}}));
}
inline Extracted query(StepHarness& step, const std::string& sql) {
  return extract(step, Json::object({{"query", sql}}));
}

}  // namespace osiris::worker::test
