#include "worker/driver_api/file_columns.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "protocol/base/json.h"
#include "worker/driver_api/parquet_scans.h"

namespace osiris::worker {
namespace {

using sql::quote_identifier;
using sql::quote_literal;

constexpr char kTypesKey[] = "osiris_types", kCommentsKey[] = "osiris_comments";
constexpr char kTag[] = "union_tag";  // of a UNION kept as a struct: which member it is

std::string_view format_name(FileFormat format) {
  return format == FileFormat::kParquet ? "Parquet" : format == FileFormat::kCsv ? "CSV" : "NDJSON";
}

ColumnType decimal_38() {
  ColumnType type = ColumnType::plain(DUCKDB_TYPE_DECIMAL);
  type.width = 38;
  return type;
}

std::optional<ColumnType> in_parquet(const ColumnType& type, FileReader reader);

// `type` with children as Parquet holds them; nullopt when one cannot be held.
std::optional<ColumnType> with_children_in_parquet(ColumnType type, FileReader reader) {
  for (ColumnType& child : type.children) {
    auto held = child.id == DUCKDB_TYPE_UNION ? std::nullopt : in_parquet(child, reader);
    if (!held) return std::nullopt;
    child = *std::move(held);
  }
  return type;
}

std::optional<ColumnType> union_in_parquet(const ColumnType& type, FileReader reader) {
  if (std::find(type.names.begin(), type.names.end(), kTag) != type.names.end()) return std::nullopt;
  auto held = with_children_in_parquet(type, reader);
  if (!held) return std::nullopt;
  held->id = DUCKDB_TYPE_STRUCT;
  held->names.insert(held->names.begin(), kTag);
  held->children.insert(held->children.begin(), ColumnType::plain(DUCKDB_TYPE_VARCHAR));
  return held;
}

// What Parquet holds `type` as, a UNION inside other types left out.
std::optional<ColumnType> in_parquet(const ColumnType& type, FileReader reader) {
  switch (type.id) {
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UHUGEINT:
      return reader == FileReader::kScript ? decimal_38() : ColumnType::plain(DUCKDB_TYPE_VARCHAR);
    case DUCKDB_TYPE_BIGNUM:
    case DUCKDB_TYPE_TIME_TZ:
    case DUCKDB_TYPE_BIT:
    case DUCKDB_TYPE_ENUM:
    case DUCKDB_TYPE_INTERVAL:  // Parquet's has milliseconds and no negative ones
    case DUCKDB_TYPE_SQLNULL:   // of a column without rows: there are no values
      return ColumnType::plain(DUCKDB_TYPE_VARCHAR);
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
      return ColumnType::plain(DUCKDB_TYPE_TIMESTAMP);
    case DUCKDB_TYPE_ARRAY: {
      auto held = with_children_in_parquet(type, reader);
      if (!held) return std::nullopt;
      held->id = DUCKDB_TYPE_LIST;
      held->size = 0;
      return held;
    }
    case DUCKDB_TYPE_UNION:
      return union_in_parquet(type, reader);
    case DUCKDB_TYPE_LIST:
    case DUCKDB_TYPE_MAP:
    case DUCKDB_TYPE_STRUCT:
      return with_children_in_parquet(type, reader);
    default:
      return type.sql().empty() ? std::nullopt : std::optional(type);
  }
}

bool holds(const ColumnType& type, duckdb_type a, duckdb_type b) {
  return type.id == a || type.id == b ||
         std::any_of(type.children.begin(), type.children.end(),
                     [&](const ColumnType& child) { return holds(child, a, b); });
}

bool is_known(const ColumnType& type) {
  const bool is_nested = !type.children.empty();
  return is_nested ? std::all_of(type.children.begin(), type.children.end(), is_known)
                   : type.id == DUCKDB_TYPE_ENUM || !type.sql().empty();
}

std::optional<ColumnType> in_file(const ColumnType& type, FileFormat format, FileReader reader) {
  // A column of a CSV file without rows has no type; it has no values either.
  if (type.id == DUCKDB_TYPE_SQLNULL) return ColumnType::plain(DUCKDB_TYPE_VARCHAR);
  if (!is_known(type)) return std::nullopt;
  if (format == FileFormat::kCsv && holds(type, DUCKDB_TYPE_UNION, DUCKDB_TYPE_UNION)) return std::nullopt;
  if (format != FileFormat::kParquet)
    return holds(type, DUCKDB_TYPE_VARIANT, DUCKDB_TYPE_VARIANT) ? std::nullopt : std::optional(type);
  auto held = in_parquet(type, reader);
  // A struct without names for its members cannot be cast.
  if (held && !(*held == type) && (held->sql().empty() || type.sql().empty())) return std::nullopt;
  return held;
}

Error cannot_hold(const FileColumn& column, FileFormat format, const std::string& why) {
  const std::string type = column.type.sql();
  return Error(Code::kStepFailed,
               "column '" + column.name + "' (" + (type.empty() ? "a type without a name" : type) +
                   ") cannot be kept in " + std::string(format_name(format)) + why,
               "cast it to another type in a step before, or choose another format");
}

std::string union_as_struct(const std::string& value, const FileColumn& column) {
  std::string parts = quote_identifier(kTag) + " := CAST(union_tag(" + value + ") AS VARCHAR)";
  for (size_t i = 0; i < column.type.names.size(); ++i)
    parts += ", " + quote_identifier(column.type.names[i]) + " := CAST(union_extract(" + value + ", " +
             quote_literal(column.type.names[i]) + ") AS " + column.in_file.children[i + 1].sql() + ")";
  return "CASE WHEN union_tag(" + value + ") IS NULL THEN NULL ELSE struct_pack(" + parts + ") END";
}

std::string written(const FileColumn& column) {
  const std::string name = quote_identifier(column.name);
  if (!column.is_kept_otherwise()) return name;
  const std::string value = column.type.id == DUCKDB_TYPE_UNION ? union_as_struct(name, column)
                                                                : "CAST(" + name + " AS " + column.in_file.sql() + ")";
  return value + " AS " + name;
}

std::string copy_options(const std::vector<FileColumn>& columns, FileFormat format) {
  if (format == FileFormat::kCsv) return "FORMAT csv, HEADER true";
  if (format == FileFormat::kNdjson) return "FORMAT json";
  std::string notes;
  for (const auto& [key, text] : parquet_notes(columns))
    notes += (notes.empty() ? "" : ", ") + (key + (": " + quote_literal(text)));
  return "FORMAT parquet" + (notes.empty() ? "" : ", KV_METADATA {" + notes + "}");
}

// After a failure: the column whose values cannot be kept, if it is one.
std::optional<Error> column_at_fault(duckdb_connection connection, const std::string& source,
                                     const std::vector<FileColumn>& columns, FileFormat format) {
  for (const FileColumn& column : columns) {
    if (!column.is_kept_otherwise()) continue;
    const std::string name = quote_identifier(column.name);
    const auto tried = sql::run_query(connection, "SELECT count(" + name + ") FROM (SELECT " + written(column) +
                                                      " FROM " + source + ") WHERE " + name + " IS NOT NULL");
    if (!tried.ok() && tried.error().code == Code::kStepFailed)
      return cannot_hold(column, format, " as " + column.in_file.sql() + ": a value does not fit");
  }
  return std::nullopt;
}

std::string struct_as_union(const std::string& value, const ColumnType& type) {
  std::string text = "CASE struct_extract(" + value + ", " + quote_literal(kTag) + ")";
  for (size_t i = 0; i < type.names.size(); ++i)
    text += " WHEN " + quote_literal(type.names[i]) + " THEN CAST(union_value(" + quote_identifier(type.names[i]) +
            " := CAST(struct_extract(" + value + ", " + quote_literal(type.names[i]) + ") AS " +
            type.children[i].sql() + ")) AS " + type.sql() + ")";
  return text + " END";
}

// Directories called "key=value" above the file are none of its columns.
std::string parquet_source(const std::string& file) { return "read_parquet(" + file + ", hive_partitioning = false)"; }

// What a file's metadata says of its columns, by name. A file without ours, or with another program's, says nothing.
Result<Json> notes_of_file(duckdb_connection connection, const std::string& file, const char* key) {
  OSIRIS_ASSIGN(sql::QueryResult found,
                sql::run_query(connection, "SELECT TRY(decode(value)) FROM parquet_kv_metadata(" + file +
                                               ") WHERE key = CAST(" + quote_literal(key) + " AS BLOB)"));
  if (found.rows() == 0) return Json::object();
  auto notes = parse_json(found.text());
  return notes.ok() ? *std::move(notes) : Json::object();
}

// What a result does not show: comments, and columns without a type, which a SELECT makes INTEGER of.
Status look_into_catalog(duckdb_connection connection, const sql::TableName& table, std::vector<FileColumn>& columns) {
  OSIRIS_ASSIGN(sql::QueryResult found,
                sql::run_query(connection,
                               "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE database_name = " +
                                   quote_literal(table.catalog) + " AND schema_name = " + quote_literal(table.schema) +
                                   " AND table_name = " + quote_literal(table.table)));
  const ColumnType untyped = ColumnType::plain(DUCKDB_TYPE_SQLNULL);
  std::unordered_map<std::string_view, FileColumn*> by_name;
  for (FileColumn& column : columns) by_name.emplace(column.name, &column);
  for (idx_t row = 0; row < found.rows(); ++row) {
    const auto column = by_name.find(found.text(0, row));
    if (column == by_name.end()) continue;
    if (found.text(1, row) == untyped.sql()) column->second->type = untyped;
    column->second->comment = found.text(2, row);
  }
  return {};
}

// With the types that the file holds.
Result<std::vector<FileColumn>> held_in_file(std::vector<FileColumn> columns, FileFormat format, FileReader reader) {
  for (FileColumn& column : columns) {
    auto held = in_file(column.type, format, reader);
    if (!held) return cannot_hold(column, format, "");
    column.in_file = *std::move(held);
  }
  return columns;
}

// `value_of` gives what stands for each column.
std::string json_select_of(const std::string& source, const std::vector<FileColumn>& columns,
                           const std::function<std::string(const FileColumn&)>& value_of) {
  std::string list;
  for (const FileColumn& column : columns) {
    const std::string value = value_of(column);
    list += (list.empty() ? "" : ", ") + quote_identifier(column.name) +
            " := " + (column.is_kept_otherwise() ? "CAST(" + value + " AS " + column.in_file.sql() + ")" : value);
  }
  return "SELECT CAST(to_json(struct_pack(" + list + ")) AS VARCHAR) FROM " + source;
}

}  // namespace

// DuckDB writes them all the same.
Status check_json_numbers(duckdb_connection connection, const std::string& source,
                          const std::vector<FileColumn>& columns) {
  std::string looks;
  std::vector<const FileColumn*> looked_at;
  for (const FileColumn& column : columns) {
    if (!holds(column.type, DUCKDB_TYPE_FLOAT, DUCKDB_TYPE_DOUBLE)) continue;
    const std::string name = quote_identifier(column.name);
    const std::string is_odd = column.type.children.empty()
                                   ? "NOT isfinite(" + name + ")"
                                   : "regexp_matches(regexp_replace(CAST(to_json(" + name +
                                         ") AS VARCHAR), '\"([^\"\\\\]|\\\\.)*\"', '', 'g'), 'NaN|Inf')";
    looks += (looks.empty() ? "" : ", ") + ("coalesce(bool_or(" + is_odd + "), false)::INTEGER");
    looked_at.push_back(&column);
  }
  if (looked_at.empty()) return {};
  OSIRIS_ASSIGN(sql::QueryResult found, sql::run_query(connection, "SELECT " + looks + " FROM " + source));
  for (size_t i = 0; i < looked_at.size(); ++i)
    if (found.integer(i) != 0)
      return cannot_hold(*looked_at[i], FileFormat::kNdjson,
                         ": it holds NaN or infinity, which JSON has no number for");
  return {};
}

std::string json_select(const std::string& source, const std::vector<FileColumn>& columns) {
  return json_select_of(source, columns, [](const FileColumn& column) { return quote_identifier(column.name); });
}

Result<std::string> checking_json_select(const std::string& source, const std::vector<FileColumn>& columns) {
  const auto has_floats = [](const ColumnType& type) { return holds(type, DUCKDB_TYPE_FLOAT, DUCKDB_TYPE_DOUBLE); };
  for (const FileColumn& column : columns)
    if (has_floats(column.type) && !column.type.children.empty())
      return Error(Code::kUnsupported, "the numbers in column '" + column.name + "' are looked at first");
  return json_select_of(source, columns, [&](const FileColumn& column) {
    const std::string name = quote_identifier(column.name);
    if (!has_floats(column.type)) return name;
    return "CASE WHEN isfinite(" + name + ") OR " + name + " IS NULL THEN " + name +
           " ELSE error('osiris: a number that JSON does not have') END";
  });
}

bool is_untyped(const ColumnType& type) { return holds(type, DUCKDB_TYPE_SQLNULL, DUCKDB_TYPE_SQLNULL); }

// By preparing a statement: it shall not run.
Result<std::vector<FileColumn>> described(duckdb_connection connection, const std::string& select) {
  duckdb_prepared_statement head = nullptr;
  const std::string text = "SELECT * FROM (" + select + ")";
  std::vector<FileColumn> columns;
  Status prepared;
  if (duckdb_prepare(connection, text.c_str(), &head) == DuckDBError)
    prepared = Error(Code::kStepFailed, duckdb_prepare_error(head));
  for (idx_t i = 0; prepared.ok() && i < duckdb_prepared_statement_column_count(head); ++i) {
    duckdb_logical_type logical = duckdb_prepared_statement_column_logical_type(head, i);
    const char* name = duckdb_prepared_statement_column_name(head, i);
    const ColumnType type = ColumnType::of(logical);
    columns.push_back({name, type, type, {}});
    duckdb_free(const_cast<char*>(name));
    duckdb_destroy_logical_type(&logical);
  }
  duckdb_destroy_prepare(&head);
  if (!prepared.ok()) return prepared.error();
  return columns;
}

Result<std::vector<FileColumn>> file_columns(duckdb_connection connection, const sql::TableName& table,
                                             FileFormat format, FileReader reader) {
  OSIRIS_ASSIGN(std::vector<FileColumn> columns, described(connection, "SELECT * FROM " + table.quoted()));
  OSIRIS_TRY(look_into_catalog(connection, table, columns));
  return held_in_file(std::move(columns), format, reader);
}

Result<std::vector<FileColumn>> input_columns(duckdb_connection connection, const Input& input, FileFormat format,
                                              FileReader reader) {
  if (!input.is_streamed) return file_columns(connection, {"temp", "main", input.name}, format, reader);
  OSIRIS_ASSIGN(std::vector<FileColumn> columns,
                described(connection, "SELECT * FROM " + quote_identifier(input.name)));
  return held_in_file(std::move(columns), format, reader);
}

std::vector<std::pair<std::string, std::string>> parquet_notes(const std::vector<FileColumn>& columns) {
  Json types = Json::object(), comments = Json::object();
  for (const FileColumn& column : columns) {
    if (column.is_kept_otherwise()) types.set(column.name, column.type.to_json());
    if (!column.comment.empty()) comments.set(column.name, column.comment);
  }
  std::vector<std::pair<std::string, std::string>> notes;
  if (types.size() > 0) notes.emplace_back(kTypesKey, types.dump());
  if (comments.size() > 0) notes.emplace_back(kCommentsKey, comments.dump());
  return notes;
}

std::string written_list(const std::vector<FileColumn>& columns) {
  std::string list;
  for (const FileColumn& column : columns) list += (list.empty() ? "" : ", ") + written(column);
  return list;
}

std::string copy_statement(const std::string& source, const std::vector<FileColumn>& columns, FileFormat format,
                           const std::string& file, const std::string& options) {
  return "COPY (SELECT " + written_list(columns) + " FROM " + source + ") TO " + quote_literal(file) + " (" +
         copy_options(columns, format) + options + ")";
}

Error copy_error(duckdb_connection connection, const std::string& source, const std::vector<FileColumn>& columns,
                 FileFormat format, const Error& error) {
  if (error.code != Code::kStepFailed) return error;
  if (error.message.find("page size out of range") != std::string::npos)  // called an error of the engine's own
    return Error(Code::kStepFailed, "a value has 2 GiB or more, or about as much, and a page of Parquet holds less",
                 "divide it in the step before, or write another kind of file");
  const auto at_fault = column_at_fault(connection, source, columns, format);
  return at_fault ? *at_fault : error;
}

Status write_file(duckdb_connection connection, const std::string& source, const std::vector<FileColumn>& columns,
                  FileFormat format, const std::string& file, const std::string& options) {
  if (format == FileFormat::kNdjson) OSIRIS_TRY(check_json_numbers(connection, source, columns));
  const Status copied = sql::execute(connection, copy_statement(source, columns, format, file, options));
  return copied.ok() ? copied : Status(copy_error(connection, source, columns, format, copied.error()));
}

std::string read_expression(const std::string& column, const ColumnType& in_file, const ColumnType& type,
                            FileReader reader) {
  const std::string name = quote_identifier(column);
  if (type == in_file) return name;
  if (type.id == DUCKDB_TYPE_UNION && in_parquet(type, reader) == in_file)
    return struct_as_union(name, type) + " AS " + name;
  return "CAST(" + name + " AS " + type.sql() + ") AS " + name;
}

Result<std::vector<FileColumn>> parquet_columns(duckdb_connection connection, const std::string& file,
                                                FileReader reader) {
  OSIRIS_ASSIGN(std::vector<FileColumn> columns, described(connection, "SELECT * FROM " + parquet_source(file)));
  OSIRIS_ASSIGN(const Json types, notes_of_file(connection, file, kTypesKey));
  OSIRIS_ASSIGN(const Json comments, notes_of_file(connection, file, kCommentsKey));
  for (FileColumn& column : columns) {
    // Only a column that is still what it was written as.
    if (auto was = ColumnType::from_json(types[column.name]); was && in_parquet(*was, reader) == column.in_file)
      column.type = *std::move(was);
    column.comment = comments[column.name].as_string();
  }
  return columns;
}

Result<ParquetRows> parquet_rows(duckdb_connection connection, const std::string& file, FileReader reader) {
  const std::string source = parquet_source(file);
  ParquetRows rows;
  OSIRIS_ASSIGN(rows.columns, parquet_columns(connection, file, reader));
  rows.select = select_in_scans(rows.columns, source, reader);
  OSIRIS_ASSIGN(sql::QueryResult counted, sql::run_query(connection, "SELECT count(*) FROM " + source));
  rows.rows = static_cast<uint64_t>(counted.integer());
  return rows;
}

Result<uint64_t> create_from_parquet(duckdb_connection connection, const sql::TableName& table, const std::string& file,
                                     FileReader reader) {
  OSIRIS_ASSIGN(const ParquetRows from, parquet_rows(connection, file, reader));
  const bool has_untyped = std::any_of(from.columns.begin(), from.columns.end(),
                                       [](const FileColumn& column) { return is_untyped(column.type); });
  OSIRIS_TRY(has_untyped && from.rows == 0
                 ? create_empty(connection, table, from.columns)
                 : sql::execute(connection, "CREATE TABLE " + table.quoted() + " AS " + from.select));
  OSIRIS_TRY(keep_comments(connection, table, file));
  return from.rows;
}

Status keep_comments(duckdb_connection connection, const sql::TableName& table, const std::string& file) {
  OSIRIS_ASSIGN(const Json comments, notes_of_file(connection, file, kCommentsKey));
  if (comments.size() == 0) return {};
  OSIRIS_ASSIGN(const std::vector<FileColumn> columns, described(connection, "SELECT * FROM " + table.quoted()));
  for (FileColumn column : columns) {
    column.comment = comments[column.name].as_string();
    OSIRIS_TRY(set_comment(connection, table, column));
  }
  return {};
}

}  // namespace osiris::worker
