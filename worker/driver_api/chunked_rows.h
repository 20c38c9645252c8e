// Rows of a stream that can be read in chunks of a key's values, one scan for each, so that a reader that commits chunk
// by chunk can be continued (docs/decisions/0212-copies-in-chunks.md).
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "protocol/base/json.h"

namespace osiris::worker {

// How values of a key divide rows. `bounds` ascend in the source's own order: range 0 is what is below the first (and
// what has no value), range i begins with bound i - 1. A chunk is some ranges that follow each other.
struct ChunkPlan {
  std::vector<std::string> bounds;
  size_t ranges_per_chunk = 1;

  size_t chunks() const { return bounds.size() / ranges_per_chunk + 1; }
  // The first range of a chunk, and how many it has.
  std::pair<size_t, size_t> ranges_of(size_t chunk) const {
    const size_t first = chunk * ranges_per_chunk;
    const size_t left = bounds.size() + 1 - first;
    return {first, left < ranges_per_chunk ? left : ranges_per_chunk};
  }
};

class ChunkedRows {
 public:
  virtual ~ChunkedRows() = default;
  virtual const ChunkPlan& plan() const = 0;
  // What is asked of which source: texts by name. Two runs that say the same read the same, each at its own time.
  virtual const Json& identity() const = 0;
  // A reader that will choose: from here on its failure is its own, and the steps are not run one after the other.
  virtual void claim() = 0;
  // Before the first scan: each scan gives one of these chunks of `plan`, in this order. Without it one scan gives all
  // rows.
  virtual void choose(ChunkPlan plan, std::vector<size_t> chunks) = 0;
  // What the hint of the source's error says beside its own, should it fail: how far the reader has come.
  virtual void note(std::string hint) = 0;
};

}  // namespace osiris::worker
