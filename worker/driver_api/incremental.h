// `incremental` of an extractor: which rows it asks for, and the state that comes of those it got. The order of values
// is the engine's, so a driver compares text by its bytes (docs/incremental.md). Rows of the boundary are asked for
// again, since more of them may have come, and those whose keys are in the state are dropped.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "worker/driver_api/column_type.h"
#include "worker/driver_api/driver.h"
#include "worker/driver_api/file_columns.h"

namespace osiris::worker {

enum class CursorKind { kInteger, kDecimal, kDate, kTimestamp, kTimestampTz, kText };

class Incremental {
 public:
  // nullopt: the step has no `incremental`. kInvalidArgument where its keys, or they and the state, do not go together.
  // `step` outlives the result.
  static Result<std::optional<Incremental>> of(StepContext& step);

  const std::string& column() const { return column_; }
  // Rows without a value are not wanted; otherwise they are an error, so they must be asked for.
  bool skips_nulls() const { return skips_nulls_; }

  // kInvalidArgument for a type whose values have no order that a source and the engine agree on.
  Result<CursorKind> kind_of(const ColumnType& type) const;
  // Rows from this value on are wanted; as the engine writes it. nullopt: all rows. `type`: the column's in the
  // relation. [any thread]
  Result<std::optional<std::string>> least(const ColumnType& type) const;

  // The same for a source whose types are not known before its rows: a whole number or a text.
  Result<std::optional<Json>> least_plain() const;

  // Once output_table() holds what came: drops what was taken before, and gives the step its new state. `drops_less`:
  // the source may have sent rows below least().
  Status finish(bool drops_less = false) const;

 private:
  explicit Incremental(StepContext& step) : step_(&step) {}
  Status read_config();
  Status read_state();
  Error wrong(const std::string& what, const std::string& hint) const;
  Result<std::string> looked_back(duckdb_connection connection, CursorKind kind, const std::string& value,
                                  const std::string& type) const;
  Result<const FileColumn*> find(const std::vector<FileColumn>& columns, const std::string& name,
                                 const char* key) const;
  // Of the rows at `boundary`; at most as many as a state holds.
  Result<Json> keys_at(const std::string& boundary, const std::vector<std::string>& key) const;
  Status drop_taken(const std::string& cursor, const std::string& type, const std::vector<std::string>& key) const;

  StepContext* step_;
  std::string column_;
  std::vector<std::string> key_;
  std::optional<std::string> initial_;
  Json lookback_;  // null: none
  bool skips_nulls_ = false;
  std::optional<std::string> boundary_;  // of the state
  std::string state_kind_;               // "integer"; empty: not told
  Json taken_ = Json::array();           // keys of rows at the boundary, each a list of texts
};

}  // namespace osiris::worker
