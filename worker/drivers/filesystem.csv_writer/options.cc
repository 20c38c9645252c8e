#include "worker/drivers/filesystem.csv_writer/options.h"

#include <algorithm>

#include "worker/drivers/csv/format.h"
#include "worker/drivers/remote/outputs.h"

namespace osiris::worker::csv_out {
namespace {

Error wrong(std::string message) { return Error(Code::kInvalidArgument, std::move(message)); }

Status read_choices(const Json& config, Options& options) {
  options.encoding_name = config["encoding"].as_string_or("utf-8");
  OSIRIS_ASSIGN(options.encoding, csv_format::named_encoding(options.encoding_name));

  const std::string newline = config["newline"].as_string_or("lf");
  if (newline == "crlf") {
    options.line_end = "\r\n";
  } else if (newline == "cr") {
    options.line_end = "\r";
  } else if (newline != "lf") {
    return wrong("'newline' must be lf, crlf or cr, not '" + newline + "'");
  }

  const std::string quoting = config["quoting"].as_string_or("minimal");
  if (quoting == "all") {
    options.quoting = Quoting::kAll;
  } else if (quoting == "nonnumeric") {
    options.quoting = Quoting::kNonNumeric;
  } else if (quoting != "minimal") {
    return wrong("'quoting' must be minimal, all or nonnumeric, not '" + quoting + "'");
  }

  OSIRIS_ASSIGN(const auto named, files::read_compression(config));
  if (named) {
    options.compression = *named;
  } else {
    if (const auto other = files::suffix_of_another_kind(options.file.path, {".csv", ".tsv"}); !other.empty())
      return Error(
          Code::kInvalidArgument, "'path' ends in " + std::string(other) + ", and this component writes CSV text",
          "end it in .csv, or in .csv.gz, .bz2, .xz, .zip or .zst; compression: none writes text under any name");
    options.compression = files::infer_compression(options.file.path);
  }
  return {};
}

Status read_columns(const Json& config, Options& options) {
  const std::string order = config["column_order"].as_string_or("name");
  if (order == "query") {
    options.column_order = ColumnOrder::kQuery;
  } else if (order != "name") {
    return wrong("'column_order' must be name or query, not '" + order + "'");
  }
  if (config["columns"].is_null()) return {};
  if (config.contains("column_order")) return wrong("'columns' gives the order itself: leave 'column_order' out");
  for (const Json& column : config["columns"].items()) {
    if (std::find(options.columns.begin(), options.columns.end(), column.as_string()) != options.columns.end())
      return wrong("'columns' names column '" + column.as_string() + "' twice");
    options.columns.push_back(column.as_string());
  }
  if (options.columns.empty()) return wrong("'columns' must be a list of names");
  return {};
}

Status read_characters(const Json& config, Options& options) {
  using csv_format::single_character;
  if (config.contains("delimiter")) {
    OSIRIS_ASSIGN(options.delimiter, single_character(config["delimiter"], "delimiter"));
  }
  if (config.contains("quotechar")) {
    OSIRIS_ASSIGN(options.quote, single_character(config["quotechar"], "quotechar", true));
  }
  if (!config["escapechar"].is_null()) {
    OSIRIS_ASSIGN(options.escape, single_character(config["escapechar"], "escapechar"));
  }
  if (config.contains("decimal")) {
    OSIRIS_ASSIGN(options.decimal, single_character(config["decimal"], "decimal"));
  }
  OSIRIS_TRY(csv_format::check_distinct(
      {{"escapechar", options.escape}, {"quotechar", options.quote}, {"delimiter", options.delimiter}}));
  return csv_format::check_distinct(
      {{"escapechar", options.escape}, {"quotechar", options.quote}, {"decimal", options.decimal}});
}

}  // namespace

Result<Options> read_options(const StepContext& step) {
  const Json& config = step.config();
  Options options;
  const std::string path = config["path"].as_string();
  if (path.empty()) return wrong("Step " + step.step_id() + ": 'path' is required in config");
  OSIRIS_ASSIGN(options.file, remote::output_file(step, path));
  OSIRIS_TRY(read_choices(config, options));

  OSIRIS_TRY(read_columns(config, options));
  OSIRIS_TRY(read_characters(config, options));
  options.header = config["header"].as_bool(true);
  options.create_dirs = config["create_dirs"].as_bool(true);
  options.chunk_size = config["chunk_size"].as_uint(options.chunk_size);
  if (options.chunk_size == 0) return wrong("'chunk_size' must be at least 1");
  return options;
}

}  // namespace osiris::worker::csv_out
