// Rows on their way from a source that has them as chunks to a writer, beside the engine: one thread at a time takes a
// batch, all format what they took, and one at a time writes, in the order of the rows.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/driver_api/batch_writer.h"
#include "worker/driver_api/chunk_batches.h"

namespace osiris::worker {

// All rows of `rows`, whose take_batches() was said yes to. `places`: which of its columns are written, in the order of
// the writer's. On `threads` threads, the caller's among them. Returns how many rows they were; the error is the
// source's or the writer's own.
Result<uint64_t> write_batches(ChunkBatches& rows, const std::vector<size_t>& places, size_t threads,
                               BatchWriter& writer);

}  // namespace osiris::worker
