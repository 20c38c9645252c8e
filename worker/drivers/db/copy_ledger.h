// What a copy in chunks has committed (docs/decisions/0212-copies-in-chunks.md): a small table beside the staging table
// in the target, one row for what the copy is and one for each chunk, written in the chunk's own transaction. A later
// run of the same copy goes on from there. This is what the rows mean; how they are stored is each database's matter.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "worker/driver_api/chunked_rows.h"
#include "worker/driver_api/driver.h"
#include "worker/drivers/db/fingerprint.h"

namespace osiris::worker::db {

// The tables of a step's copy. `prefix` is that of all copies of the step, whatever their target: "osiris_copy_<12>_".
struct CopyTables {
  std::string prefix, staging, ledger;
};
CopyTables tables_of_copy(const StepOrigin& origin, const std::string& step_id, const std::string& target);

struct LedgerRow {
  int64_t chunk = 0;  // CopyLedger::kHead: what the copy is
  uint64_t rows = 0;
  std::string content;
  std::string seal;  // a hash over the head's and all of this: a row that was changed is seen
};

class CopyLedger {
 public:
  static constexpr int64_t kHead = -1, kBrought = -2;

  // Of a copy that begins. `identity`: objects of texts.
  CopyLedger(const Json& identity, ChunkPlan plan, size_t columns);
  // Of one that has begun: its rows in any order. An error says why the copy cannot go on, as a clause.
  static Result<CopyLedger> read(const std::vector<LedgerRow>& rows, const Json& identity, size_t columns);

  LedgerRow head() const;
  // The row of a chunk that is about to be committed; committed() once it is.
  LedgerRow row_of(size_t chunk, uint64_t rows, const Fingerprint* fingerprint) const;
  Status committed(const LedgerRow& row);
  // Where the tables of the copy cannot go in the transaction that brings its rows to the target, it writes this, and
  // they are not brought there again.
  LedgerRow brought() const;
  bool is_brought() const { return is_brought_; }

  const ChunkPlan& plan() const { return plan_; }
  std::vector<size_t> missing() const;
  size_t count() const { return chunks_.size(); }  // of chunks that are committed
  uint64_t rows() const { return rows_; }          // in them
  // Of all of them; of rows that were not hashed it says nothing.
  const Fingerprint& fingerprint() const { return fingerprint_; }

 private:
  CopyLedger(std::string head, ChunkPlan plan, size_t columns);

  std::string head_;  // the content of the head
  ChunkPlan plan_;
  std::map<int64_t, uint64_t> chunks_;  // committed, with their rows
  uint64_t rows_ = 0;
  bool is_brought_ = false;
  Fingerprint fingerprint_;
};

// For the hint of an error: what is there, and how to go on or to drop it.
std::string how_to_go_on(const CopyLedger& ledger, const CopyTables& tables);
// Of rows without chunks: a run that shall go on where an earlier one failed is told that it cannot, and how it could.
void tell_without_chunks(StepContext& context);
// An event of the step, copy_chunks: how many chunks it committed and how many it found committed.
void tell_chunks(StepContext& context, const CopyLedger& ledger, size_t reused, const std::string& staging);

}  // namespace osiris::worker::db
