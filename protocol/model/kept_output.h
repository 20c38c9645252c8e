// What a plan says of a step's rows beyond making them: that they are to be kept for a later run, or that an earlier
// run has made them (docs/decisions/0222-kept-outputs.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris {

enum class StepUse {
  kRun,
  kKeep,  // it runs, and its rows are kept as artifacts/<step>/kept.parquet of the session
  kTake,  // it does not run: its rows are those of a kept file, which is the only one among its input files. A step
          // with shards has a file for each of them, in their order
  kDone,  // it does not run, and nothing that runs reads its rows
};

struct KeptOutput {
  StepUse use = StepUse::kRun;
  std::string run_id;      // the run that ran the step; of kTake and kDone
  bool keeps = false;      // of kTake: the rows are kept too, as one file; they are of shards that ran elsewhere
  bool in_pieces = false;  // with `keeps` and shard_rows: not as one file, but as one for each shard
  uint64_t bytes_max = 0;  // of kKeep, or with `keeps`: a larger file is not kept; 0: without limit
  uint64_t rows_read = 0;  // these three as that run counted them
  uint64_t rows_written = 0;
  uint64_t rows_out = 0;
  std::vector<uint64_t> shard_rows;  // of kTake: how many of the rows are each shard's; empty: it has no shards

  bool runs() const { return use == StepUse::kRun || use == StepUse::kKeep; }
};
// Null for kRun.
Json to_json(const KeptOutput& kept);
// kInvalidArgument for a use that is not known.
Result<KeptOutput> kept_output_from_json(const Json& json);

// Rows of shards in the order of their list, as plans, events and descriptions have them.
Json shard_rows_json(const std::vector<uint64_t>& shard_rows);
std::vector<uint64_t> shard_rows_from_json(const Json& json);

// The key of an error's detail that says: the shards' rows cannot be one relation, because a column has several types.
inline constexpr const char* kTypesDiffer = "types_differ";

// Below the session's directory: where a step's rows are kept, and those of one of its shards, by its place.
std::string kept_file_path(std::string_view step_id);
std::string kept_piece_path(std::string_view step_id, size_t place);

}  // namespace osiris
