// A DuckDB database file, opened by an engine of its own: what is in it (views, defaults, a user's query) reaches
// neither the run's database nor another file. Rows go from one engine to the other as they are, chunk by chunk.
#pragma once

#include <duckdb.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "worker/driver_api/chunk_scan.h"
#include "worker/driver_api/driver.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker::files {

class EngineFile {
 public:
  enum class Access { kRead, kWrite };
  // `shown`: the pipeline's path, for errors.
  static Result<std::unique_ptr<EngineFile>> open(StepContext& step, const std::filesystem::path& file, Access access,
                                                  std::string shown);
  ~EngineFile();
  EngineFile(const EngineFile&) = delete;
  EngineFile& operator=(const EngineFile&) = delete;

  // Its statements are interrupted when the step is cancelled.
  duckdb_connection connection() { return connection_; }
  const std::string& shown() const { return shown_; }

 private:
  EngineFile(StepContext& step, std::string shown) : step_(step), shown_(std::move(shown)) {}
  void watch();

  StepContext& step_;
  const std::string shown_;
  duckdb_database database_ = nullptr;
  duckdb_connection connection_ = nullptr;
  std::atomic<bool> is_done_{false};
  std::thread watcher_;
};

// The rows of a query, which are made while they are read: the step's progress.
class QueryRows : public ChunkSource {
 public:
  explicit QueryRows(StepContext& step) : step_(step) {}
  ~QueryRows() override;
  QueryRows(const QueryRows&) = delete;
  QueryRows& operator=(const QueryRows&) = delete;

  Status open(duckdb_connection connection, const std::string& select);
  Result<duckdb_data_chunk> next() override;
  uint64_t count() const { return rows_; }
  bool is_complete() const { return is_complete_; }

 private:
  StepContext& step_;
  duckdb_prepared_statement prepared_ = nullptr;
  duckdb_pending_result pending_ = nullptr;
  duckdb_result result_{};
  bool has_result_ = false, is_complete_ = false;
  duckdb_data_chunk chunk_ = nullptr;
  uint64_t rows_ = 0;
};

// Appends the rows of `select` on `from` to a table on `to` that has columns of the same types. Returns how many; they
// are the step's progress.
Result<uint64_t> transfer_rows(StepContext& step, duckdb_connection from, const std::string& select,
                               duckdb_connection to, const sql::TableName& table);

}  // namespace osiris::worker::files
