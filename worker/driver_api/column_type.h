// The type of a column as a tree: what DuckDB says it is, how SQL spells it, and how it is kept in a document.
#pragma once

#include <duckdb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/base/json.h"

namespace osiris::worker {

struct ColumnType {
  duckdb_type id = DUCKDB_TYPE_INVALID;
  std::string alias;                 // JSON, or empty
  uint8_t width = 0, scale = 0;      // of a DECIMAL
  uint64_t size = 0;                 // of an ARRAY
  std::vector<std::string> names;    // members of a STRUCT or UNION, values of an ENUM
  std::vector<ColumnType> children;  // item; key and value; members

  static ColumnType of(duckdb_logical_type type);
  static ColumnType plain(duckdb_type id);
  // As SQL spells it, every name quoted; empty for what SQL cannot spell (row(1, 2) names no members).
  std::string sql() const;

  // Back is nullopt for what to_json() never writes: a document may come from anywhere.
  Json to_json() const;
  static std::optional<ColumnType> from_json(const Json& json);

  friend bool operator==(const ColumnType&, const ColumnType&) = default;
};

}  // namespace osiris::worker
