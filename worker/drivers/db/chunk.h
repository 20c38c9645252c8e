// Rows on their way from a server to the relation, as DuckDB data chunks. Chunks and the memory of their texts are used
// again: a batch goes back to the reader once it is appended.
#pragma once

#include <duckdb.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "worker/driver_api/column_type.h"

namespace osiris::worker::db {

// A column of the relation that a step makes.
struct RelationColumn {
  std::string name;
  ColumnType type;
};
using RelationColumns = std::vector<RelationColumn>;

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

// One vector of a chunk, or the items of a list in it, with its addresses at hand.
class Slots {
 public:
  Slots(duckdb_vector vector, bool is_list, Arena& texts);

  void set_null(size_t at);
  template <class Value>
  Value& value(size_t at) {
    return static_cast<Value*>(data_)[at];
  }
  void set_text(size_t at, std::string_view text);
  // Of a list column: makes the list in row `at` of `count` items, the first of them at the index that it returns.
  size_t set_list(size_t at, size_t count);
  Slots& items() { return *items_; }

  void clear(duckdb_vector vector);  // after a reset of the chunk

 private:
  void find();
  char* text(size_t at, size_t size);

  duckdb_vector vector_;
  Arena* texts_;
  void* data_ = nullptr;
  uint64_t* validity_ = nullptr;  // null until there is a NULL
  std::unique_ptr<Slots> items_;
  size_t items_count_ = 0, items_room_ = 0;
};

class Chunk {
 public:
  explicit Chunk(const RelationColumns& columns);
  ~Chunk();
  Chunk(const Chunk&) = delete;
  Chunk& operator=(const Chunk&) = delete;

  void clear();
  Slots& column(size_t index) { return columns_[index]; }
  void set_null(size_t column, size_t row) { columns_[column].set_null(row); }
  template <class Value>
  Value& at(size_t column, size_t row) {
    return columns_[column].value<Value>(row);
  }
  void set_text(size_t column, size_t row, std::string_view text) { columns_[column].set_text(row, text); }

  duckdb_data_chunk handle() { return chunk_; }
  void set_rows(size_t rows);

 private:
  duckdb_data_chunk chunk_ = nullptr;
  Arena texts_;
  std::vector<Slots> columns_;
};

struct Batch {
  std::vector<std::unique_ptr<Chunk>> chunks;
  std::string raw;       // its first `raw_bytes`: the rows as the server sent them, in the place of chunks
  size_t raw_bytes = 0;  // what is behind them is of no account
  uint64_t rows = 0;
  uint64_t bytes = 0;  // as received
  size_t chunk = 0;    // place among those that were chosen, of rows that are read in chunks
};

}  // namespace osiris::worker::db
