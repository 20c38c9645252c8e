#include "worker/drivers/sqlite.extractor/relation.h"

#include "protocol/base/categories.h"
#include "protocol/base/utf8.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker::sqlite_in {
namespace {

constexpr uint64_t kRowsPerLook = 10'000;
constexpr size_t kChunkBytes = size_t{4} << 20;  // of texts: few rows of large ones make a chunk
constexpr size_t kShownBytes = 60;
constexpr sqlite3_int64 kExactInDouble = sqlite3_int64{1} << 53;

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

duckdb_type type_of(Type type) {
  switch (type) {
    case Type::kBigint:
      return DUCKDB_TYPE_BIGINT;
    case Type::kDouble:
      return DUCKDB_TYPE_DOUBLE;
    case Type::kBoolean:
      return DUCKDB_TYPE_BOOLEAN;
    case Type::kBlob:
      return DUCKDB_TYPE_BLOB;
    default:
      return DUCKDB_TYPE_VARCHAR;
  }
}

// Of the step's output; destroyed without close(), it takes the table away.
class Output {
 public:
  explicit Output(StepContext& step) : step_(step) {}
  ~Output() {
    if (appender_) duckdb_appender_destroy(&appender_);
    if (exists_ && !is_complete_)
      (void)sql::execute(step_.connection_handle(), "DROP TABLE IF EXISTS " + step_.output_table().quoted());
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  Status create(const std::vector<Column>& columns) {
    std::string list;
    for (const Column& column : columns)
      list +=
          (list.empty() ? "" : ", ") + sql::quote_identifier(column.name) + " " + std::string(type_name(column.type));
    const sql::TableName& table = step_.output_table();
    OSIRIS_TRY(sql::execute(step_.connection_handle(), "CREATE TABLE " + table.quoted() + " (" + list + ")"));
    exists_ = true;
    return done(duckdb_appender_create_ext(step_.connection_handle(), table.catalog.c_str(), table.schema.c_str(),
                                           table.table.c_str(), &appender_));
  }
  Status append(duckdb_data_chunk chunk) { return done(duckdb_append_data_chunk(appender_, chunk)); }
  Status close() {
    OSIRIS_TRY(done(duckdb_appender_close(appender_)));
    is_complete_ = true;
    return {};
  }

 private:
  Status done(duckdb_state state) { return state == DuckDBError ? Status(sql::appender_error(appender_)) : Status(); }

  StepContext& step_;
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
    if (row % kRowsPerLook == 0 && step.is_cancelled()) return step_cancelled();
    for (const int place : open) {
      Column& column = columns[static_cast<size_t>(place)];
      if (!take_value(column, sqlite3_column_value(statement.handle(), place)))
        return unfit(statement.handle(), column, place, row, "is no");
    }
  }
  return statement.rewind();
}

Rows::Rows(StepContext& step, Statement& statement, const std::vector<Column>& columns, uint64_t limit)
    : step_(step), statement_(statement), columns_(columns), limit_(limit), slots_(columns.size()) {
  std::vector<duckdb_logical_type> types;
  for (const Column& column : columns) types.push_back(duckdb_create_logical_type(type_of(column.type)));
  chunk_ = duckdb_create_data_chunk(types.data(), types.size());
  for (duckdb_logical_type& type : types) duckdb_destroy_logical_type(&type);
}

Rows::~Rows() { duckdb_destroy_data_chunk(&chunk_); }

Result<duckdb_data_chunk> Rows::next() {
  if (step_.is_cancelled()) return step_cancelled();
  const Result<idx_t> rows = fill();
  if (!rows.ok()) {
    if (rows.error().code != Code::kCancelled) failure_ = rows.error();
    return rows.error();
  }
  rows_ += *rows;
  step_.progress(rows_);
  is_complete_ = *rows == 0;
  return *rows == 0 ? nullptr : chunk_;
}

Result<idx_t> Rows::fill() {
  if (has_ended_) return idx_t{0};  // one more step would begin again
  duckdb_data_chunk_reset(chunk_);
  for (size_t i = 0; i < slots_.size(); ++i) {
    slots_[i].vector = duckdb_data_chunk_get_vector(chunk_, i);
    slots_[i].data = duckdb_vector_get_data(slots_[i].vector);
  }
  bytes_ = 0;
  idx_t row = 0;
  for (; row < duckdb_vector_size() && bytes_ < kChunkBytes && rows_ + row < limit_; ++row) {
    OSIRIS_ASSIGN(const bool more, statement_.step());
    has_ended_ = !more;
    if (!more) break;
    for (size_t i = 0; i < columns_.size(); ++i) OSIRIS_TRY(put(static_cast<int>(i), row));
  }
  duckdb_data_chunk_set_size(chunk_, row);
  return row;
}

Status Rows::put(int place, idx_t at) {
  sqlite3_stmt* const row = statement_.handle();
  const int kind = sqlite3_column_type(row, place);
  const auto no = [&](const char* why) {
    return unfit(statement_.handle(), columns_[static_cast<size_t>(place)], place, rows_ + at, why);
  };
  if (kind == SQLITE_NULL) {
    duckdb_vector vector = slots_[static_cast<size_t>(place)].vector;
    duckdb_vector_ensure_validity_writable(vector);
    duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vector), at);
    return {};
  }
  switch (columns_[static_cast<size_t>(place)].type) {
    case Type::kBigint:
      if (kind != SQLITE_INTEGER) return no("is no");
      return put_value<int64_t>(place, at, sqlite3_column_int64(row, place));
    case Type::kBoolean: {
      const sqlite3_int64 value = sqlite3_column_int64(row, place);
      if (kind != SQLITE_INTEGER || value < 0 || value > 1) return no("is no");
      return put_value<bool>(place, at, value == 1);
    }
    case Type::kDouble: {
      if (kind == SQLITE_FLOAT) return put_value<double>(place, at, sqlite3_column_double(row, place));
      const sqlite3_int64 value = kind == SQLITE_INTEGER ? sqlite3_column_int64(row, place) : 0;
      if (kind != SQLITE_INTEGER) return no("is no");
      if (value > kExactInDouble || value < -kExactInDouble) return no("would be rounded to");
      return put_value<double>(place, at, static_cast<double>(value));
    }
    case Type::kBlob:
      if (kind != SQLITE_BLOB) return no("is no");
      put_bytes(place, at, sqlite3_column_blob(row, place));
      return {};
    default: {
      if (kind != SQLITE_TEXT) return no("is no");
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(row, place));
      if (!is_valid_utf8({text, static_cast<size_t>(sqlite3_column_bytes(row, place))}))
        return no("is not UTF-8 and therefore no");
      put_bytes(place, at, text);
      return {};
    }
  }
}

// After the bytes were asked for: SQLite may convert them, and counts them then. An empty BLOB has no address.
void Rows::put_bytes(int place, idx_t at, const void* bytes) {
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_.handle(), place));
  duckdb_unsafe_vector_assign_string_element_len(slots_[static_cast<size_t>(place)].vector, at,
                                                 bytes ? static_cast<const char*>(bytes) : "", size);
  bytes_ += size;
}

Status store_rows(StepContext& step, Rows& rows, const std::vector<Column>& columns) {
  Output output(step);
  OSIRIS_TRY(output.create(columns));
  for (;;) {
    OSIRIS_ASSIGN(const duckdb_data_chunk chunk, rows.next());
    if (!chunk) return output.close();
    OSIRIS_TRY(output.append(chunk));
  }
}

}  // namespace osiris::worker::sqlite_in
