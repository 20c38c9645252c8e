// A temporary table of text columns, filled row by row.
#pragma once

#include <duckdb.h>

#include <string>
#include <string_view>

#include "protocol/base/error.h"

namespace osiris::worker::csv {

class StagingTable {
 public:
  // On `connection`, which must outlive it; columns are c0, c1, ...
  StagingTable(duckdb_connection connection, size_t columns) : connection_(connection), columns_(columns) {}
  ~StagingTable();  // drops the table
  StagingTable(const StagingTable&) = delete;
  StagingTable& operator=(const StagingTable&) = delete;

  Status create();
  // The row being built: set the values that are not null, then end it.
  void set(size_t column, std::string_view value);
  void set_null(size_t column);
  Status end_row();
  Status finish();

  static constexpr const char* kName = "osiris_csv_staging";

 private:
  Status flush_chunk();

  duckdb_connection connection_;
  size_t columns_;
  bool created_ = false;
  duckdb_appender appender_ = nullptr;
  duckdb_data_chunk chunk_ = nullptr;
  idx_t rows_ = 0;  // in chunk_
};

}  // namespace osiris::worker::csv
