// The columns of a result set: which DuckDB type holds each MySQL type exactly.
#pragma once

#include <duckdb.h>
#include <mysql.h>

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "worker/driver_api/column_type.h"
#include "worker/drivers/db/chunk.h"

namespace osiris::worker::mysql {

// How a value is laid out in a row of the binary protocol, and what becomes of it.
enum class Kind : uint8_t {
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kFloat,
  kDouble,
  kDecimal,
  kDate,
  kDateTime,
  kTime,
  kText,
  kBytes,
  kNull
};

struct Column {
  std::string name;
  Kind kind = Kind::kNull;
  bool is_unsigned = false;
  bool is_kept = true;
  uint8_t digits = 0;  // of a decimal, at most 38
  uint8_t scale = 0;

  ColumnType type() const;
};

// The columns of `fields`, of which only `wanted` are kept, in that order (empty: all). Fails with
// extract.schema_mismatch on types that no DuckDB type holds, on names that are missing or differ only in case.
struct Columns {
  std::vector<Column> received;  // in the order of the result set
  std::vector<uint32_t> kept;    // indexes into received, in the order of the relation
  db::RelationColumns relation() const;
};
Result<Columns> columns_of(const MYSQL_FIELD* fields, unsigned count, const std::vector<std::string>& wanted);

}  // namespace osiris::worker::mysql
