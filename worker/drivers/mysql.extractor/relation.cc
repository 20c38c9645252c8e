#include "worker/drivers/mysql.extractor/relation.h"

#include <vector>

#include "protocol/base/categories.h"

namespace osiris::worker::mysql {
namespace {

std::string quoted(const std::string& name) {
  std::string text = "\"";
  for (const char c : name) {
    if (c == '"') text += '"';
    text += c;
  }
  return text + "\"";
}

// The parts of a quoted, qualified name, without their quotes.
std::vector<std::string> name_parts(const std::string& name) {
  std::vector<std::string> parts(1);
  bool is_quoted = false;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '"') {
      const bool is_doubled = is_quoted && i + 1 < name.size() && name[i + 1] == '"';
      if (is_doubled) {
        parts.back() += name[i++];
      } else {
        is_quoted = !is_quoted;
      }
    } else if (name[i] == '.' && !is_quoted) {
      parts.emplace_back();
    } else {
      parts.back() += name[i];
    }
  }
  return parts;
}

Error engine_error(const std::string& text) {
  const bool is_full =
      text.find("Out of Memory") != std::string::npos || text.find("No space left") != std::string::npos;
  return Error(is_full ? Code::kExhausted : Code::kStepFailed,
               "MySQL execution failed: the rows could not be stored: " + text,
               is_full ? "give the run more memory or disk, or select fewer columns" : "",
               is_full ? category::kRuntimeMemoryExceeded : category::kSystemError);
}

}  // namespace

Relation::~Relation() {
  if (appender_) duckdb_appender_destroy(&appender_);
  if (exists_ && !is_complete_) (void)run("DROP TABLE IF EXISTS " + table_);
}

Status Relation::run(const std::string& sql) {
  duckdb_result result;
  const bool failed = duckdb_query(connection_, sql.c_str(), &result) == DuckDBError;
  const std::string text = failed && duckdb_result_error(&result) ? duckdb_result_error(&result) : "";
  duckdb_destroy_result(&result);
  if (failed) return engine_error(text);
  return {};
}

Error Relation::appender_error() {
  const char* text = duckdb_appender_error(appender_);
  return engine_error(text ? text : "the appender failed");
}

Status Relation::create(const Columns& columns) {
  std::string sql = "CREATE TABLE " + table_ + " (";
  for (size_t i = 0; i < columns.kept.size(); ++i) {
    const Column& column = columns.received[columns.kept[i]];
    sql += (i > 0 ? ", " : "") + quoted(column.name) + " " + column.type_name();
  }
  OSIRIS_TRY(run(sql + ")"));
  exists_ = true;

  const std::vector<std::string> parts = name_parts(table_);
  const char* const table = parts.back().c_str();
  const char* const schema = parts.size() > 1 ? parts[parts.size() - 2].c_str() : nullptr;
  const char* const catalog = parts.size() > 2 ? parts[parts.size() - 3].c_str() : nullptr;
  if (duckdb_appender_create_ext(connection_, catalog, schema, table, &appender_) == DuckDBError)
    return appender_error();
  return {};
}

Status Relation::append(Chunk& chunk) {
  if (duckdb_append_data_chunk(appender_, chunk.handle()) == DuckDBError) return appender_error();
  return {};
}

Status Relation::finish() {
  if (duckdb_appender_close(appender_) == DuckDBError) return appender_error();
  is_complete_ = true;
  return {};
}

}  // namespace osiris::worker::mysql
