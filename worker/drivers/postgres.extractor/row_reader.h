// Puts rows of binary COPY, as they come from the network, into a chunk.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "worker/drivers/db/chunk.h"
#include "worker/drivers/postgres.extractor/columns.h"
#include "worker/drivers/postgres.extractor/values.h"

namespace osiris::worker::postgres {

class RowReader {
 public:
  enum class Outcome { kRow, kEnd, kIncomplete, kRefused };

  // `columns` outlives it.
  explicit RowReader(const Columns& columns) : columns_(columns) {}

  // Takes the header of the stream from the front of `bytes`; kRow when it was there.
  Outcome take_header(Bytes& bytes);
  // Takes one row from the front of `bytes` into row `row` of `chunk`. kEnd at the mark that ends the stream;
  // kIncomplete leaves `bytes` as they are, the rest is yet to come.
  Outcome take_row(Bytes& bytes, db::Chunk& chunk, size_t row, uint64_t row_number);
  // Of a row that was refused.
  const Error& error() const { return *error_; }

 private:
  bool store(const Column& column, db::Slots& slots, size_t at, Bytes bytes);
  bool store_plain(const Column& column, db::Slots& slots, size_t at, Bytes bytes);
  bool store_decimal(const Column& column, db::Slots& slots, size_t at, Bytes bytes);
  bool store_text(const Column& column, db::Slots& slots, size_t at, Bytes bytes);
  bool store_list(const Column& column, db::Slots& slots, size_t at, Bytes bytes);
  bool refuse(const Column& column, const std::string& what, const std::string& hint);
  Outcome malformed();

  const Columns& columns_;
  uint64_t row_number_ = 0;
  std::optional<Error> error_;
};

}  // namespace osiris::worker::postgres
