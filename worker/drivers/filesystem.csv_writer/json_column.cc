#include "worker/drivers/filesystem.csv_writer/json_column.h"

#include "worker/driver_api/logical_type.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker::csv_out {
namespace {

// How a type is spelt in SQL, where it holds FLOATs: these are read as `float_as`.
class TypeText {
 public:
  explicit TypeText(std::string_view float_as) : float_as_(float_as) {}
  bool has_float() const { return has_float_ && !has_unnamed_; }

  std::string of(duckdb_logical_type type) {
    switch (duckdb_get_type_id(type)) {
      case DUCKDB_TYPE_LIST:
        return of(LogicalType(duckdb_list_type_child_type(type)).get()) + "[]";
      case DUCKDB_TYPE_ARRAY:
        return of(LogicalType(duckdb_array_type_child_type(type)).get()) + "[" +
               std::to_string(duckdb_array_type_array_size(type)) + "]";
      case DUCKDB_TYPE_MAP:
        return "MAP(" + of(LogicalType(duckdb_map_type_key_type(type)).get()) + ", " +
               of(LogicalType(duckdb_map_type_value_type(type)).get()) + ")";
      case DUCKDB_TYPE_STRUCT:
        return "STRUCT(" +
               members(type, duckdb_struct_type_child_count(type), duckdb_struct_type_child_name,
                       duckdb_struct_type_child_type) +
               ")";
      case DUCKDB_TYPE_UNION:
        return "UNION(" +
               members(type, duckdb_union_type_member_count(type), duckdb_union_type_member_name,
                       duckdb_union_type_member_type) +
               ")";
      default:
        return of_value(type);
    }
  }

 private:
  template <class Name, class Type>
  std::string members(duckdb_logical_type type, idx_t count, Name name, Type member_type) {
    std::string text;
    for (idx_t i = 0; i < count; ++i) {
      const std::string member = taken(name(type, i));
      has_unnamed_ |= member.empty();  // of row(1, 2): no SQL spells such a type
      text += (i ? ", " : "") + sql::quote_identifier(member) + " " + of(LogicalType(member_type(type, i)).get());
    }
    return text;
  }

  std::string of_value(duckdb_logical_type type) {
    switch (duckdb_get_type_id(type)) {
      case DUCKDB_TYPE_FLOAT:
        has_float_ = true;
        return std::string(float_as_);
      case DUCKDB_TYPE_DOUBLE:
        return "DOUBLE";
      case DUCKDB_TYPE_BOOLEAN:
        return "BOOLEAN";
      case DUCKDB_TYPE_TINYINT:
      case DUCKDB_TYPE_SMALLINT:
      case DUCKDB_TYPE_INTEGER:
      case DUCKDB_TYPE_BIGINT:
        return "BIGINT";
      case DUCKDB_TYPE_UTINYINT:
      case DUCKDB_TYPE_USMALLINT:
      case DUCKDB_TYPE_UINTEGER:
      case DUCKDB_TYPE_UBIGINT:
        return "UBIGINT";
      case DUCKDB_TYPE_HUGEINT:
        return "HUGEINT";
      case DUCKDB_TYPE_UHUGEINT:
        return "UHUGEINT";
      case DUCKDB_TYPE_DECIMAL:
        return "DECIMAL(" + std::to_string(duckdb_decimal_width(type)) + ", " +
               std::to_string(duckdb_decimal_scale(type)) + ")";
      case DUCKDB_TYPE_VARCHAR:
        return taken(duckdb_logical_type_get_alias(type)) == "JSON" ? "JSON" : "VARCHAR";
      default:
        return "VARCHAR";  // which is how to_json() shows it
    }
  }

  std::string_view float_as_;
  bool has_float_ = false, has_unnamed_ = false;
};

}  // namespace

std::string json_expression(const std::string& column, duckdb_logical_type type) {
  TypeText text("VARCHAR");
  const std::string with_digits = text.of(type);
  std::string value = column;
  // By way of its own digits a FLOAT becomes the double that is written with them.
  if (text.has_float())
    value = "CAST(CAST(" + column + " AS " + with_digits + ") AS " + TypeText("DOUBLE").of(type) + ")";
  return "CAST(to_json(" + value + ") AS VARCHAR)";
}

bool append_json(std::string_view text, std::string& out) {
  bool in_string = false;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string && c == '\\') {
      out += c;
      if (++at < text.size()) out += text[at];
      continue;
    }
    if (c == '"') in_string = !in_string;
    if (!in_string && c == 'I') return false;
    if (!in_string && text.substr(at).starts_with("NaN")) {
      out += "null";
      at += 2;
      continue;
    }
    out += c;
  }
  return true;
}

}  // namespace osiris::worker::csv_out
