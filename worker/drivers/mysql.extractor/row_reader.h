// Puts one row of the binary protocol, as it is in the network buffer, into a chunk. libmariadb calls it once per
// value (STMT_ATTR_CB_RESULT) instead of copying the value into a buffer of its own first.
#pragma once

#include <mysql.h>

#include <optional>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "worker/drivers/db/chunk.h"
#include "worker/drivers/mysql.extractor/columns.h"
#include "worker/drivers/mysql.extractor/values.h"

namespace osiris::worker::mysql {

class RowReader {
 public:
  // `columns` and `mysql` outlive it.
  RowReader(const Columns& columns, const MYSQL* mysql);

  // The values of the next row go to row `row` of `chunk`; null: nowhere, the row is skipped.
  void aim(db::Chunk* chunk, size_t row, uint64_t row_number) { chunk_ = chunk, row_ = row, row_number_ = row_number; }
  // Once a value could not be taken, no later one is looked at.
  const std::optional<Error>& error() const { return error_; }
  uint64_t bytes() const { return bytes_; }

  // The ps_result_callback: `self` is the RowReader, `*at` the value's first byte, which it moves past the value; `at`
  // is null for NULL.
  static void on_value(void* self, unsigned column, unsigned char** at);

 private:
  void take(unsigned column, unsigned char** at);
  void store(const Column& column, size_t target, const unsigned char* at, size_t size);
  void store_decimal(const Column& column, size_t target, Bytes text);
  void refuse(const Column& column, const std::string& what, const std::string& hint);

  const Columns& columns_;
  const MYSQL* mysql_;
  std::vector<int> targets_;  // place in the chunk, by received column; -1: not kept
  db::Chunk* chunk_ = nullptr;
  size_t row_ = 0;
  uint64_t row_number_ = 0;
  uint64_t bytes_ = 0;
  std::optional<Error> error_;
};

}  // namespace osiris::worker::mysql
