// Rows that a driver has as chunks, for a statement of the engine's: a table function that asks for one chunk after the
// other. Nothing is copied.
#pragma once

#include <duckdb.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "protocol/base/error.h"

namespace osiris::worker {

class ChunkSource {
 public:
  virtual ~ChunkSource() = default;
  // The next rows; null at the end. They live until the next call. It may wait, and then has to look for itself whether
  // the step is cancelled. An error ends the statement. One call at a time, from any thread.
  virtual Result<duckdb_data_chunk> next() = 0;
};

// Which source a function asks; the function outlives the source.
class ChunkScan {
 public:
  explicit ChunkScan(ChunkSource& source) : source_(&source) {}
  // No statement runs that scans, and none will.
  void close() { source_ = nullptr; }

  // Of the function: once; a second scan would find other rows.
  bool begin() { return source_ && !std::exchange(begun_, true); }
  ChunkSource& source() { return *source_; }

  bool begun() const { return begun_; }
  // What follows is for another scan.
  void reopen() { begun_ = false; }

 private:
  ChunkSource* source_;
  bool begun_ = false;
};

// Makes a table function without arguments, whose columns have these names and the types of the chunk `like`, and
// returns its name.
Result<std::string> define_chunk_scan(duckdb_connection connection, const std::vector<std::string>& names,
                                      duckdb_data_chunk like, std::shared_ptr<ChunkScan> scan);

}  // namespace osiris::worker
