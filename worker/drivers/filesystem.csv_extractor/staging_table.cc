#include "worker/drivers/filesystem.csv_extractor/staging_table.h"

#include <vector>

#include "worker/driver_api/sql.h"

namespace osiris::worker::csv {

StagingTable::~StagingTable() {
  if (chunk_) duckdb_destroy_data_chunk(&chunk_);
  if (appender_) duckdb_appender_destroy(&appender_);
  // After a failure the step's transaction is over and the worker closes the connection, so a refusal here changes
  // nothing.
  if (created_) (void)sql::execute(connection_, std::string("DROP TABLE IF EXISTS temp.main.") + kName);
}

Status StagingTable::create() {
  std::string text = std::string("CREATE OR REPLACE TEMP TABLE ") + kName + " (";
  for (size_t i = 0; i < columns_; ++i) text += (i ? ", c" : "c") + std::to_string(i) + " VARCHAR";
  OSIRIS_TRY(sql::execute(connection_, text + ")"));
  created_ = true;
  if (duckdb_appender_create_ext(connection_, "temp", "main", kName, &appender_) == DuckDBError)
    return sql::appender_error(appender_);
  std::vector<duckdb_logical_type> types(columns_);
  for (auto& type : types) type = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
  chunk_ = duckdb_create_data_chunk(types.data(), types.size());
  for (auto& type : types) duckdb_destroy_logical_type(&type);
  return {};
}

void StagingTable::set(size_t column, std::string_view value) {
  duckdb_vector_assign_string_element_len(duckdb_data_chunk_get_vector(chunk_, column), rows_, value.data(),
                                          value.size());
}

void StagingTable::set_null(size_t column) {
  const duckdb_vector vector = duckdb_data_chunk_get_vector(chunk_, column);
  duckdb_vector_ensure_validity_writable(vector);
  duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vector), rows_);
}

Status StagingTable::end_row() { return ++rows_ == duckdb_vector_size() ? flush_chunk() : Status(); }

Status StagingTable::flush_chunk() {
  if (rows_ == 0) return {};
  duckdb_data_chunk_set_size(chunk_, rows_);
  if (duckdb_append_data_chunk(appender_, chunk_) == DuckDBError) return sql::appender_error(appender_);
  duckdb_data_chunk_reset(chunk_);
  rows_ = 0;
  return {};
}

Status StagingTable::finish() {
  OSIRIS_TRY(flush_chunk());
  if (duckdb_appender_close(appender_) == DuckDBError) return sql::appender_error(appender_);
  duckdb_appender_destroy(&appender_);
  appender_ = nullptr;
  return {};
}

}  // namespace osiris::worker::csv
