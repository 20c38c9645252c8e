#include "worker/executor/check_query.h"

#include <algorithm>

#include "protocol/base/text.h"
#include "protocol/model/step_naming.h"
#include "worker/driver_api/type_class.h"

namespace osiris::worker {
namespace {

using sql::quote_identifier;
using sql::quote_literal;

enum class TypeClass { kNumber, kText, kTime, kBoolean, kOther };

TypeClass class_of(const ColumnType& type) {
  if (is_integer(type.id)) return TypeClass::kNumber;
  if (is_date_or_time(type.id) || type.id == DUCKDB_TYPE_UUID) return TypeClass::kTime;
  switch (type.id) {
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_DOUBLE:
    case DUCKDB_TYPE_DECIMAL:
    case DUCKDB_TYPE_BIGNUM:
      return TypeClass::kNumber;
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_ENUM:
      return TypeClass::kText;
    case DUCKDB_TYPE_BOOLEAN:
      return TypeClass::kBoolean;
    default:
      return TypeClass::kOther;
  }
}

bool is_date_or_timestamp(const ColumnType& type) {
  return class_of(type) == TypeClass::kTime && type.id != DUCKDB_TYPE_TIME && type.id != DUCKDB_TYPE_TIME_TZ &&
         type.id != DUCKDB_TYPE_TIME_NS && type.id != DUCKDB_TYPE_UUID;
}

// Every value of it is NULL.
bool has_no_values(const ColumnType& type) { return type.id == DUCKDB_TYPE_SQLNULL; }

Error of_types(std::string message, std::string hint) {
  Error error(Code::kInvalidArgument, std::move(message), std::move(hint));
  error.detail = Json::object({{kDependsOnTypes, true}});
  return error;
}

Result<const FileColumn*> find_column(const CheckSource& rows, const std::string& name, std::string_view whose) {
  constexpr size_t kNamedMax = 20;
  for (const FileColumn& column : rows.columns)
    if (ascii_lower(column.name) == ascii_lower(name)) return &column;
  std::vector<std::string> names;
  for (const FileColumn& column : rows.columns) names.push_back(column.name);
  const auto near = nearest(name, names);
  const size_t left_out = names.size() > kNamedMax ? names.size() - kNamedMax : 0;
  names.resize(names.size() - left_out);
  return Error(
      Code::kInvalidArgument, std::string(whose) + " have no column '" + name + "'",
      near ? "did you mean '" + *near + "'?"
           : "they have " + join(names, ", ") + (left_out ? ", and " + std::to_string(left_out) + " more" : ""));
}

// A value of the pipeline as SQL, to be compared with the column.
Result<std::string> literal(const Json& value, const FileColumn& column) {
  const TypeClass type = class_of(column.type);
  const bool is_text = value.is_string();
  const std::string text = is_text ? value.as_string() : value.dump();
  if (type == TypeClass::kText) return quote_literal(text);
  if (type == TypeClass::kNumber && value.is_number()) return text;
  if (type == TypeClass::kBoolean && value.is_bool()) return text;
  if (type == TypeClass::kTime && is_text) return "CAST(" + quote_literal(text) + " AS " + column.type.sql() + ")";
  if (has_no_values(column.type)) return std::string("NULL");
  return of_types("column '" + column.name + "' is " + column.type.sql() + ", which the " +
                      (is_text             ? "text '" + text + "'"
                       : value.is_number() ? "number " + text
                                           : "boolean " + text) +
                      " cannot be compared with",
                  type == TypeClass::kOther ? "write an sql check for a column of this type"
                                            : "write values of the column's type, or cast the column in a step before");
}

// The column as it is compared: the texts of an ENUM, not its places.
std::string expression(const FileColumn& column) {
  const std::string name = "t." + quote_identifier(column.name);
  return column.type.id == DUCKDB_TYPE_ENUM ? "CAST(" + name + " AS VARCHAR)" : name;
}

Result<std::string> outside_values(const DataCheck& check, const FileColumn& column) {
  std::string list;
  for (const Json& value : check.values.items()) {
    OSIRIS_ASSIGN(const std::string written, literal(value, column));
    list += (list.empty() ? "" : ", ") + written;
  }
  return expression(column) + " NOT IN (" + list + ")";
}

Result<std::string> outside_range(const DataCheck& check, const FileColumn& column) {
  std::string condition;
  const auto add = [&](const Json& bound, const char* sign) -> Status {
    if (bound.is_null()) return {};
    OSIRIS_ASSIGN(const std::string written, literal(bound, column));
    condition += (condition.empty() ? "" : " OR ") + expression(column) + sign + written;
    return {};
  };
  OSIRIS_TRY(add(check.min, " < "));
  OSIRIS_TRY(add(check.max, " > "));
  return condition;
}

Result<std::string> unlike_pattern(const DataCheck& check, const FileColumn& column) {
  if (class_of(column.type) != TypeClass::kText && !has_no_values(column.type))
    return of_types("column '" + column.name + "' is " + column.type.sql() + ", and a pattern is for texts",
                    "cast the column to VARCHAR in a step before");
  return "NOT regexp_matches(CAST(" + expression(column) + " AS VARCHAR), " + quote_literal(check.text) + ")";
}

Result<std::string> without_counterpart(const DataCheck& check, const FileColumn& column, const CheckSource& target) {
  OSIRIS_ASSIGN(const FileColumn* found, find_column(target, check.to_column, "the rows of step " + check.to_step));
  const bool differ =
      class_of(column.type) != class_of(found->type) && !has_no_values(column.type) && !has_no_values(found->type);
  if (differ)
    return of_types("column '" + column.name + "' is " + column.type.sql() + ", and '" + found->name + "' of step " +
                        check.to_step + " is " + found->type.sql(),
                    "cast one of them in a step before");
  return expression(column) + " IS NOT NULL AND NOT EXISTS (SELECT 1 FROM " + target.name + " AS o WHERE o." +
         quote_identifier(found->name) + " = t." + quote_identifier(column.name) + ")";
}

std::string in_groups_of_several(const std::vector<const FileColumn*>& columns, const std::string& rows) {
  std::string keys, own_keys, present;
  for (const FileColumn* column : columns) {
    const std::string name = quote_identifier(column->name);
    keys += (keys.empty() ? "" : ", ") + name;
    own_keys += (own_keys.empty() ? "t." : ", t.") + name;
    present += (present.empty() ? "" : " AND ") + name + " IS NOT NULL";
  }
  return "(" + own_keys + ") IN (SELECT " + (columns.size() > 1 ? "(" + keys + ")" : keys) + " FROM " + rows +
         " WHERE " + present + " GROUP BY " + keys + " HAVING count(*) > 1)";
}

}  // namespace

Result<CheckSource> check_source(duckdb_connection connection, const Relation& relation) {
  OSIRIS_ASSIGN(std::vector<FileColumn> columns, described(connection, "SELECT * FROM " + relation.qualified_name()));
  return CheckSource{relation.qualified_name(), std::move(columns)};
}

Result<std::string> failing_rows(const DataCheck& check, const CheckSource& rows, const CheckSource* target) {
  std::vector<const FileColumn*> columns;
  for (const std::string& name : check.columns) {
    OSIRIS_ASSIGN(const FileColumn* column, find_column(rows, name, "the rows"));
    columns.push_back(column);
  }
  Result<std::string> condition = std::string();
  switch (check.kind) {
    case CheckKind::kNotNull:
      for (const FileColumn* column : columns)
        *condition += (condition->empty() ? "t." : " OR t.") + quote_identifier(column->name) + " IS NULL";
      break;
    case CheckKind::kUnique:
      condition = in_groups_of_several(columns, rows.name);
      break;
    case CheckKind::kAcceptedValues:
      condition = outside_values(check, *columns.at(0));
      break;
    case CheckKind::kRange:
      condition = outside_range(check, *columns.at(0));
      break;
    case CheckKind::kPattern:
      condition = unlike_pattern(check, *columns.at(0));
      break;
    case CheckKind::kRelationships:
      if (!target) return Error(Code::kInvalidArgument, "step " + check.to_step + " has no rows to look values up in");
      condition = without_counterpart(check, *columns.at(0), *target);
      break;
    default:
      return Error(Code::kInternal, "a check of this kind names no rows");
  }
  if (!condition.ok()) return condition.error();
  return "SELECT t.* FROM " + rows.name + " AS t WHERE " + *condition;
}

Result<std::string> newest_value(const DataCheck& check, const CheckSource& rows) {
  OSIRIS_ASSIGN(const FileColumn* column, find_column(rows, check.columns.at(0), "the rows"));
  const std::string newest = "max(" + quote_identifier(column->name) + ")";
  if (has_no_values(column->type)) return std::string("SELECT CAST(NULL AS DOUBLE)");
  if (!is_date_or_timestamp(column->type))
    return of_types("column '" + column->name + "' is " + column->type.sql() + ", and freshness is for dates and times",
                    "cast the column to TIMESTAMP in a step before");
  const std::string time = column->type.id == DUCKDB_TYPE_TIMESTAMP_TZ ? newest : "CAST(" + newest + " AS TIMESTAMP)";
  return "SELECT CAST(epoch(" + time + ") AS DOUBLE) FROM " + rows.name;
}

StepInput checked_rows(const PlanStep& step, std::shared_ptr<const Relation> rows) {
  StepInput own{{std::string(kCheckedRowsName)}, std::move(rows), step.id};
  const std::string name = relation_name(step.id);
  const bool is_taken = std::any_of(step.inputs.begin(), step.inputs.end(), [&](const PlanInput& input) {
    return ascii_lower(input.name) == ascii_lower(name);
  });
  if (!is_taken) own.names.push_back(name);
  return own;
}

}  // namespace osiris::worker
