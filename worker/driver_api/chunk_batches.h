// Rows of a stream that are the engine's chunks before a statement scans them: a writer may take them from their source
// and format several batches side by side, where a statement would copy each of them once more and scan them by one
// thread. What StepContext::source_rows() gives is this too where its source has it: a dynamic_cast tells.
#pragma once

#include <duckdb.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/base/error.h"

namespace osiris::worker {

class ChunkBatches {
 public:
  // Rows that follow each other. Its memory goes back to the source when it ends; [any thread], before the source does.
  class Batch {
   public:
    virtual ~Batch() = default;
    // Null at the end; its vectors are flat, and it lives until the next call. What makes the chunk's values of what
    // the source has may be done here, by the thread that took the batch.
    virtual Result<duckdb_data_chunk> next_chunk() = 0;
    virtual uint64_t bytes() const = 0;  // about, of all its values
  };

  virtual ~ChunkBatches() = default;
  // Of the chunks, in their order.
  virtual std::vector<std::string> batch_columns() const = 0;
  // From here on the rows come by take_batch(), and no statement scans the stream. False: one did. Of the chunks only
  // the columns at `places` are looked at.
  virtual bool take_batches(const std::vector<size_t>& places) = 0;
  // More threads than this have nothing to do with them.
  virtual size_t threads_max() const = 0;
  // Null at the end. One call at a time, from any thread. It may wait, and looks for itself whether the step is
  // cancelled.
  virtual Result<std::unique_ptr<Batch>> take_batch() = 0;
};

}  // namespace osiris::worker
