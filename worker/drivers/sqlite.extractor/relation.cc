#include "worker/drivers/sqlite.extractor/relation.h"

#include <duckdb.h>

#include "protocol/base/categories.h"
#include "protocol/base/utf8.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker::sqlite_in {
namespace {

constexpr uint64_t kRowsPerReport = 10'000;
constexpr size_t kShownBytes = 60;
constexpr sqlite3_int64 kExactInDouble = sqlite3_int64{1} << 53;

Error cancelled() { return Error(Code::kCancelled, "the step was cancelled"); }

// "text 'abc'": what SQLite holds.
std::string shown(sqlite3_stmt* statement, int column) {
  static constexpr const char* kKinds[] = {"integer", "real", "text", "blob", "NULL"};
  const int kind = sqlite3_column_type(statement, column);
  std::string text = kKinds[kind - 1];
  if (kind == SQLITE_BLOB) return text + " of " + std::to_string(sqlite3_column_bytes(statement, column)) + " bytes";
  const auto* value = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
  std::string shortened = value ? valid_utf8(value) : "";
  if (shortened.size() > kShownBytes) shortened = valid_utf8(shortened.substr(0, kShownBytes)) + "…";
  return text + (kind == SQLITE_TEXT ? " '" + shortened + "'" : " " + shortened);
}

Error unfit(sqlite3_stmt* statement, const Column& column, int place, uint64_t row, const std::string& why) {
  const std::string type(type_name(column.type));
  return Error(Code::kInvalidArgument,
               "row " + std::to_string(row + 1) + ", column '" + column.name + "': " + shown(statement, place) + " " +
                   why + " " + type +
                   (column.is_by_values ? ", which the rows before have"
                                        : ", which its declaration " + column.declared + " asks for"),
               "cast it in `query`, CAST(" + sql::quote_identifier(column.name) + " AS TEXT), or correct the row",
               category::kExtractSchemaMismatch);
}

class Store {
 public:
  Store(StepContext& step, Statement& statement, const std::vector<Column>& columns)
      : step_(step), statement_(statement), columns_(columns) {}
  ~Store() {
    if (appender_) duckdb_appender_destroy(&appender_);
    if (exists_ && !is_complete_)
      (void)sql::execute(step_.connection_handle(), "DROP TABLE IF EXISTS " + step_.output_table().quoted());
  }

  Result<uint64_t> run(uint64_t limit) {
    OSIRIS_TRY(create());
    uint64_t row = 0;
    for (; row < limit; ++row) {
      OSIRIS_ASSIGN(const bool more, statement_.step());
      if (!more) break;
      for (size_t i = 0; i < columns_.size(); ++i) OSIRIS_TRY(append(static_cast<int>(i), row));
      if (duckdb_appender_end_row(appender_) == DuckDBError) return sql::appender_error(appender_);
      if ((row + 1) % kRowsPerReport != 0) continue;
      step_.progress(row + 1);
      if (step_.is_cancelled()) return cancelled();
    }
    if (duckdb_appender_close(appender_) == DuckDBError) return sql::appender_error(appender_);
    is_complete_ = true;
    step_.progress(row);
    return row;
  }

 private:
  Status create() {
    std::string list;
    for (const Column& column : columns_)
      list +=
          (list.empty() ? "" : ", ") + sql::quote_identifier(column.name) + " " + std::string(type_name(column.type));
    const sql::TableName& table = step_.output_table();
    OSIRIS_TRY(sql::execute(step_.connection_handle(), "CREATE TABLE " + table.quoted() + " (" + list + ")"));
    exists_ = true;
    if (duckdb_appender_create_ext(step_.connection_handle(), table.catalog.c_str(), table.schema.c_str(),
                                   table.table.c_str(), &appender_) == DuckDBError)
      return sql::appender_error(appender_);
    return {};
  }

  Status append(int place, uint64_t row) {
    sqlite3_stmt* const at = statement_.handle();
    const Column& column = columns_[static_cast<size_t>(place)];
    const int kind = sqlite3_column_type(at, place);
    const auto no = [&](const char* why) { return unfit(at, column, place, row, why); };
    if (kind == SQLITE_NULL) return done(duckdb_append_null(appender_));
    switch (column.type) {
      case Type::kBigint:
        if (kind != SQLITE_INTEGER) return no("is no");
        return done(duckdb_append_int64(appender_, sqlite3_column_int64(at, place)));
      case Type::kBoolean: {
        const sqlite3_int64 value = sqlite3_column_int64(at, place);
        if (kind != SQLITE_INTEGER || value < 0 || value > 1) return no("is no");
        return done(duckdb_append_bool(appender_, value == 1));
      }
      case Type::kDouble: {
        if (kind == SQLITE_FLOAT) return done(duckdb_append_double(appender_, sqlite3_column_double(at, place)));
        const sqlite3_int64 value = kind == SQLITE_INTEGER ? sqlite3_column_int64(at, place) : 0;
        if (kind != SQLITE_INTEGER) return no("is no");
        if (value > kExactInDouble || value < -kExactInDouble) return no("would be rounded to");
        return done(duckdb_append_double(appender_, static_cast<double>(value)));
      }
      case Type::kBlob:
        if (kind != SQLITE_BLOB) return no("is no");
        return done(duckdb_append_blob(appender_, sqlite3_column_blob(at, place),
                                       static_cast<idx_t>(sqlite3_column_bytes(at, place))));
      default: {
        if (kind != SQLITE_TEXT) return no("is no");
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(at, place));
        const std::string_view value(text, static_cast<size_t>(sqlite3_column_bytes(at, place)));
        if (!is_valid_utf8(value)) return no("is not UTF-8 and therefore no");
        return done(duckdb_append_varchar_length(appender_, value.data(), value.size()));
      }
    }
  }

  Status done(duckdb_state state) { return state == DuckDBError ? Status(sql::appender_error(appender_)) : Status(); }

  StepContext& step_;
  Statement& statement_;
  const std::vector<Column>& columns_;
  duckdb_appender appender_ = nullptr;
  bool exists_ = false, is_complete_ = false;
};

}  // namespace

Status settle_types(StepContext& step, Statement& statement, std::vector<Column>& columns, uint64_t limit) {
  std::vector<int> open;
  for (size_t i = 0; i < columns.size(); ++i)
    if (columns[i].is_by_values) open.push_back(static_cast<int>(i));
  if (open.empty()) return {};
  for (uint64_t row = 0; row < limit; ++row) {
    OSIRIS_ASSIGN(const bool more, statement.step());
    if (!more) break;
    if (row % kRowsPerReport == 0 && step.is_cancelled()) return cancelled();
    for (const int place : open) {
      Column& column = columns[static_cast<size_t>(place)];
      if (!take_value(column, sqlite3_column_value(statement.handle(), place)))
        return unfit(statement.handle(), column, place, row, "is no");
    }
  }
  return statement.rewind();
}

Result<uint64_t> store_rows(StepContext& step, Statement& statement, const std::vector<Column>& columns,
                            uint64_t limit) {
  return Store(step, statement, columns).run(limit);
}

}  // namespace osiris::worker::sqlite_in
