// The rows of a statement, chunk by chunk, without the whole result in memory.
#pragma once

#include <duckdb.h>

#include <string>

#include "protocol/base/error.h"

namespace osiris::worker::csv_out {

class RowStream {
 public:
  explicit RowStream(duckdb_connection connection) : connection_(connection) {}
  ~RowStream();
  RowStream(const RowStream&) = delete;
  RowStream& operator=(const RowStream&) = delete;

  Status start(const std::string& statement);
  // Owned by the stream, valid until the next call; null at the end.
  Result<duckdb_data_chunk> next();

 private:
  duckdb_connection connection_;
  duckdb_prepared_statement prepared_ = nullptr;
  duckdb_pending_result pending_ = nullptr;
  duckdb_result result_{};
  bool has_result_ = false;
  duckdb_data_chunk chunk_ = nullptr;
};

}  // namespace osiris::worker::csv_out
