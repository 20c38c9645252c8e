// A data check of a step: what must hold of the rows that the step makes. The pipeline says it (`checks:`), the plan
// carries it, the worker looks at the rows before another step reads them (docs/checks.md).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris {

enum class CheckKind {
  kNotNull,
  kUnique,
  kAcceptedValues,
  kRelationships,
  kRowCount,
  kFreshness,
  kRange,
  kPattern,
  kSql
};
// "not_null", "unique", "accepted_values", ...
std::string_view check_kind_name(CheckKind kind);
std::optional<CheckKind> check_kind_from_name(std::string_view name);
// All of them, as the pipeline spells them.
const std::vector<std::string>& check_kind_names();

// Its own rows, in the SQL of a check.
inline constexpr std::string_view kCheckedRowsName = "this";

struct DataCheck {
  std::string name;  // no two checks of a step share it
  CheckKind kind = CheckKind::kNotNull;
  bool only_warns = false;           // severity: rows that fail do not fail the step
  bool stores_failures = false;      // the rows that fail become a file of the session
  std::vector<std::string> columns;  // not_null, unique: at least one; row_count, sql: none; the others: one
  Json values = Json::array();       // accepted_values: numbers, texts and booleans
  Json min, max;                     // row_count: integers; range: numbers or texts; null: open
  std::string to_step, to_column;    // relationships: where each value must be
  double max_age_s = 0;              // freshness
  std::string text;                  // pattern: a regular expression; sql: a query for the rows that fail
};

// Whether rows can fail one by one, so that there is something to store.
bool names_rows(CheckKind kind);

Json to_json(const DataCheck& check);
// kInvalidArgument, with what is wrong, for a document that to_json() does not write.
Result<DataCheck> data_check_from_json(const Json& json);

}  // namespace osiris
