#include "worker/drivers/mysql.writer/column_plan.h"

#include <algorithm>

#include "protocol/base/categories.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/mysql.writer/value_text.h"

namespace osiris::worker::mysql {
namespace {

// What kind of column a type goes to.
enum class Family { kInteger, kDecimal, kFloat, kDouble, kText, kJson, kBytes, kUuid, kDate, kDateTime, kTime };

struct Made {
  Family family;
  std::string type;  // of a column that is made
  Check check = Check::kNone;
};

std::optional<Made> made_of(const ColumnType& type) {
  switch (type.id) {
    case DUCKDB_TYPE_BOOLEAN:
      return Made{Family::kInteger, "TINYINT(1)"};
    case DUCKDB_TYPE_TINYINT:
      return Made{Family::kInteger, "TINYINT"};
    case DUCKDB_TYPE_SMALLINT:
      return Made{Family::kInteger, "SMALLINT"};
    case DUCKDB_TYPE_INTEGER:
      return Made{Family::kInteger, "INT"};
    case DUCKDB_TYPE_BIGINT:
      return Made{Family::kInteger, "BIGINT"};
    case DUCKDB_TYPE_UTINYINT:
      return Made{Family::kInteger, "TINYINT UNSIGNED"};
    case DUCKDB_TYPE_USMALLINT:
      return Made{Family::kInteger, "SMALLINT UNSIGNED"};
    case DUCKDB_TYPE_UINTEGER:
      return Made{Family::kInteger, "INT UNSIGNED"};
    case DUCKDB_TYPE_UBIGINT:
      return Made{Family::kInteger, "BIGINT UNSIGNED"};
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UHUGEINT:
      return Made{Family::kInteger, "DECIMAL(39,0)"};
    case DUCKDB_TYPE_DECIMAL:
      return Made{Family::kDecimal, type.sql(), Check::kNumber};
    case DUCKDB_TYPE_FLOAT:
      return Made{Family::kFloat, "FLOAT", Check::kFloat};
    case DUCKDB_TYPE_DOUBLE:
      return Made{Family::kDouble, "DOUBLE", Check::kFloat};
    case DUCKDB_TYPE_VARCHAR:
      if (type.alias == "JSON") return Made{Family::kJson, "JSON", Check::kText};
      return Made{Family::kText, "LONGTEXT", Check::kText};
    case DUCKDB_TYPE_ENUM:
    case DUCKDB_TYPE_SQLNULL:
      return Made{Family::kText, "LONGTEXT", Check::kText};
    case DUCKDB_TYPE_UUID:
      return Made{Family::kUuid, "CHAR(36)", Check::kText};
    case DUCKDB_TYPE_BLOB:
      return Made{Family::kBytes, "LONGBLOB", Check::kBytes};
    case DUCKDB_TYPE_DATE:
      return Made{Family::kDate, "DATE", Check::kDate};
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
      return Made{Family::kDateTime, "DATETIME(6)", Check::kDate};
    case DUCKDB_TYPE_TIME:
    case DUCKDB_TYPE_INTERVAL:
      return Made{Family::kTime, "TIME(6)", Check::kTime};
    default:
      return std::nullopt;
  }
}

std::string expression_of(const std::string& name, const ColumnType& type) {
  return has_text(type) ? std::string() : "CAST(" + sql::quote_identifier(name) + " AS VARCHAR)";
}

Error refused(const std::string& table, const std::string& name, const std::string& what, const std::string& hint) {
  return Error(Code::kStepFailed, "MySQL write failed: table " + table + ", column '" + name + "': " + what, hint,
               category::kWriteFailed);
}

bool is_any(const std::string& type, std::initializer_list<const char*> types) {
  return std::any_of(types.begin(), types.end(), [&](const char* one) { return type == one; });
}

bool is_text(const std::string& type) {
  return is_any(type, {"char", "varchar", "tinytext", "text", "mediumtext", "longtext"});
}

// Of "enum('a','it''s')": a, it's.
std::vector<std::string> labels_in(const std::string& column_type) {
  std::vector<std::string> labels;
  bool is_inside = false;
  for (size_t at = column_type.find('\''); at < column_type.size(); ++at) {
    const bool is_quote = column_type[at] == '\'';
    if (!is_inside) {
      if (is_quote) labels.emplace_back();
      is_inside = is_quote;
    } else if (!is_quote) {
      labels.back() += column_type[at];
    } else if (column_type.compare(at, 2, "''") == 0) {
      labels.back() += column_type[at++];
    } else {
      is_inside = false;
    }
  }
  return labels;
}

bool takes(const TargetColumn& target, Family family) {
  const std::string& type = target.type;
  switch (family) {
    case Family::kInteger:
      return is_any(type, {"tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "year"});
    case Family::kDecimal:
      return type == "decimal";
    case Family::kFloat:
      return type == "float" || type == "double";
    case Family::kDouble:
      return type == "double";
    case Family::kText:
      return is_text(type) || is_any(type, {"enum", "set", "json", "uuid", "inet4", "inet6"});
    case Family::kJson:
      return is_text(type) || type == "json";
    case Family::kBytes:
      return is_any(type, {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"});
    case Family::kUuid:
      return is_text(type) || type == "uuid";
    case Family::kDate:
      return type == "date" || type == "datetime";
    case Family::kDateTime:
      return type == "datetime" || type == "timestamp";
    case Family::kTime:
      return type == "time";
  }
  return false;
}

}  // namespace

Result<ColumnPlan> plan_new(const std::string& table, const std::string& name, const ColumnType& type, bool is_key) {
  const auto made = made_of(type);
  if (!made) {
    const bool is_nested = type.id == DUCKDB_TYPE_LIST || type.id == DUCKDB_TYPE_ARRAY || type.id == DUCKDB_TYPE_MAP ||
                           type.id == DUCKDB_TYPE_STRUCT || type.id == DUCKDB_TYPE_UNION;
    return refused(table, name, "no type of MySQL's holds a " + type.sql(),
                   is_nested ? "select to_json() of it in the step before" : "CAST it in the step before");
  }
  ColumnPlan plan;
  plan.name = plan.target = name;
  plan.source = type;
  plan.expression = expression_of(name, type);
  plan.check = made->check;
  plan.type_name = made->type;
  // A key needs a length; what is longer is refused.
  if (is_key && plan.type_name == "LONGTEXT") plan.type_name = "VARCHAR(255)";
  if (is_key && plan.type_name == "LONGBLOB") plan.type_name = "VARBINARY(255)";
  plan.form = form_of_type(plan.type_name);
  return plan;
}

Result<ColumnPlan> plan_existing(const std::string& table, const std::string& name, const ColumnType& type,
                                 const TargetColumn& target) {
  if (target.is_generated)
    return refused(table, target.name, "the server generates it", "leave it out in the step before");
  const auto made = made_of(type);
  if (!made || !takes(target, made->family))
    return refused(table, target.name,
                   "it is " + target.column_type + ", and a " + type.sql() + " is not written to that",
                   "CAST it in the step before, where you decide what may be lost");
  ColumnPlan plan;
  plan.name = name;
  plan.target = target.name;
  plan.source = type;
  plan.expression = expression_of(name, type);
  plan.check = made->check;
  plan.type_name = target.column_type;
  plan.form = form_of_type(target.column_type);
  plan.fraction_digits = target.fraction_digits;
  if (made->family != Family::kInteger) plan.scale_max = target.scale;
  plan.refuses_null = target.replaces_null;
  // What the server would make another value of, without a word: 7 the year 2007, a text without a label the label of
  // that number.
  if (target.type == "year") plan.check = Check::kYear;
  if (target.type == "enum" || target.type == "set") {
    plan.check = target.type == "enum" ? Check::kLabel : Check::kLabels;
    plan.labels = labels_in(target.column_type);
  }
  return plan;
}

}  // namespace osiris::worker::mysql
