// The columns of a result: which DuckDB type holds each PostgreSQL type exactly, and which the server is asked to send
// as text because none does.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "worker/drivers/db/chunk.h"
#include "worker/drivers/postgres.extractor/settings.h"
#include "worker/drivers/postgres/connection.h"
#include "worker/drivers/postgres/copy_form.h"

namespace osiris::worker::postgres {

// How a value is laid out in binary COPY, and what becomes of it (values.h).
enum class Kind : uint8_t {
  kBool,
  kInt16,
  kInt32,
  kInt64,
  kOid,
  kFloat,
  kDouble,
  kNumeric,
  kText,
  kJson,
  kJsonb,
  kBytes,
  kUuid,
  kDate,
  kTimestamp,
  kTimestampTz,
  kTime,
  kTimeTz,
  kInterval,
  kBits
};
inline constexpr Kind kLastKind = Kind::kBits;

struct Column {
  std::string name;
  Kind kind = Kind::kText;
  bool is_list = false;
  bool is_cast = false;  // the server is asked for its text: column::text, or ::text[] for a list
  uint8_t digits = 0;    // of a decimal, at most 38
  uint8_t scale = 0;
  SentColumn sent;

  ColumnType type() const;
};

// The columns of a described statement that `settings` keep, in their order, and where in it they are.
struct Columns {
  std::vector<Column> kept;
  std::vector<uint32_t> places;
  size_t count = 0;  // of the statement

  db::RelationColumns relation() const;
  std::unique_ptr<CopyForm> form() const;
};

// Asks the server about types that are not built in. Fails with extract.schema_mismatch on names that a relation cannot
// have.
Result<Columns> columns_of(Connection& connection, const Answer& description, const ExtractSettings& settings);

}  // namespace osiris::worker::postgres
