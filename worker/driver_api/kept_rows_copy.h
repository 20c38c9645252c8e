// KeptRows inside the engine: its own Parquet format, called by the format that hands rows to a BatchWriter. Needs
// DuckDB's C++ API.
#pragma once

#include <duckdb.hpp>
#include <duckdb/function/copy_function.hpp>
#include <duckdb/main/client_context_state.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "worker/driver_api/kept_rows.h"

namespace osiris::worker {

// The key of KeptRowsState with a connection.
inline constexpr const char* kKeptRows = "osiris_kept_rows";

// All calls but begin() and finish() come from several threads. None of them throws.
class KeptRows::Copy {
 public:
  Copy(std::vector<FileColumn> columns, std::string file) : columns_(std::move(columns)), file_(std::move(file)) {}

  size_t columns() const { return columns_.size(); }
  const std::vector<FileColumn>& file_columns() const { return columns_; }
  const std::string& file() const { return file_; }

  // The statement is planned: these are the types of the copy's columns.
  void bind(duckdb::ClientContext& context, duckdb::vector<duckdb::LogicalType> types);
  void begin(duckdb::ClientContext& context);
  // Rows in batches: compressed on any thread, and written in their order. `rows` has the copy's columns first.
  duckdb::unique_ptr<duckdb::PreparedBatchData> prepare(duckdb::ClientContext& context,
                                                        duckdb::unique_ptr<duckdb::ColumnDataCollection> rows);
  void flush(duckdb::ClientContext& context, duckdb::PreparedBatchData* prepared, uint64_t rows);
  // Both at once, of a batch whose turn has come.
  void write(duckdb::ClientContext& context, duckdb::unique_ptr<duckdb::ColumnDataCollection> rows);
  // Rows as they come, by one thread in their order or by several without.
  duckdb::unique_ptr<duckdb::LocalFunctionData> begin_thread(duckdb::ExecutionContext& context);
  void sink(duckdb::ExecutionContext& context, duckdb::LocalFunctionData* local, duckdb::DataChunk& chunk);
  void end_thread(duckdb::ExecutionContext& context, duckdb::LocalFunctionData* local);
  void finish(duckdb::ClientContext& context);

  Result<uint64_t> rows() const;
  // Nothing scans any more.
  void close();

 private:
  // Once it has failed the rest is left out.
  void attempt(const std::function<void()>& call);
  void take_columns(duckdb::DataChunk& from, duckdb::DataChunk& part) const;
  void write_groups(duckdb::ClientContext& context, duckdb::unique_ptr<duckdb::ColumnDataCollection> rows);
  duckdb::unique_ptr<duckdb::ColumnDataCollection> own_columns(duckdb::ClientContext& context,
                                                               const duckdb::ColumnDataCollection& rows) const;

  const std::vector<FileColumn> columns_;
  const std::string file_;
  duckdb::vector<duckdb::LogicalType> types_;
  std::optional<duckdb::CopyFunction> format_;
  duckdb::unique_ptr<duckdb::FunctionData> bound_;
  duckdb::unique_ptr<duckdb::GlobalFunctionData> global_;
  std::atomic<uint64_t> rows_{0};
  std::atomic<bool> has_failed_{false};
  bool is_begun_ = false, is_whole_ = false;
  mutable std::mutex mutex_;
  std::string why_not_;  // guarded by mutex_
};

// Left with the connection, for write_rows().
struct KeptRowsState : duckdb::ClientContextState {
  KeptRowsState(KeptRows& r, std::shared_ptr<KeptRows::Copy> c) : rows(r), copy(std::move(c)) {}
  KeptRows& rows;
  const std::shared_ptr<KeptRows::Copy> copy;
};

}  // namespace osiris::worker
