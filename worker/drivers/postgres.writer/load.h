// One load of a table: everything happens in one transaction, which is committed once the rows are there and counted.
// Whatever fails before leaves the table as it was; a lost answer to the COMMIT is cleared up by asking the server
// about the transaction by its number.
//
// Rows that come in chunks (chunks.cc) are committed chunk by chunk to a staging table beside the target, with a ledger
// of what is there; what is said above then holds of the last transaction, which brings them from there to the target.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "worker/driver_api/batch_writer.h"
#include "worker/driver_api/driver.h"
#include "worker/drivers/db/copy_ledger.h"
#include "worker/drivers/db/target_settings.h"
#include "worker/drivers/postgres.writer/byte_buffer.h"
#include "worker/drivers/postgres.writer/column_plan.h"
#include "worker/drivers/postgres.writer/copied_rows.h"
#include "worker/drivers/postgres.writer/read_back.h"
#include "worker/drivers/postgres.writer/send_queue.h"
#include "worker/drivers/postgres.writer/target.h"
#include "worker/drivers/postgres/connection.h"

namespace osiris::worker::postgres {

class Load : private BatchWriter {
 public:
  // All outlive it.
  Load(StepContext& context, const db::TargetSettings& settings, const ServerSettings& server, const CallContext& call)
      : context_(context), settings_(settings), server_(server), call_(call) {}

  // Returns the rows.
  Result<uint64_t> run();

 private:
  std::unique_ptr<Batch> begin() override;
  Status write(Batch& batch) override;

  Status find_target();
  Status create_target(const db::RelationColumns& sources);
  Status fit_target(const db::RelationColumns& sources);
  Status add_column(const ColumnPlan& plan);
  Status find_keys();
  Status make_room();
  Status make_rows_table();
  Status find_own_rows();
  Status make_staging();
  Status lock_at_once();
  Status copy_rows();
  Status give_rows();
  // The input's, where its source sends what would be written; null: they are read and written anew.
  SourceRows* rows_to_hand_over();
  Status hand_over(SourceRows& rows);
  Status send(std::string_view bytes, uint64_t rows);
  Status begin_copy();
  Status end_copy();
  ByteBuffer used_buffer();
  void keep(ByteBuffer used);
  Status begin_read_back();
  Status settle();
  Status read_back();
  Status insert();
  Status merge();
  Status swap();
  Status verify() const;
  Status commit();
  // Of rows in chunks.
  ChunkedRows* chunks_to_commit();
  Status drop_leftovers();
  Status drop_others(const std::string& kept);
  Status take_copy();
  Status begin_chunks(ChunkedRows& rows);
  Status make_chunk_tables();
  Result<std::optional<db::CopyLedger>> found_ledger(const Json& identity);
  Result<uint64_t> copy_chunks(ChunkedRows& rows);
  Status copy_chunk(size_t chunk);
  Status settle_chunks();
  Status bring_over();
  Error with_way_on(Error error, ChunkedRows& rows);
  Json identity(ChunkedRows& rows) const;
  std::string ledger_table() const;

  Status ask_whether_committed(const std::string& transaction, const Error& why);

  const db::Fingerprint* expected() const;  // of all rows; null: only their number is known
  Error failed(const std::string& what, const std::string& hint) const;
  std::string target_columns() const;                  // quoted, with commas
  std::vector<WrittenColumn> written_columns() const;  // of the relation, as the plans want them

  StepContext& context_;
  const db::TargetSettings& settings_;
  const ServerSettings& server_;
  const CallContext& call_;
  std::unique_ptr<Connection> connection_;
  Target target_;
  bool is_new_ = false;        // the table was made here
  bool is_swap_ = false;       // a replace by another table
  bool is_held_back_ = false;  // an append whose rows are compared first
  std::string own_rows_;       // the condition that only rows of this transaction meet, where others are beside them
  std::vector<std::string> keys_;  // as the table has them
  std::vector<ColumnPlan> plans_;
  std::string destination_;  // quoted, of COPY
  std::optional<CopiedRows> sent_;
  std::optional<ReadBack> read_back_;  // while the rows are written
  SendQueue* queue_ = nullptr;         // to a thread that alone asks the connection meanwhile
  std::mutex used_mutex_;
  std::vector<ByteBuffer> used_;  // of batches that are sent: memory of megabytes, mapped by now
  std::optional<db::CopyLedger> ledger_;
  db::CopyTables tables_;
  bool adds_columns_ = false;  // to the target
  size_t chunks_reused_ = 0;
  bool is_copying_ = false;
  uint64_t copy_bytes_ = 0;            // in the COPY under way
  uint64_t rows_before_copy_ = 0;      // sent before it began
  uint64_t rows_ = 0, rows_sent_ = 0;  // handed over; those that left
  uint64_t rows_copied_ = 0;           // taken, as the server counted
  uint64_t bytes_ = 0;
};

// A Load as a step's. `driver`: whose name stands before lines in the log; with `echo` statements are lines too.
Result<StepOutcome> run_load(StepContext& context, const db::TargetSettings& settings, const ServerSettings& server,
                             const std::string& driver, bool echo);

}  // namespace osiris::worker::postgres
