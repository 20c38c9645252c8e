// One load of a table. Rows go into the table itself in one transaction (append, upsert, truncate), or into a table
// beside it that takes its name by one RENAME (replace, and a table that is made), because MySQL ends a transaction
// where a table is made or dropped. Whatever fails leaves the table as it was.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "worker/driver_api/batch_writer.h"
#include "worker/driver_api/driver.h"
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
  Status flush();
  Status settle();
  Status read_back();
  Status insert();
  Status merge();
  Status verify(uint64_t held);
  Status commit();
  Status swap();
  void undo();

  size_t rows_max() const;  // of one statement
  Error failed(const std::string& what, const std::string& hint) const;
  Result<uint64_t> count_of(const std::string& table);
  std::string target_list() const;  // quoted, with commas
  std::string where() const { return " in table " + settings_.table; }
  std::string select() const;

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
  std::string text_;  // rows on their way
  uint64_t text_rows_ = 0;
  uint64_t rows_ = 0, bytes_ = 0;
  bool has_staging_ = false;
  bool is_held_back_ = false;  // an append whose rows are compared first
  std::optional<db::Fingerprint> sent_;
};

}  // namespace osiris::worker::mysql
