// SQLite files made by SQLite, and what the extractor makes of them.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>

#include "tests/drivers/extracted.h"
#include "worker/drivers/sqlite.extractor/driver.h"

namespace osiris::worker::test {

// Runs SQL in a database file of the step's work directory; the file is made.
inline void sqlite(StepHarness& step, const std::string& sql, const std::string& file = "in.db") {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open((step.work_dir() / file).c_str(), &database), SQLITE_OK);
  char* error = nullptr;
  EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, &error), SQLITE_OK) << (error ? error : "");
  sqlite3_free(error);
  sqlite3_close(database);
}

inline Extracted extract(StepHarness& step, Json config) {
  if (config["path"].is_null()) config.set("path", "in.db");
  step.set_config(std::move(config));
  return run_extractor(step, sqlite_extractor(), "COLUMNS(*)::VARCHAR");
}

inline Extracted table(StepHarness& step, const std::string& name) {
  return extract(step, Json::object({{"table", name}}));
}
inline Extracted query(StepHarness& step, const std::string& sql) {
  return extract(step, Json::object({{"query", sql}}));
}

}  // namespace osiris::worker::test
