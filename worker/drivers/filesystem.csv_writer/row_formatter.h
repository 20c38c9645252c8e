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
  // What put_row() needs at most.
  size_t room_for(idx_t row) const;
  // Writes the row at `at` and returns where it ends.
  char* put_row(idx_t row, char* at) const;
  // The column of a value that CSV cannot hold, met since the start: an infinity within JSON. Null: none.
  const Column* unfit() const { return unfit_; }

 private:
  // What is known of all values of a column.
  struct Field {
    bool is_text = false;        // given as text by the engine
    bool is_plain = false;       // never quoted, and written as it is
    bool is_number = false;      // in the sense of `nonnumeric`
    const void* data = nullptr;  // of the chunk
    uint64_t* validity = nullptr;
  };
  char* put_field(size_t index, idx_t row, char* at) const;
  // The value alone, which is not NULL; null: it is a missing one all the same, NaN.
  char* put_value(const Column& column, const void* data, idx_t row, char* at) const;
  char* put_text(std::string_view text, bool is_number, char* at) const;
  char* put_quoted(std::string_view text, char* at) const;
  bool needs_quotes(std::string_view text) const;
  size_t room_of_text(const Column& column, std::string_view text) const;

  const Options& options_;
  const std::vector<Column>& columns_;
  std::array<bool, 256> needs_quotes_{};  // characters that do under `minimal`
  std::array<bool, 256> needs_escape_{};  // characters that do within quotes, where the step sets an escape character
  std::array<char, 4> stops_{};           // the same as needs_quotes_, without '\n'; some of them twice
  mutable const Column* unfit_ = nullptr;
  std::vector<Field> fields_;
  size_t fixed_room_ = 0;  // of all but the texts
};

}  // namespace osiris::worker::csv_out
