// The gate to DuckDB's C API, for drivers and for the worker's own database: quoting names, running a statement,
// telling its errors apart. Header-only and stateless.
#pragma once

#include <duckdb.h>

#include <string>
#include <string_view>
#include <utility>

#include "protocol/base/categories.h"
#include "protocol/base/error.h"
#include "worker/driver_api/step_cancelled.h"

namespace osiris::worker::sql {

// "a""b": a name that may hold anything.
inline std::string quote_identifier(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

// 'it''s': a text literal.
inline std::string quote_literal(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += '\'';
    quoted += c;
  }
  return quoted + '\'';
}

// A table, as the parts that some of DuckDB's calls (appenders) want.
struct TableName {
  std::string catalog, schema, table;
  // As SQL wants it.
  std::string quoted() const {
    return quote_identifier(catalog) + "." + quote_identifier(schema) + "." + quote_identifier(table);
  }
};

// A finished statement's result; owns it.
class QueryResult {
 public:
  QueryResult() = default;
  explicit QueryResult(duckdb_result result) : result_(result), held_(true) {}
  QueryResult(QueryResult&& other) noexcept : result_(other.result_), held_(std::exchange(other.held_, false)) {}
  QueryResult& operator=(QueryResult&& other) noexcept {
    std::swap(result_, other.result_);
    std::swap(held_, other.held_);
    return *this;
  }
  ~QueryResult() {
    if (held_) duckdb_destroy_result(&result_);
  }

  duckdb_result* get() { return &result_; }
  idx_t rows() { return duckdb_row_count(&result_); }
  // The integer in the first column of `row` (a count, the row count of CREATE TABLE AS); 0 for NULL.
  int64_t integer(idx_t column = 0, idx_t row = 0) { return duckdb_value_int64(&result_, column, row); }
  std::string text(idx_t column = 0, idx_t row = 0) {
    char* value = duckdb_value_varchar(&result_, column, row);
    std::string copy = value ? value : "";
    duckdb_free(value);
    return copy;
  }

 private:
  duckdb_result result_{};
  bool held_ = false;
};

// What the engine puts before an error that one of its threads met between two calls of the thread that asked.
inline constexpr std::string_view kFailedMeanwhile =
    "Attempting to execute an unsuccessful or closed pending query result\nError: ";

// Of an error of which there is only the text.
inline duckdb_error_type type_of(std::string_view message) {
  return message.starts_with("Out of Memory Error") ? DUCKDB_ERROR_OUT_OF_MEMORY
         : message.starts_with("INTERRUPT Error")   ? DUCKDB_ERROR_INTERRUPT
                                                    : DUCKDB_ERROR_INVALID;
}

// kCancelled for an interrupted statement, kExhausted for memory and disk, kStepFailed for the rest; the message is
// DuckDB's.
inline Error engine_error(duckdb_error_type type, std::string_view message) {
  if (const size_t at = message.find(kFailedMeanwhile); at != message.npos) {
    message.remove_prefix(at + kFailedMeanwhile.size());
    type = type_of(message);
  }
  if (type == DUCKDB_ERROR_INTERRUPT) return step_cancelled();
  if (type == DUCKDB_ERROR_OUT_OF_MEMORY)
    // Without its advice to change settings.
    return Error(Code::kExhausted, std::string(message.substr(0, message.find("\nPossible solutions:"))),
                 "raise --memory-limit, or free disk space for spilling", category::kRuntimeMemoryExceeded);
  return Error(Code::kStepFailed, std::string(message));
}

// What an appender refused last. duckdb_appender_error gives the text alone, and with it no kind.
inline Error appender_error(duckdb_appender appender) {
  duckdb_error_data data = duckdb_appender_error_data(appender);
  const char* message = duckdb_error_data_message(data);
  const Error error = engine_error(duckdb_error_data_error_type(data), message ? message : "DuckDB gave no reason");
  duckdb_destroy_error_data(&data);
  return error;
}

inline Result<QueryResult> run_query(duckdb_connection connection, const std::string& sql) {
  duckdb_result result;
  if (duckdb_query(connection, sql.c_str(), &result) == DuckDBSuccess) return QueryResult(result);
  const char* message = duckdb_result_error(&result);
  const Error error = engine_error(duckdb_result_error_type(&result), message ? message : "DuckDB gave no reason");
  duckdb_destroy_result(&result);
  return error;
}

inline Status execute(duckdb_connection connection, const std::string& sql) {
  const auto result = run_query(connection, sql);
  return result.ok() ? Status() : Status(result.error());
}

}  // namespace osiris::worker::sql
