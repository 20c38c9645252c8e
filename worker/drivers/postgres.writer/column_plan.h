// Which PostgreSQL type takes each type of a relation, so that every value arrives as it is: the type of a column that
// is made, and whether a column that is there can take them. Part of what docs/types.md promises.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "worker/driver_api/column_type.h"

namespace osiris::worker::postgres {

// A column of a table that is there.
struct TargetColumn {
  std::string name;
  std::string type_name;  // as the server writes it: "numeric(10,2)"
  Oid type = InvalidOid;  // of a domain, the type it is of
  int modifier = -1;
  bool takes_text = false;   // an enum, citext: binary values of it are their text
  bool is_required = false;  // NOT NULL and without a default
  bool is_generated = false;
};

// How a value is written, from what the engine stores to the bytes of binary COPY.
enum class Form : uint8_t {
  kBool,
  kInt16,  // from any integer, within the range
  kInt32,
  kInt64,
  kFloat,
  kDouble,
  kNumeric,      // from an integer or a decimal
  kNumericText,  // from a text that is a number
  kText,
  kJsonb,
  kBytes,
  kUuid,
  kDate,
  kTimestamp,
  kTime,
  kTimeTz,
  kInterval,
  kBits
};

// The least that a column of intervals keeps: `interval year to month` cuts what is below a month.
enum class SpanUnit : uint8_t { kSecond, kMinute, kHour, kDay, kMonth, kYear };

struct ColumnPlan {
  std::string name;    // of the relation
  std::string target;  // of the table
  ColumnType type;     // of the values, once `cast` is applied
  std::string cast;    // DuckDB's type that the relation's column is first cast to, exactly; empty: none
  Form form = Form::kText;
  Oid element = InvalidOid;      // of a list: the type of its items
  Oid value_type = InvalidOid;   // of the column, or of its items; of a domain, the type it is of
  std::string type_name;         // of the target, for errors and for a table that is made
  int modifier = -1;             // of a column that is there
  std::optional<int> scale_max;  // of a numeric: digits after the point, below zero of those before it; nullopt: any
  int fraction_digits = 6;       // of a second
  SpanUnit least_unit = SpanUnit::kSecond;  // of an interval
  int characters_max = -1;                  // of a varchar or char
  uint32_t bits = 0;                        // of a bit(n); 0: any

  bool is_list() const { return element != InvalidOid; }
};

// For a column that is made. Refused (write.failed) where no type of PostgreSQL's holds all its values.
Result<ColumnPlan> plan_new(const std::string& table, const std::string& name, const ColumnType& type);
// For one that is there.
Result<ColumnPlan> plan_existing(const std::string& table, const std::string& name, const ColumnType& type,
                                 const TargetColumn& target);

}  // namespace osiris::worker::postgres
