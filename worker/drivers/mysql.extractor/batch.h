// Rows on their way from the server to the relation, as DuckDB data chunks. Chunks and the memory of their texts are
// used again: a batch goes back to the reader once it is appended.
#pragma once

#include <duckdb.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "worker/drivers/mysql.extractor/columns.h"

namespace osiris::worker::mysql {

// Memory for texts longer than DuckDB keeps inline. DuckDB copies them when a chunk is appended, until then they live
// here.
class Arena {
 public:
  char* take(size_t bytes) {
    if (bytes > left_) return take_new(bytes);
    char* start = next_;
    next_ += bytes;
    left_ -= bytes;
    return start;
  }
  // Keeps one block of ordinary size for the next use.
  void clear();

 private:
  char* take_new(size_t bytes);

  std::vector<std::unique_ptr<char[]>> blocks_;
  char* next_ = nullptr;
  size_t left_ = 0;
};

// A DuckDB data chunk with the addresses of its columns at hand.
class Chunk {
 public:
  explicit Chunk(const Columns& columns);
  ~Chunk();
  Chunk(const Chunk&) = delete;
  Chunk& operator=(const Chunk&) = delete;

  void clear();
  void set_null(size_t column, size_t row);
  template <class Value>
  Value& at(size_t column, size_t row) {
    return static_cast<Value*>(data_[column])[row];
  }
  void set_text(size_t column, size_t row, std::string_view text);

  duckdb_data_chunk handle() { return chunk_; }
  size_t rows() const { return rows_; }
  void set_rows(size_t rows);

 private:
  void find_columns();

  duckdb_data_chunk chunk_ = nullptr;
  size_t rows_ = 0;
  std::vector<void*> data_;
  std::vector<uint64_t*> validity_;  // null until the column has a NULL
  Arena texts_;
};

struct Batch {
  std::vector<std::unique_ptr<Chunk>> chunks;
  uint64_t rows = 0;
  uint64_t bytes = 0;  // as received
};

}  // namespace osiris::worker::mysql
