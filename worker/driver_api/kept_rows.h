// A copy of the rows that a statement hands to a BatchWriter, as a Parquet file, made beside them: batch by batch, on
// the same threads and in the same order (docs/decisions/0184-rows-kept-on-the-way.md). What goes wrong with the copy
// is no failure of the statement. The file is that of write_file() for FileReader::kWorker.
#pragma once

#include <duckdb.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "worker/driver_api/file_columns.h"

namespace osiris::worker {

// Of a column of rows that are kept or go to another worker: more distinct values cost the engine more to find than a
// dictionary of them saves. It would try a fifth of all rows.
inline constexpr int64_t kKeptDictionaryMax = 4096;

class KeptRows {
 public:
  // `columns`: of the relation that is read, for kParquet and kWorker; at least one. The connection that reads it may
  // write `file`.
  KeptRows(std::vector<FileColumn> columns, std::string file);
  ~KeptRows();  // a file that was not taken is removed
  KeptRows(const KeptRows&) = delete;
  KeptRows& operator=(const KeptRows&) = delete;

  // From here on write_rows() on this connection keeps what it reads. Once.
  void keep_from(duckdb_connection connection);

  // After the statement. How many rows the file has, which stays from here on; an error: it is not whole, and why.
  Result<uint64_t> take();

  // What write_rows() calls.
  class Copy;
  // The columns of the copy, for a SELECT; and where the columns of these names are among them. Empty: not all are
  // there as they are.
  std::string columns() const;
  std::vector<size_t> places_of(const std::vector<std::string>& names) const;
  // `select` with the columns of the copy before its own. It is a SELECT of expressions FROM the relation.
  std::string with_columns(const std::string& select) const;

 private:
  const std::shared_ptr<Copy> copy_;
  bool is_taken_ = false;
};

}  // namespace osiris::worker
