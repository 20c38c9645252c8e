#include "worker/drivers/web/record_table.h"

#include <algorithm>
#include <cmath>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris::worker::web {
namespace {

constexpr const char* kTable = "osiris_records";
constexpr int64_t kExactInDouble = int64_t{1} << 53;
// An integer beyond 64 bits is read as the nearest double.
constexpr double kBeyondIntegers = 18446744073709551616.0;  // 2^64

std::string staged_name(size_t column) { return "c" + std::to_string(column); }

// As text that a cast to the column's type reads back as it was.
std::string text_of(const Json& value) { return value.is_string() ? value.as_string() : value.dump(); }

}  // namespace

RecordTable::~RecordTable() {
  if (appender_) duckdb_appender_destroy(&appender_);
}

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

// The appender knows the table's columns as they were when it was opened.
Status RecordTable::open() {
  if (appender_ && made_ == columns_.size()) return {};
  OSIRIS_TRY(close());
  const duckdb_connection connection = step_.connection_handle();
  if (made_ == 0) {
    OSIRIS_TRY(sql::execute(connection, "CREATE TEMPORARY TABLE " + std::string(kTable) + " (c0 VARCHAR)"));
    made_ = 1;
  }
  for (; made_ < columns_.size(); ++made_)
    OSIRIS_TRY(sql::execute(
        connection, "ALTER TABLE temp." + std::string(kTable) + " ADD COLUMN " + staged_name(made_) + " VARCHAR"));
  if (duckdb_appender_create_ext(connection, "temp", "main", kTable, &appender_) == DuckDBSuccess) return {};
  const Error error = sql::appender_error(appender_);
  duckdb_appender_destroy(&appender_);
  return error;
}

Status RecordTable::close() {
  if (!appender_) return {};
  const bool flushed = duckdb_appender_close(appender_) == DuckDBSuccess;
  Status status = flushed ? Status() : Status(sql::appender_error(appender_));
  duckdb_appender_destroy(&appender_);
  return status;
}

Status RecordTable::append(const Fields& fields) {
  if (columns_.empty()) OSIRIS_TRY(column("value"));  // an empty object is a row all the same
  OSIRIS_TRY(open());
  std::vector<const Json*> row(columns_.size());
  for (const auto& [index, value] : fields) row[index] = value;
  bool taken = true;
  for (const Json* value : row) {
    if (!value || value->is_null()) {
      taken = taken && duckdb_append_null(appender_) == DuckDBSuccess;
    } else {
      const std::string text = text_of(*value);
      taken = taken && duckdb_append_varchar_length(appender_, text.data(), text.size()) == DuckDBSuccess;
    }
  }
  if (taken && duckdb_appender_end_row(appender_) == DuckDBSuccess) return {};
  return sql::appender_error(appender_);
}

Status RecordTable::finish() {
  // A column whose parts are columns is an object that was NULL in some records, or in all that were expected.
  const auto has_parts = [this](const Column& column) {
    return flattens_ && std::any_of(columns_.begin(), columns_.end(),
                                    [&](const Column& other) { return other.name.starts_with(column.name + "."); });
  };
  std::string list, untyped;
  for (size_t i = 0; i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    if (column.is_empty() && has_parts(column)) continue;
    if (column.is_mixed())
      step_.log("column '" + printable_line(column.name) + "' holds values of several types, and is text");
    const std::string comma = list.empty() ? "" : ", ", name = sql::quote_identifier(column.name);
    list += comma + "CAST(" + staged_name(i) + " AS " + column.type() + ") AS " + name;
    untyped += comma + name + " \"NULL\"";
  }
  if (list.empty())
    return Error(Code::kStepFailed, "there are no records, and nothing says which columns they would have", "",
                 category::kExtractNoData);
  if (rows_ == 0)
    return sql::execute(step_.connection_handle(),
                        "CREATE TABLE " + step_.output_table().quoted() + " (" + untyped + ")");
  OSIRIS_TRY(open());
  OSIRIS_TRY(close());
  return sql::execute(step_.connection_handle(),
                      "CREATE TABLE " + step_.output_table().quoted() + " AS SELECT " + list + " FROM temp." + kTable);
}

}  // namespace osiris::worker::web
