#include "worker/drivers/filesystem.csv_extractor/options.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/csv/format.h"

namespace osiris::worker::csv {
namespace {

Error wrong(std::string message, std::string hint = {}) {
  return Error(Code::kInvalidArgument, std::move(message), std::move(hint));
}

std::string as_name(const Json& value) { return value.is_string() ? value.as_string() : value.dump(); }

struct TypeName {
  const char* pandas;
  Kind kind;
  const char* sql;
};
constexpr TypeName kTypeNames[] = {
    {"int", Kind::kInteger, "BIGINT"},
    {"int64", Kind::kInteger, "BIGINT"},
    {"Int64", Kind::kInteger, "BIGINT"},
    {"int32", Kind::kInteger, "INTEGER"},
    {"Int32", Kind::kInteger, "INTEGER"},
    {"int16", Kind::kInteger, "SMALLINT"},
    {"Int16", Kind::kInteger, "SMALLINT"},
    {"int8", Kind::kInteger, "TINYINT"},
    {"Int8", Kind::kInteger, "TINYINT"},
    {"uint64", Kind::kUnsigned, "UBIGINT"},
    {"UInt64", Kind::kUnsigned, "UBIGINT"},
    {"uint32", Kind::kUnsigned, "UINTEGER"},
    {"UInt32", Kind::kUnsigned, "UINTEGER"},
    {"uint16", Kind::kUnsigned, "USMALLINT"},
    {"UInt16", Kind::kUnsigned, "USMALLINT"},
    {"uint8", Kind::kUnsigned, "UTINYINT"},
    {"UInt8", Kind::kUnsigned, "UTINYINT"},
    {"float", Kind::kDouble, "DOUBLE"},
    {"float64", Kind::kDouble, "DOUBLE"},
    {"Float64", Kind::kDouble, "DOUBLE"},
    {"double", Kind::kDouble, "DOUBLE"},
    {"float32", Kind::kDouble, "FLOAT"},
    {"Float32", Kind::kDouble, "FLOAT"},
    {"bool", Kind::kBoolean, "BOOLEAN"},
    {"boolean", Kind::kBoolean, "BOOLEAN"},
    {"str", Kind::kText, "VARCHAR"},
    {"string", Kind::kText, "VARCHAR"},
    {"object", Kind::kText, "VARCHAR"},
    {"category", Kind::kText, "VARCHAR"},
    {"datetime64", Kind::kText, "TIMESTAMP"},
    {"datetime64[ns]", Kind::kText, "TIMESTAMP"},
};

Result<ForcedType> forced_type(const std::string& column, const Json& name) {
  std::vector<std::string> known;
  for (const TypeName& type : kTypeNames) {
    if (name.is_string() && name.as_string() == type.pandas) return ForcedType{type.pandas, type.kind, type.sql};
    known.emplace_back(type.pandas);
  }
  const auto near = nearest(as_name(name), known);
  return wrong("dtype of column '" + column + "': '" + as_name(name) + "' is not a type",
               (near ? "did you mean '" + *near + "'? " : std::string()) + "known types: " + join(known, ", "));
}

// One ASCII character that is not part of CSV's own grammar.
Result<char> single_character(const Json& value, std::string_view key) {
  const std::string& text = value.as_string();
  if (text.size() != 1 || static_cast<unsigned char>(text[0]) >= 0x80 || text[0] == '"' || text[0] == '\n' ||
      text[0] == '\r' || text[0] == '\0')
    return wrong("'" + std::string(key) + "' must be one ASCII character other than a quote or a line end, not " +
                 value.dump());
  return text[0];
}

Status read_header(const Json& header, Options& options) {
  if (header.is_bool()) {
    if (!header.as_bool()) options.header_row.reset();
  } else if (header.is_int() && header.as_int(-1) >= 0) {
    options.header_row = header.as_uint();
  } else {
    return wrong("'header' must be true, false or the number of a row from 0, not " + header.dump());
  }
  return {};
}

Status read_dates(const Json& dates, Options& options) {
  if (dates.is_bool()) {
    options.parse_all_dates = dates.as_bool();
  } else if (dates.is_array()) {
    for (const Json& column : dates.items()) options.date_columns.push_back(as_name(column));
  } else {
    return wrong("'parse_dates' must be true, false or a list of columns, not " + dates.dump());
  }
  return {};
}

Status read_choices(const Json& config, Options& options) {
  const std::string encoding = config["encoding"].as_string_or("utf-8");
  const auto known = encoding_from_name(encoding);
  if (!known) return wrong("'encoding' must be utf-8, utf-16, ascii, latin-1 or iso-8859-1, not '" + encoding + "'");
  options.encoding = *known;
  options.encoding_name = encoding;

  const std::string compression = config["compression"].as_string_or("infer");
  if (compression == "infer") {
    options.compression = infer_compression(options.file);
  } else if (const auto named = compression_from_name(compression)) {
    options.compression = *named;
  } else {
    return wrong("'compression' must be infer, none, gzip, bz2, zip or xz, not '" + compression + "'");
  }

  const std::string bad_lines = config["on_bad_lines"].as_string_or("error");
  if (bad_lines == "warn") {
    options.on_bad_lines = OnBadLines::kWarn;
  } else if (bad_lines == "skip") {
    options.on_bad_lines = OnBadLines::kSkip;
  } else if (bad_lines != "error") {
    return wrong("'on_bad_lines' must be error, warn or skip, not '" + bad_lines + "'");
  }
  return {};
}

Status check_file(const StepContext& step, const std::filesystem::path& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  const std::string step_name = "Step " + step.step_id() + ": ";
  if (status.type() == std::filesystem::file_type::not_found)
    return Error(Code::kNotFound, step_name + "CSV file not found: " + file.string(),
                 "relative paths start in the directory the pipeline runs in (or in the connection's base_dir)",
                 category::kExtractNoData);
  if (status.type() != std::filesystem::file_type::regular && status.type() != std::filesystem::file_type::none)
    return wrong(step_name + "Path is not a file: " + file.string());
  if (access(file.c_str(), R_OK) != 0)
    return wrong(step_name + "CSV file cannot be read: " + file.string() + ": " + std::strerror(errno));
  return {};
}

}  // namespace

Result<Options> read_options(const StepContext& step) {
  const Json& config = step.config();
  Options options;
  const std::string path = config["path"].as_string();
  if (path.empty()) return wrong("Step " + step.step_id() + ": 'path' is required in config");
  options.file = csv_format::input_file(step, path);
  OSIRIS_TRY(check_file(step, options.file));
  OSIRIS_TRY(read_choices(config, options));

  if (config.contains("delimiter")) {
    OSIRIS_ASSIGN(options.delimiter, single_character(config["delimiter"], "delimiter"));
  }
  if (!config["comment"].is_null()) {
    OSIRIS_ASSIGN(options.comment, single_character(config["comment"], "comment"));
    if (options.comment == options.delimiter) return wrong("'comment' and 'delimiter' are the same character");
  }
  if (config.contains("header")) OSIRIS_TRY(read_header(config["header"], options));
  if (config["columns"].is_array()) {
    options.columns.emplace();
    for (const Json& column : config["columns"].items()) options.columns->push_back(as_name(column));
  }
  options.skip_rows = config["skip_rows"].as_uint(0);
  if (!config["limit"].is_null()) {
    options.limit = config["limit"].as_uint(0);
    if (options.limit < 1) return wrong("'limit' must be a whole number from 1, not " + config["limit"].dump());
  }
  if (config.contains("parse_dates")) OSIRIS_TRY(read_dates(config["parse_dates"], options));
  for (const auto& [column, name] : config["dtype"].members()) {
    OSIRIS_ASSIGN(ForcedType type, forced_type(column, name));
    options.dtypes.emplace_back(column, std::move(type));
  }
  for (const Json& word : config["na_values"].items()) options.nulls.add(as_name(word));
  options.skip_blank_lines = config["skip_blank_lines"].as_bool(true);
  options.chunk_size = config["chunk_size"].as_uint(options.chunk_size);
  if (options.chunk_size == 0) return wrong("'chunk_size' must be at least 1");
  return options;
}

}  // namespace osiris::worker::csv
