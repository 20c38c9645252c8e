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

// Appends the rows of `select` on `from` to a table on `to` that has columns of the same types. Returns how many; they
// are the step's progress.
Result<uint64_t> transfer_rows(StepContext& step, duckdb_connection from, const std::string& select,
                               duckdb_connection to, const sql::TableName& table);

}  // namespace osiris::worker::files
