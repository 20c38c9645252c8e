// DuckDB chunks in, CSV text (UTF-8) out.
#pragma once

#include <duckdb.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "worker/drivers/filesystem.csv_writer/columns.h"
#include "worker/drivers/filesystem.csv_writer/options.h"

namespace osiris::worker::csv_out {

class RowFormatter {
 public:
  RowFormatter(const Options& options, const std::vector<Column>& columns);

  void append_header(std::string& out) const;
  // Makes `chunk` the one rows are taken from; it must stay alive until the next call.
  void use_chunk(duckdb_data_chunk chunk);
  void append_row(idx_t row, std::string& out) const;
  // Appends the one field alone, without its quotes; false for NULL.
  bool append_value(size_t column, idx_t row, std::string& out) const;
  // The column of a value that CSV cannot hold, met since the start: an infinity within JSON. Null: none.
  const Column* unfit() const { return unfit_; }

 private:
  void append_text(std::string_view text, std::string& out) const;
  void append_quoted(std::string_view text, std::string& out) const;

  const Options& options_;
  const std::vector<Column>& columns_;
  std::array<bool, 256> needs_quotes_{};  // characters that do under `minimal`
  std::array<bool, 256> needs_escape_{};  // characters that do within quotes, where the step sets an escape character
  mutable const Column* unfit_ = nullptr;
  std::vector<const void*> data_;
  std::vector<uint64_t*> validity_;
};

}  // namespace osiris::worker::csv_out
