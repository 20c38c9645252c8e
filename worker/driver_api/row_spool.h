// Rows of texts that wait until all of them are there: only then are the types of their columns known. They wait in a
// file, so that memory does not grow with them, are written once and read from the first to the last as often as it
// takes.
#pragma once

#include <duckdb.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/fd.h"
#include "worker/driver_api/driver.h"

namespace osiris::worker {

// Used by one thread until close(). Passes over it may run side by side.
class RowSpool {
 public:
  // The file is in the step's scratch directory, made when there is more than a buffer holds, and removed with this.
  explicit RowSpool(StepContext& step);
  ~RowSpool();
  RowSpool(const RowSpool&) = delete;
  RowSpool& operator=(const RowSpool&) = delete;

  // A value of the row at hand, UTF-8; columns that get none are NULL. No column twice.
  void put(size_t column, std::string_view text);
  Status end_row();
  // No more rows come.
  Status close();
  uint64_t rows() const { return rows_; }
  // Written to the disk so far.
  uint64_t file_bytes() const { return in_file_; }

  // Makes a table function that gives all rows in their order, once, and returns its name. It has `columns` columns of
  // VARCHAR: c0, c1, … After close(). The function outlives this, and then gives nothing.
  Result<std::string> begin_pass(duckdb_connection connection, size_t columns);
  // Whether the pass that was begun last gave the last row.
  bool is_read_to_its_end() const;

 private:
  class Pass;

  Status flush();
  // Up to `size` bytes from `at`; fewer at the end only.
  Result<size_t> read(uint64_t at, char* to, size_t size) const;

  StepContext& step_;
  std::filesystem::path path_;
  FileDescriptor file_;
  std::string buffer_;    // what is not in the file
  uint64_t in_file_ = 0;  // bytes
  uint64_t rows_ = 0;
  std::vector<std::unique_ptr<Pass>> passes_;
};

}  // namespace osiris::worker
