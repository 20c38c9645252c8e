// Rows on their way out of the run's database: formatted side by side on several threads, written one after the other
// in their order. The engine's own COPY does the work, with what a BatchWriter says in the place of a format; rows of a
// stream whose source has them as chunks go from there to the writer (direct_write.h).
#pragma once

#include <duckdb.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "protocol/base/error.h"

namespace duckdb {
class ClientContext;
}

namespace osiris::worker {

class StepContext;

// What the engine takes for the file it writes to: it looks whether that exists, and removes it after a failure.
// Nothing can be there.
inline constexpr const char* kNoFile = "/dev/null/osiris";

class BatchWriter {
 public:
  // Rows that follow each other, as they will be written.
  class Batch {
   public:
    virtual ~Batch() = default;
    // Formats all rows of `chunk`, whose vectors are flat, as are the items of lists. One call at a time, from any
    // thread.
    virtual void add(duckdb_data_chunk chunk) = 0;
    virtual size_t size_bytes() const = 0;
  };

  virtual ~BatchWriter() = default;
  // [any thread]
  virtual std::unique_ptr<Batch> begin() = 0;
  // One call at a time, from any thread, in the order of the rows. An error ends write_rows().
  virtual Status write(Batch& batch) = 0;
};

// Gives the rows of `select`, whose order is kept where it has one, to `writer` and returns how many they were. The
// error is the writer's own or the engine's. Blocking; duckdb_interrupt() stops it. `is_streamed`: the rows are made
// meanwhile, and quicker than they are written.
Result<uint64_t> write_rows(duckdb_connection connection, const std::string& select, BatchWriter& writer,
                            bool is_streamed);

// A column of the rows that are written.
struct WrittenColumn {
  std::string name;        // of the step's only input
  std::string expression;  // computed of the input's columns; empty: the column as it is
};

// The same of the rows of the step's only input. Those of a stream, where each column is one as it is, go from their
// source to the writer without a statement if they can.
Result<uint64_t> write_rows(StepContext& step, const std::vector<WrittenColumn>& columns, BatchWriter& writer);

// Said while a scan of a streamed source is bound: the engine gets its rows in batches of about so many bytes of text.
// Without a word it is four MiB. What write_rows() holds in memory follows from it.
void say_bytes_per_batch(duckdb::ClientContext& context, size_t bytes);

}  // namespace osiris::worker
