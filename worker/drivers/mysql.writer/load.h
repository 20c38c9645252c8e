// One load of a table. Rows go into the table itself in one transaction (append, upsert, truncate), or into a table
// beside it that takes its name by one RENAME (replace, and a table that is made), because MySQL ends a transaction
// where a table is made or dropped. Whatever fails leaves the table as it was.
//
// Rows that come in chunks (chunks.cc) are committed chunk by chunk to a staging table, with a ledger of what is there,
// and then go the same two ways.
#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "worker/driver_api/batch_writer.h"
#include "worker/driver_api/driver.h"
#include "worker/drivers/db/copy_ledger.h"
#include "worker/drivers/db/target_settings.h"
#include "worker/drivers/mysql.writer/column_plan.h"
#include "worker/drivers/mysql.writer/commit_marker.h"
#include "worker/drivers/mysql.writer/session.h"

namespace osiris::worker::mysql {

class Load : private BatchWriter {
 public:
  // All outlive it.
  Load(StepContext& context, const db::TargetSettings& settings, const ServerSettings& server, const CallContext& call,
       uint32_t lock_timeout_s)
      : context_(context), settings_(settings), server_(server), call_(call), lock_timeout_s_(lock_timeout_s) {}

  // Returns the rows.
  Result<uint64_t> run();

 private:
  std::unique_ptr<Batch> begin() override;
  Status write(Batch& batch) override;

  Status load();
  Status find_target();
  Status plan_columns(const db::RelationColumns& sources);
  Status find_keys();
  Status find_obstacle();
  Status make_room();
  Status take_turn();
  Status make_rows_table();
  Status make_staging();
  Status start();
  Status write_all();
  Status write_one_by_one(const RowText& rows);
  Status flush();
  Status await_rows();
  Status settle();
  Status read_back();
  Status insert();
  Status merge();
  Status verify(uint64_t held);
  Status commit();
  Status swap();
  void undo();

  // Of rows in chunks.
  ChunkedRows* chunks_to_commit();
  Status drop_leftovers();
  Status drop_others(const std::string& kept);
  Status take_copy();
  Status copy_chunks(ChunkedRows& rows);
  Status begin_chunks(ChunkedRows& rows);
  Result<std::optional<db::CopyLedger>> found_ledger(const Json& wanted);
  Result<std::optional<db::CopyLedger>> read_ledger(const std::string& table, const Json& wanted);
  Status make_chunk_tables();
  Status write_ledger(const db::LedgerRow& row);
  Status copy_chunk(size_t chunk);
  Status settle_chunks();
  Status bring_over();
  Error with_way_on(Error error, ChunkedRows& rows);
  Json identity(ChunkedRows& rows) const;
  bool is_swap_possible() const { return !exists_ || (settings_.mode == db::WriteMode::kReplace && obstacle_.empty()); }
  std::string ledger_table() const { return quote_identifier(copy_.ledger); }
  std::string done_table() const { return quote_identifier(copy_.ledger + "_done"); }

  size_t rows_max() const;  // of one statement
  Result<std::string> definition() const;
  Error failed(const std::string& what, const std::string& hint) const;
  Result<uint64_t> count_of(const std::string& table);
  std::string target_list() const;  // quoted, with commas
  std::string where() const { return " in table " + settings_.table; }
  std::vector<WrittenColumn> written_columns() const;  // of the relation, as the plans want them

  StepContext& context_;
  const db::TargetSettings& settings_;
  const ServerSettings& server_;
  const CallContext& call_;
  const uint32_t lock_timeout_s_;
  std::unique_ptr<Session> session_;
  bool exists_ = false, is_transactional_ = true;
  std::string obstacle_;  // why the table cannot be swapped
  bool is_swap_ = false;
  std::vector<TargetColumn> columns_;
  std::vector<std::vector<std::string>> unique_keys_;
  std::vector<std::string> keys_;   // as the table has them
  std::vector<std::string> added_;  // columns that were added to the table
  std::vector<ColumnPlan> plans_;
  std::string table_, staging_, old_;   // quoted
  std::string tag_;                     // the same for every writer of this table
  std::optional<CommitMarker> marker_;  // of a transaction into the table itself
  std::string destination_;
  std::string text_;  // rows that wait for more
  uint64_t text_rows_ = 0;
  std::string sent_text_;          // rows on their way, while sending_ is valid
  std::future<Status> sending_;    // uses session_, which nothing else does meanwhile
  uint64_t rows_ = 0, bytes_ = 0;  // sent
  std::optional<db::CopyLedger> ledger_;
  db::CopyTables copy_;
  size_t chunks_reused_ = 0;
  std::string renamed_along_;  // ", `a` TO `b`"
  bool has_staging_ = false;
  bool is_held_back_ = false;  // an append whose rows are compared first
  std::optional<db::Fingerprint> sent_;
};

}  // namespace osiris::worker::mysql
