#include "worker/drivers/preview/texts.h"

#include <algorithm>

#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris::worker::preview {

using sql::quote_identifier;

bool Column::has_range() const {
  static constexpr std::string_view kOrdered[] = {
      "TINYINT",  "SMALLINT", "INTEGER",  "BIGINT",  "HUGEINT", "UTINYINT", "USMALLINT",
      "UINTEGER", "UBIGINT",  "UHUGEINT", "FLOAT",   "DOUBLE",  "DECIMAL",  "BIGNUM",
      "VARCHAR",  "DATE",     "INTERVAL", "BOOLEAN", "UUID",    "TIME",     "TIMESTAMP"};
  if (type.ends_with("]")) return false;
  return std::any_of(std::begin(kOrdered), std::end(kOrdered), [&](std::string_view word) {
    if (!std::string_view(type).starts_with(word)) return false;
    const char next = type.size() > word.size() ? type[word.size()] : '\0';
    return next == '\0' || next == '(' || next == ' ' || next == '_';  // DECIMAL(9,2), TIME WITH TIME ZONE, TIME_NS
  });
}

Result<std::vector<Column>> columns_of(duckdb_connection connection, const std::string& input) {
  OSIRIS_ASSIGN(auto rows, sql::run_query(connection, "DESCRIBE SELECT * FROM " + quote_identifier(input)));
  std::vector<Column> columns;
  for (idx_t row = 0; row < rows.rows(); ++row) columns.push_back({rows.text(0, row), rows.text(1, row)});
  return columns;
}

// One character more than is shown tells that there are more.
std::string text_of(const std::string& expression) {
  return "left(CAST(" + expression + " AS VARCHAR), " + std::to_string(kCellCharactersMax + 1) + ")";
}

std::string shown_text(std::string text) {
  if (text.size() <= kCellCharactersMax) return text;
  size_t characters = 0, at = 0;
  for (; at < text.size(); ++at)
    if (!continues_utf8(text[at]) && characters++ == kCellCharactersMax) break;
  if (at == text.size()) return text;
  text.resize(at);
  return text + "…";
}

namespace {

// Whole values: the engine's simpler calls end a text at its first NUL.
Json text_at(duckdb_vector values, idx_t at) {
  uint64_t* validity = duckdb_vector_get_validity(values);
  if (validity && !duckdb_validity_row_is_valid(validity, at)) return {};
  duckdb_string_t text = static_cast<duckdb_string_t*>(duckdb_vector_get_data(values))[at];
  return Json(shown_text(std::string(duckdb_string_t_data(&text), duckdb_string_t_length(text))));
}

}  // namespace

std::string row_of(const std::vector<std::string>& texts) { return "[" + join(texts, ", ") + "]"; }

Result<Json> rows_of_texts(duckdb_connection connection, const std::string& select) {
  OSIRIS_ASSIGN(auto result, sql::run_query(connection, select));
  Json rows = Json::array();
  while (duckdb_data_chunk chunk = duckdb_fetch_chunk(*result.get())) {
    duckdb_vector lists = duckdb_data_chunk_get_vector(chunk, 0), texts = duckdb_list_vector_get_child(lists);
    const auto* entries = static_cast<const duckdb_list_entry*>(duckdb_vector_get_data(lists));
    const idx_t count = duckdb_data_chunk_get_size(chunk);
    for (idx_t row = 0; row < count; ++row) {
      Json values = Json::array();
      for (uint64_t i = 0; i < entries[row].length; ++i) values.push_back(text_at(texts, entries[row].offset + i));
      rows.push_back(std::move(values));
    }
    duckdb_destroy_data_chunk(&chunk);
  }
  return rows;
}

uint64_t rows_wanted(const StepContext& step) { return std::min(step.config()["rows"].as_uint(), kRowsMax); }

Status write_document(StepContext& step, const Json& document) {
  const std::string& path = step.config()["path"].as_string();
  const OutputFile file{path, step.output_file(path).absolute};
  OSIRIS_TRY(write_file_atomically(file.target, document.dump() + "\n"));
  return step.add_output(file, 1);
}

}  // namespace osiris::worker::preview
