// A SQLite file, opened to be read, and a statement of it. SQLite's errors with the file's name.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "worker/driver_api/driver.h"

namespace osiris::worker::sqlite_in {

class Database {
 public:
  explicit Database(const StepContext& step) : step_(step) {}
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Reads go on seeing the database as it is at the first of them, whatever others write. `shown`: the pipeline's path.
  Status open(const std::filesystem::path& file, std::string shown);
  sqlite3* handle() { return database_; }
  const std::string& shown() const { return shown_; }
  // Of the last failed call; kCancelled where the step was.
  Error error(const std::string& what) const;

 private:
  Status check_size(const std::filesystem::path& file) const;

  const StepContext& step_;
  sqlite3* database_ = nullptr;
  std::string shown_;
};

class Statement {
 public:
  explicit Statement(Database& database) : database_(database) {}
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // kInvalidArgument for SQL that is not one statement that reads and gives rows.
  Status prepare(const std::string& sql);
  // False after the last row.
  Result<bool> step();
  Status rewind();
  sqlite3_stmt* handle() { return statement_; }

 private:
  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace osiris::worker::sqlite_in
