#include "worker/driver_api/column_type.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "worker/driver_api/logical_type.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker {
namespace {

constexpr size_t kNestingMax = 100;

struct PlainName {
  duckdb_type id;
  std::string_view sql;
};
constexpr PlainName kPlainNames[] = {
    {DUCKDB_TYPE_BOOLEAN, "BOOLEAN"},
    {DUCKDB_TYPE_TINYINT, "TINYINT"},
    {DUCKDB_TYPE_SMALLINT, "SMALLINT"},
    {DUCKDB_TYPE_INTEGER, "INTEGER"},
    {DUCKDB_TYPE_BIGINT, "BIGINT"},
    {DUCKDB_TYPE_HUGEINT, "HUGEINT"},
    {DUCKDB_TYPE_UTINYINT, "UTINYINT"},
    {DUCKDB_TYPE_USMALLINT, "USMALLINT"},
    {DUCKDB_TYPE_UINTEGER, "UINTEGER"},
    {DUCKDB_TYPE_UBIGINT, "UBIGINT"},
    {DUCKDB_TYPE_UHUGEINT, "UHUGEINT"},
    {DUCKDB_TYPE_FLOAT, "FLOAT"},
    {DUCKDB_TYPE_DOUBLE, "DOUBLE"},
    {DUCKDB_TYPE_BIGNUM, "BIGNUM"},
    {DUCKDB_TYPE_VARCHAR, "VARCHAR"},
    {DUCKDB_TYPE_BLOB, "BLOB"},
    {DUCKDB_TYPE_BIT, "BIT"},
    {DUCKDB_TYPE_UUID, "UUID"},
    {DUCKDB_TYPE_DATE, "DATE"},
    {DUCKDB_TYPE_TIME, "TIME"},
    {DUCKDB_TYPE_TIME_TZ, "TIMETZ"},
    {DUCKDB_TYPE_TIME_NS, "TIME_NS"},
    {DUCKDB_TYPE_TIMESTAMP, "TIMESTAMP"},
    {DUCKDB_TYPE_TIMESTAMP_S, "TIMESTAMP_S"},
    {DUCKDB_TYPE_TIMESTAMP_MS, "TIMESTAMP_MS"},
    {DUCKDB_TYPE_TIMESTAMP_NS, "TIMESTAMP_NS"},
    {DUCKDB_TYPE_TIMESTAMP_TZ, "TIMESTAMPTZ"},
    {DUCKDB_TYPE_INTERVAL, "INTERVAL"},
    {DUCKDB_TYPE_GEOMETRY, "GEOMETRY"},
    {DUCKDB_TYPE_VARIANT, "VARIANT"},
    {DUCKDB_TYPE_SQLNULL, "\"NULL\""},
};

// Those of several parts, by the name they have in a document.
constexpr PlainName kNestedNames[] = {{DUCKDB_TYPE_LIST, "LIST"},
                                      {DUCKDB_TYPE_ARRAY, "ARRAY"},
                                      {DUCKDB_TYPE_MAP, "MAP"},
                                      {DUCKDB_TYPE_STRUCT, "STRUCT"},
                                      {DUCKDB_TYPE_UNION, "UNION"}};

template <size_t size>
std::string_view name_in(const PlainName (&names)[size], duckdb_type id) {
  for (const PlainName& name : names)
    if (name.id == id) return name.sql;
  return {};
}

template <size_t size>
duckdb_type id_in(const PlainName (&names)[size], std::string_view text) {
  for (const PlainName& name : names)
    if (name.sql == text) return name.id;
  return DUCKDB_TYPE_INVALID;
}

ColumnType child_of(duckdb_logical_type type) { return ColumnType::of(LogicalType(type).get()); }

// "name" TYPE, ...; nullopt when a member has no name or a type that cannot be spelt.
std::optional<std::string> members_sql(const ColumnType& type) {
  std::string list;
  for (size_t i = 0; i < type.children.size(); ++i) {
    const std::string member = type.children[i].sql();
    if (member.empty() || type.names[i].empty()) return std::nullopt;
    list += (i > 0 ? ", " : "") + sql::quote_identifier(type.names[i]) + " " + member;
  }
  return list;
}

std::optional<ColumnType> read_json(const Json& json, size_t depth);

// Members of a document's type into `type`; false when one cannot be read.
bool read_children(const Json& list, size_t depth, ColumnType& type) {
  for (const Json& item : list.items()) {
    auto child = read_json(item, depth + 1);
    if (!child) return false;
    type.children.push_back(*std::move(child));
  }
  return true;
}

bool is_whole(const ColumnType& type) {
  switch (type.id) {
    case DUCKDB_TYPE_LIST:
      return type.children.size() == 1;
    case DUCKDB_TYPE_ARRAY:
      return type.children.size() == 1 && type.size > 0;
    case DUCKDB_TYPE_MAP:
      return type.children.size() == 2;
    case DUCKDB_TYPE_STRUCT:
    case DUCKDB_TYPE_UNION:
      return !type.children.empty() && type.children.size() == type.names.size();
    default:
      return false;
  }
}

std::optional<ColumnType> read_json(const Json& json, size_t depth) {
  if (depth > kNestingMax) return std::nullopt;
  ColumnType type;
  if (json.is_string()) {
    if (json.as_string() == "JSON") {
      type.id = DUCKDB_TYPE_VARCHAR;
      type.alias = "JSON";
      return type;
    }
    type.id = id_in(kPlainNames, json.as_string());
    return type.id == DUCKDB_TYPE_INVALID ? std::nullopt : std::optional(type);
  }
  for (const Json& name : json["names"].items()) type.names.push_back(name.as_string());
  if (const Json& digits = json["decimal"]; digits.is_array() && digits.size() == 2) {
    const int64_t width = digits.items()[0].as_int(), scale = digits.items()[1].as_int(-1);
    if (width < 1 || width > 38 || scale < 0 || scale > width) return std::nullopt;
    type.id = DUCKDB_TYPE_DECIMAL;
    type.width = static_cast<uint8_t>(width);
    type.scale = static_cast<uint8_t>(scale);
    return type;
  }
  const std::string& id = json["type"].as_string();
  if (id == "ENUM") {
    type.id = DUCKDB_TYPE_ENUM;
    return type.names.empty() ? std::nullopt : std::optional(type);
  }
  type.id = id_in(kNestedNames, id);
  type.size = json["size"].as_uint();
  if (!read_children(json["of"], depth, type) || !is_whole(type)) return std::nullopt;
  return type;
}

}  // namespace

ColumnType ColumnType::plain(duckdb_type id) {
  ColumnType type;
  type.id = id;
  return type;
}

ColumnType ColumnType::of(duckdb_logical_type logical) {
  ColumnType type = plain(duckdb_get_type_id(logical));
  switch (type.id) {
    case DUCKDB_TYPE_DECIMAL:
      type.width = duckdb_decimal_width(logical);
      type.scale = duckdb_decimal_scale(logical);
      break;
    case DUCKDB_TYPE_ENUM:
      for (idx_t i = 0; i < duckdb_enum_dictionary_size(logical); ++i)
        type.names.push_back(taken(duckdb_enum_dictionary_value(logical, i)));
      break;
    case DUCKDB_TYPE_LIST:
      type.children.push_back(child_of(duckdb_list_type_child_type(logical)));
      break;
    case DUCKDB_TYPE_ARRAY:
      type.children.push_back(child_of(duckdb_array_type_child_type(logical)));
      type.size = duckdb_array_type_array_size(logical);
      break;
    case DUCKDB_TYPE_MAP:
      type.children.push_back(child_of(duckdb_map_type_key_type(logical)));
      type.children.push_back(child_of(duckdb_map_type_value_type(logical)));
      break;
    case DUCKDB_TYPE_STRUCT:
      for (idx_t i = 0; i < duckdb_struct_type_child_count(logical); ++i) {
        type.names.push_back(taken(duckdb_struct_type_child_name(logical, i)));
        type.children.push_back(child_of(duckdb_struct_type_child_type(logical, i)));
      }
      break;
    case DUCKDB_TYPE_UNION:
      for (idx_t i = 0; i < duckdb_union_type_member_count(logical); ++i) {
        type.names.push_back(taken(duckdb_union_type_member_name(logical, i)));
        type.children.push_back(child_of(duckdb_union_type_member_type(logical, i)));
      }
      break;
    default:
      // A name that a step gave a type is gone with the step; what it stands for stays.
      if (std::string alias = taken(duckdb_logical_type_get_alias(logical)); alias == "JSON") type.alias = alias;
      break;
  }
  return type;
}

std::string ColumnType::sql() const {
  if (!alias.empty()) return alias;
  switch (id) {
    case DUCKDB_TYPE_DECIMAL:
      return "DECIMAL(" + std::to_string(width) + "," + std::to_string(scale) + ")";
    case DUCKDB_TYPE_ENUM: {
      std::string list;
      for (const std::string& name : names) list += (list.empty() ? "" : ", ") + sql::quote_literal(name);
      return "ENUM(" + list + ")";
    }
    case DUCKDB_TYPE_LIST:
    case DUCKDB_TYPE_ARRAY: {
      const std::string item = children[0].sql();
      return item.empty() ? "" : item + (id == DUCKDB_TYPE_LIST ? "[]" : "[" + std::to_string(size) + "]");
    }
    case DUCKDB_TYPE_MAP: {
      const std::string key = children[0].sql(), value = children[1].sql();
      return key.empty() || value.empty() ? "" : "MAP(" + key + ", " + value + ")";
    }
    case DUCKDB_TYPE_STRUCT:
    case DUCKDB_TYPE_UNION: {
      const auto members = members_sql(*this);
      return members ? (id == DUCKDB_TYPE_STRUCT ? "STRUCT(" : "UNION(") + *members + ")" : "";
    }
    default:
      return std::string(name_in(kPlainNames, id));
  }
}

Json ColumnType::to_json() const {
  if (!alias.empty()) return Json(alias);
  if (id == DUCKDB_TYPE_DECIMAL) return Json::object({{"decimal", Json::array({int{width}, int{scale}})}});
  if (const std::string_view plain_name = name_in(kPlainNames, id); !plain_name.empty()) return Json(plain_name);
  Json json = Json::object({{"type", id == DUCKDB_TYPE_ENUM ? "ENUM" : name_in(kNestedNames, id)}});
  if (size > 0) json.set("size", size);
  if (!names.empty()) json.set("names", Json(Json::Array(names.begin(), names.end())));
  if (children.empty()) return json;
  Json& of = json.set("of", Json::array());
  for (const ColumnType& child : children) of.push_back(child.to_json());
  return json;
}

std::optional<ColumnType> ColumnType::from_json(const Json& json) { return read_json(json, 0); }

}  // namespace osiris::worker
