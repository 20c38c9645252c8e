#include "worker/drivers/postgres.writer/column_plan.h"

#include <algorithm>
#include <utility>

#include "protocol/base/categories.h"
#include "worker/driver_api/type_class.h"
#include "worker/drivers/postgres/types.h"

namespace osiris::worker::postgres {
namespace {

Error refused(const std::string& table, const std::string& name, const std::string& what, const std::string& hint) {
  return Error(Code::kStepFailed, "PostgreSQL write failed: table " + table + ", column '" + name + "': " + what, hint,
               category::kWriteFailed);
}

// What a type is first made in the engine, where that loses nothing: ENUM, for one, is its text.
struct Prepared {
  ColumnType type;
  std::string cast;
};

std::optional<Prepared> prepared(const ColumnType& type) {
  switch (type.id) {
    case DUCKDB_TYPE_ENUM:
    case DUCKDB_TYPE_SQLNULL:
    case DUCKDB_TYPE_BIGNUM:
      return Prepared{ColumnType::plain(DUCKDB_TYPE_VARCHAR), "VARCHAR"};
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
      return Prepared{ColumnType::plain(DUCKDB_TYPE_TIMESTAMP), "TIMESTAMP"};
    case DUCKDB_TYPE_ARRAY:
    case DUCKDB_TYPE_LIST: {
      auto item = prepared(type.children[0]);
      if (!item || item->type.id == DUCKDB_TYPE_LIST) return std::nullopt;
      ColumnType list = ColumnType::plain(DUCKDB_TYPE_LIST);
      list.children.push_back(item->type);
      const bool is_cast = type.id == DUCKDB_TYPE_ARRAY || !item->cast.empty();
      return Prepared{list, is_cast ? list.sql() : ""};
    }
    case DUCKDB_TYPE_STRUCT:
    case DUCKDB_TYPE_MAP:
    case DUCKDB_TYPE_UNION:
    case DUCKDB_TYPE_VARIANT:
    case DUCKDB_TYPE_GEOMETRY:
    case DUCKDB_TYPE_TIME_NS:
    case DUCKDB_TYPE_TIMESTAMP_NS:
    case DUCKDB_TYPE_INVALID:
      return std::nullopt;
    default:
      return Prepared{type, ""};
  }
}

std::string hint_for(const ColumnType& type) {
  switch (type.id) {
    case DUCKDB_TYPE_TIME_NS:
    case DUCKDB_TYPE_TIMESTAMP_NS:
      return "PostgreSQL has microseconds: CAST it to TIMESTAMP in the step before";
    case DUCKDB_TYPE_GEOMETRY:
      return "select its WKB or WKT in the step before";
    default:
      return "select to_json() of it in the step before";
  }
}

struct NewType {
  Oid oid;
  Form form;
  const char* name;
};

// The narrowest type that holds every value of `type`.
std::optional<NewType> new_type(const ColumnType& type) {
  switch (type.id) {
    case DUCKDB_TYPE_BOOLEAN:
      return NewType{kBoolOid, Form::kBool, "boolean"};
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_UTINYINT:
      return NewType{kInt2Oid, Form::kInt16, "smallint"};
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_USMALLINT:
      return NewType{kInt4Oid, Form::kInt32, "integer"};
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_UINTEGER:
      return NewType{kInt8Oid, Form::kInt64, "bigint"};
    case DUCKDB_TYPE_UBIGINT:
      return NewType{kNumericOid, Form::kNumeric, "numeric(20,0)"};
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UHUGEINT:
      return NewType{kNumericOid, Form::kNumeric, "numeric(39,0)"};
    case DUCKDB_TYPE_DECIMAL:
      return NewType{kNumericOid, Form::kNumeric, "numeric"};
    case DUCKDB_TYPE_FLOAT:
      return NewType{kFloat4Oid, Form::kFloat, "real"};
    case DUCKDB_TYPE_DOUBLE:
      return NewType{kFloat8Oid, Form::kDouble, "double precision"};
    case DUCKDB_TYPE_VARCHAR:
      if (type.alias == "JSON") return NewType{kJsonOid, Form::kText, "json"};
      return NewType{kTextOid, Form::kText, "text"};
    case DUCKDB_TYPE_BLOB:
      return NewType{kByteaOid, Form::kBytes, "bytea"};
    case DUCKDB_TYPE_BIT:
      return NewType{kVarbitOid, Form::kBits, "bit varying"};
    case DUCKDB_TYPE_UUID:
      return NewType{kUuidOid, Form::kUuid, "uuid"};
    case DUCKDB_TYPE_DATE:
      return NewType{kDateOid, Form::kDate, "date"};
    case DUCKDB_TYPE_TIMESTAMP:
      return NewType{kTimestampOid, Form::kTimestamp, "timestamp"};
    case DUCKDB_TYPE_TIMESTAMP_TZ:
      return NewType{kTimestampTzOid, Form::kTimestamp, "timestamptz"};
    case DUCKDB_TYPE_TIME:
      return NewType{kTimeOid, Form::kTime, "time"};
    case DUCKDB_TYPE_TIME_TZ:
      return NewType{kTimeTzOid, Form::kTimeTz, "timetz"};
    case DUCKDB_TYPE_INTERVAL:
      return NewType{kIntervalOid, Form::kInterval, "interval"};
    default:
      return std::nullopt;
  }
}

// Whether values of `type` can be written to `target`, each as it is or refused: the form. nullopt: they cannot.
std::optional<Form> form_for(const ColumnType& type, Oid target, bool takes_text) {
  const bool is_text = type.id == DUCKDB_TYPE_VARCHAR;
  switch (target) {
    case kInt2Oid:
      return is_integer(type.id) ? std::optional(Form::kInt16) : std::nullopt;
    case kInt4Oid:
      return is_integer(type.id) ? std::optional(Form::kInt32) : std::nullopt;
    case kInt8Oid:
      return is_integer(type.id) ? std::optional(Form::kInt64) : std::nullopt;
    case kNumericOid:
      if (is_text && type.alias.empty()) return Form::kNumericText;
      return is_integer(type.id) || type.id == DUCKDB_TYPE_DECIMAL ? std::optional(Form::kNumeric) : std::nullopt;
    case kFloat4Oid:
      return type.id == DUCKDB_TYPE_FLOAT || type.id == DUCKDB_TYPE_DOUBLE ? std::optional(Form::kFloat) : std::nullopt;
    case kFloat8Oid:
      return type.id == DUCKDB_TYPE_FLOAT || type.id == DUCKDB_TYPE_DOUBLE ? std::optional(Form::kDouble)
                                                                           : std::nullopt;
    case kTextOid:
    case kVarcharOid:
    case kBpcharOid:
    case kJsonOid:
      return is_text ? std::optional(Form::kText) : std::nullopt;
    case kXmlOid:
      return is_text && type.alias.empty() ? std::optional(Form::kText) : std::nullopt;
    case kJsonbOid:
      return is_text ? std::optional(Form::kJsonb) : std::nullopt;
    case kBitOid:
      return type.id == DUCKDB_TYPE_BIT ? std::optional(Form::kBits) : std::nullopt;
    default:
      break;
  }
  if (takes_text) return is_text && type.alias.empty() ? std::optional(Form::kText) : std::nullopt;
  const auto same = new_type(type);
  return same && same->oid == target ? std::optional(same->form) : std::nullopt;
}

// Of the fields that the modifier of an interval names, by PostgreSQL's numbers of them; it cuts what is below the
// last.
SpanUnit least_unit_of(int modifier) {
  const int fields = (modifier >> 16) & 0x7fff;
  constexpr std::pair<int, SpanUnit> kFields[] = {{12, SpanUnit::kSecond}, {11, SpanUnit::kMinute},
                                                  {10, SpanUnit::kHour},   {3, SpanUnit::kDay},
                                                  {1, SpanUnit::kMonth},   {2, SpanUnit::kYear}};
  for (const auto& [field, unit] : kFields)
    if (fields >> field & 1) return unit;
  return SpanUnit::kSecond;
}

// What a type modifier allows.
void apply_modifier(ColumnPlan& plan, Oid type, int modifier) {
  if (type == kIntervalOid && modifier >= 0) {
    plan.fraction_digits = std::min(modifier & 0xffff, 6);
    plan.least_unit = least_unit_of(modifier);
    return;
  }
  const bool is_time = type == kTimestampOid || type == kTimestampTzOid || type == kTimeOid || type == kTimeTzOid;
  if (is_time && modifier >= 0) plan.fraction_digits = std::min(modifier, 6);
  if ((type == kBitOid || type == kVarbitOid) && modifier > 0 && type == kBitOid)
    plan.bits = static_cast<uint32_t>(modifier);
  if (modifier < kModifierBase) return;
  if (type == kNumericOid) plan.scale_max = (((modifier - kModifierBase) & 0x7ff) ^ 1024) - 1024;
  if (type == kVarcharOid || type == kBpcharOid) plan.characters_max = modifier - kModifierBase;
}

}  // namespace

Result<ColumnPlan> plan_new(const std::string& table, const std::string& name, const ColumnType& type) {
  const auto ready = prepared(type);
  const auto item =
      !ready ? std::nullopt : new_type(ready->type.id == DUCKDB_TYPE_LIST ? ready->type.children[0] : ready->type);
  if (!item) return refused(table, name, "no type of PostgreSQL's holds a " + type.sql(), hint_for(type));
  ColumnPlan plan;
  plan.name = plan.target = name;
  plan.type = ready->type;
  plan.cast = ready->cast;
  plan.form = item->form;
  plan.value_type = item->oid;
  plan.type_name = item->name;
  const bool is_list = ready->type.id == DUCKDB_TYPE_LIST;
  const ColumnType& value = is_list ? ready->type.children[0] : ready->type;
  if (value.id == DUCKDB_TYPE_DECIMAL) plan.type_name = "numeric" + value.sql().substr(std::string("DECIMAL").size());
  // Made of text for the sake of its digits, it is a number all the same.
  if (type.id == DUCKDB_TYPE_BIGNUM) {
    plan.form = Form::kNumericText;
    plan.value_type = kNumericOid;
    plan.type_name = "numeric";
  }
  if (is_list) {
    plan.element = item->oid;
    plan.type_name += "[]";
  }
  return plan;
}

Result<ColumnPlan> plan_existing(const std::string& table, const std::string& name, const ColumnType& type,
                                 const TargetColumn& target) {
  const auto no = [&](const std::string& hint) {
    return refused(table, target.name,
                   "it is " + target.type_name + ", and a " + type.sql() + " is not written to that", hint);
  };
  if (target.is_generated)
    return refused(table, target.name, "the server generates it", "leave it out in the step before");
  const auto ready = prepared(type);
  if (!ready) return no(hint_for(type));
  ColumnPlan plan;
  plan.name = name;
  plan.target = target.name;
  plan.type = ready->type;
  plan.cast = ready->cast;
  plan.type_name = target.type_name;
  // A day is the midnight it begins with.
  if (ready->type.id == DUCKDB_TYPE_DATE && target.type == kTimestampOid) {
    plan.cast = "TIMESTAMP";
    plan.type = ColumnType::plain(DUCKDB_TYPE_TIMESTAMP);
  }
  const bool is_list = plan.type.id == DUCKDB_TYPE_LIST;
  const Oid item = is_list ? item_of_array(target.type) : target.type;
  const auto form = item == InvalidOid ? std::nullopt
                                       : form_for(is_list ? plan.type.children[0] : plan.type, item, target.takes_text);
  // Made of text for the sake of its digits, it goes into numbers alone.
  if (!form || (type.id == DUCKDB_TYPE_BIGNUM && item != kNumericOid))
    return no("CAST it in the step before, where you decide what may be lost");
  plan.form = *form;
  plan.value_type = item;
  plan.modifier = target.modifier;
  if (is_list) plan.element = item;
  apply_modifier(plan, item, target.modifier);
  return plan;
}

}  // namespace osiris::worker::postgres
