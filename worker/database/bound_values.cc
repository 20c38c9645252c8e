#include "worker/database/bound_values.h"

#include <duckdb/common/string_util.hpp>
#include <duckdb/common/types/value.hpp>

#include <algorithm>
#include <set>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"

namespace osiris::worker {
namespace {

using duckdb::LogicalType;
using duckdb::Value;

constexpr size_t kDecimalDigitsMax = 38;

Error unusable(const std::string& what, const std::string& hint) {
  return Error(Code::kStepFailed, what, hint, category::kTransformInvalidInput);
}

// As the number would be read if it stood in the SQL.
Value number_value(double number) {
  const std::string text = format_double(number);
  const size_t point = text.find('.');
  const size_t digits =
      static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }));
  if (point == std::string::npos || text.find('e') != std::string::npos || digits > kDecimalDigitsMax)
    return Value::DOUBLE(number);
  const auto type = LogicalType::DECIMAL(static_cast<uint8_t>(digits), static_cast<uint8_t>(text.size() - point - 1));
  return Value(text).DefaultCastAs(type);
}

Result<Value> value_of(const std::string& name, const Json& json) {
  if (json.is_null()) return Value();
  if (json.is_bool()) return Value::BOOLEAN(json.as_bool());
  if (json.is_uint64()) return Value::UBIGINT(json.as_uint());
  if (json.is_int()) return Value::BIGINT(json.as_int());
  if (json.is_double()) return number_value(json.as_double());
  if (json.is_string()) return Value(json.as_string());
  if (!json.is_array())
    return unusable("the value '" + name + "' is a mapping, which SQL has no type for", "bind its parts, one by one");
  duckdb::vector<Value> items;
  LogicalType type = LogicalType::SQLNULL;
  for (const Json& item : json.items()) {
    if (item.is_array()) return unusable("the value '" + name + "' is a list of lists", "bind a list of plain values");
    OSIRIS_ASSIGN(Value value, value_of(name, item));
    LogicalType wider;
    if (!LogicalType::TryGetMaxLogicalTypeUnchecked(type, value.type(), wider) ||
        (type.id() != duckdb::LogicalTypeId::SQLNULL && value.type().id() != duckdb::LogicalTypeId::SQLNULL &&
         type.IsNumeric() != value.type().IsNumeric()))
      return unusable("the list '" + name + "' holds values of different types", "write all of its items as one type");
    type = wider;
    items.push_back(std::move(value));
  }
  for (Value& item : items) item = item.DefaultCastAs(type);
  return Value::LIST(type, std::move(items));
}

bool is_number(const std::string& name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Statements whose plans are checked before anything of them runs.
bool may_bind(const duckdb::SQLStatement& statement) {
  switch (statement.type) {
    case duckdb::StatementType::SELECT_STATEMENT:
    case duckdb::StatementType::INSERT_STATEMENT:
    case duckdb::StatementType::UPDATE_STATEMENT:
    case duckdb::StatementType::DELETE_STATEMENT:
    case duckdb::StatementType::MERGE_INTO_STATEMENT:
    case duckdb::StatementType::EXPLAIN_STATEMENT:
    case duckdb::StatementType::CREATE_STATEMENT:
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<BoundValues> bound_values(const Json& values) {
  BoundValues bound;
  for (const auto& [name, json] : values.members()) {
    OSIRIS_ASSIGN(Value value, value_of(name, json));
    bound[name] = duckdb::BoundParameterData(std::move(value));
  }
  return bound;
}

Status check_bound_names(const duckdb::vector<duckdb::unique_ptr<duckdb::SQLStatement>>& statements,
                         const BoundValues& values) {
  std::vector<std::string> known;
  for (const auto& [name, value] : values) known.push_back(name);
  std::sort(known.begin(), known.end());
  BoundValues unused = values;
  for (const auto& statement : statements) {
    for (const auto& [name, index] : statement->named_param_map) {
      if (is_number(name))
        return unusable("a step's SQL cannot use parameters without a name ($1, ?)",
                        "Write the value under `values:` and its $name in the SQL.");
      if (!may_bind(*statement))
        return unusable("the SQL binds $" + name + " in a statement that takes no values",
                        "Bind values in SELECT, INSERT, UPDATE, DELETE, MERGE and CREATE TABLE ... AS.");
      unused.erase(name);
      if (values.contains(name)) continue;
      const auto near = nearest(name, known);
      return unusable("the SQL uses $" + name + ", and `values:` holds no '" + name + "'",
                      near ? "did you mean $" + *near + "?" : "Add it: values: {" + name + ": ...}");
    }
  }
  if (unused.empty()) return {};
  std::vector<std::string> names;
  for (const auto& [name, value] : unused) names.push_back(name);
  std::sort(names.begin(), names.end());
  return unusable("`values:` holds '" + names.front() + "', which the SQL does not use",
                  "Write $" + names.front() + " in the SQL, or remove the value.");
}

BoundValues values_of(const duckdb::SQLStatement& statement, const BoundValues& values) {
  BoundValues used;
  for (const auto& [name, index] : statement.named_param_map)
    if (const auto found = values.find(name); found != values.end()) used[name] = found->second;
  return used;
}

}  // namespace osiris::worker
