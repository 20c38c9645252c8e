#include "worker/drivers/web/record_table.h"

#include <algorithm>
#include <cmath>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris::worker::web {
namespace {

constexpr int64_t kExactInDouble = int64_t{1} << 53;
// An integer beyond 64 bits is read as the nearest double.
constexpr double kBeyondIntegers = 18446744073709551616.0;  // 2^64

// As text that a cast to the column's type reads back as it was.
std::string text_of(const Json& value) { return value.is_string() ? value.as_string() : value.dump(); }

}  // namespace

RecordTable::RecordTable(StepContext& step, bool flattens) : step_(step), flattens_(flattens), spool_(step) {}

std::string RecordTable::Column::type() const {
  if (is_empty() || is_mixed() || texts) return "VARCHAR";
  if (booleans) return "BOOLEAN";
  if (values) return "JSON";
  if (doubles) return "DOUBLE";
  return unsigneds ? "HUGEINT" : "BIGINT";
}

Result<size_t> RecordTable::column(const std::string& name) {
  const auto [found, is_new] = by_name_.try_emplace(ascii_lower(name), columns_.size());
  if (is_new) {
    columns_.push_back({.name = name});
  } else if (columns_[found->second].name != name) {
    return Error(Code::kStepFailed,
                 "the records have columns that differ only in the case of letters: '" + columns_[found->second].name +
                     "' and '" + printable_line(name) + "'",
                 "Ask for one of them under another name.", category::kExtractSchemaMismatch);
  }
  return found->second;
}

Status RecordTable::expect(const std::vector<std::string>& columns) {
  for (const std::string& name : columns) OSIRIS_TRY(column(name));
  return {};
}

Status RecordTable::flatten(const Json& object, const std::string& prefix, Fields& fields) {
  for (const auto& [name, value] : object.members()) {
    const std::string full = prefix + name;
    if (flattens_ && value.is_object() && value.size() > 0) {
      OSIRIS_TRY(flatten(value, full + ".", fields));
      continue;
    }
    if (name.find('\0') != std::string::npos)
      return Error(Code::kStepFailed, "a record has a column with a NUL in its name: " + printable_line(full), "",
                   category::kExtractSchemaMismatch);
    OSIRIS_ASSIGN(const size_t index, column(full));
    for (const auto& [other, taken] : fields)
      if (other == index)
        return Error(
            Code::kStepFailed,
            "record " + std::to_string(rows_ + 1) + " has two values for the column '" + printable_line(full) + "'",
            "Set flatten_result: false, or ask for one of them under another name.", category::kExtractSchemaMismatch);
    fields.emplace_back(index, &value);
  }
  return {};
}

Status RecordTable::add(const Json& record) {
  Fields fields;
  if (record.is_object()) {
    OSIRIS_TRY(flatten(record, "", fields));
  } else {
    OSIRIS_ASSIGN(const size_t index, column("value"));
    fields.emplace_back(index, &record);
  }
  for (const auto& [index, value] : fields) {
    Column& column = columns_[index];
    if (value->is_uint64()) {
      column.unsigneds = true;
    } else if (value->is_int()) {
      column.integers = true;
    } else if (value->is_double()) {
      if (!column.doubles && std::fabs(value->as_double()) >= kBeyondIntegers)
        step_.log("column '" + printable_line(column.name) +
                  "' holds numbers beyond 64 bits, which are read as DOUBLE");
      column.doubles = true;
    } else if (value->is_bool()) {
      column.booleans = true;
    } else if (value->is_string()) {
      column.texts = true;
    } else if (!value->is_null()) {
      column.values = true;
    }
    const bool fits_double = !value->is_int() || (!value->is_uint64() && value->as_int() <= kExactInDouble &&
                                                  value->as_int() >= -kExactInDouble);
    column.is_exact = column.is_exact && fits_double;
  }
  OSIRIS_TRY(append(fields));
  ++rows_;
  return {};
}

Status RecordTable::append(const Fields& fields) {
  if (columns_.empty()) OSIRIS_TRY(column("value"));  // an empty object is a row all the same
  for (const auto& [index, value] : fields)
    if (!value->is_null()) spool_.put(index, text_of(*value));
  return spool_.end_row();
}

bool RecordTable::has_parts(const Column& column) const {
  return flattens_ && std::any_of(columns_.begin(), columns_.end(),
                                  [&](const Column& other) { return other.name.starts_with(column.name + "."); });
}

Status RecordTable::settle() {
  for (size_t i = 0; i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    if (column.is_empty() && has_parts(column)) continue;
    if (column.is_mixed())
      step_.log("column '" + printable_line(column.name) + "' holds values of several types, and is text");
    const std::string comma = list_.empty() ? "" : ", ", name = sql::quote_identifier(column.name);
    list_ += comma + "CAST(c" + std::to_string(i) + " AS " + column.type() + ") AS " + name;
    untyped_ += comma + name + " \"NULL\"";
  }
  if (list_.empty())
    return Error(Code::kStepFailed, "there are no records, and nothing says which columns they would have", "",
                 category::kExtractNoData);
  return spool_.close();
}

Result<std::optional<RecordTable::Select>> RecordTable::select(StepContext& step) {
  if (rows_ == 0) return std::optional<Select>();
  OSIRIS_ASSIGN(const std::string pass, spool_.begin_pass(step.connection_handle(), columns_.size()));
  return std::optional<Select>({.sql = "SELECT " + list_ + " FROM " + pass + "()", .functions = {pass}});
}

Status RecordTable::create(StepContext& step) {
  const std::string create = "CREATE TABLE " + step.output_table().quoted();
  if (rows_ == 0) return sql::execute(step.connection_handle(), create + " (" + untyped_ + ")");
  OSIRIS_ASSIGN(const std::optional<Select> rows, select(step));
  return sql::execute(step.connection_handle(), create + " AS " + rows->sql);
}

}  // namespace osiris::worker::web
