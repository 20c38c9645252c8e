#include "worker/drivers/filesystem.csv_writer/row_stream.h"

#include "worker/driver_api/sql.h"

namespace osiris::worker::csv_out {
namespace {

Error failed(duckdb_error_type type, const char* message) {
  return sql::engine_error(type, message ? message : "DuckDB gave no reason")
      .within("reading the input relation failed");
}

}  // namespace

RowStream::~RowStream() {
  if (chunk_) duckdb_destroy_data_chunk(&chunk_);
  if (has_result_) duckdb_destroy_result(&result_);
  if (pending_) duckdb_destroy_pending(&pending_);
  if (prepared_) duckdb_destroy_prepare(&prepared_);
}

Status RowStream::start(const std::string& statement) {
  if (duckdb_prepare(connection_, statement.c_str(), &prepared_) == DuckDBError)
    return failed(DUCKDB_ERROR_INVALID, duckdb_prepare_error(prepared_));
  if (duckdb_pending_prepared_streaming(prepared_, &pending_) == DuckDBError)
    return failed(DUCKDB_ERROR_INVALID, duckdb_pending_error(pending_));
  has_result_ = true;
  if (duckdb_execute_pending(pending_, &result_) == DuckDBError)
    return failed(duckdb_result_error_type(&result_), duckdb_result_error(&result_));
  return {};
}

Result<duckdb_data_chunk> RowStream::next() {
  if (chunk_) duckdb_destroy_data_chunk(&chunk_);
  chunk_ = duckdb_fetch_chunk(result_);
  if (!chunk_) {
    // The end, or an error in the middle of the stream.
    if (const char* message = duckdb_result_error(&result_); message && *message)
      return failed(duckdb_result_error_type(&result_), message);
  }
  return chunk_;
}

}  // namespace osiris::worker::csv_out
