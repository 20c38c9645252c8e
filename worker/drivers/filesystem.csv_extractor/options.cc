#include "worker/drivers/filesystem.csv_extractor/options.h"

#include "protocol/base/text.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/csv/format.h"
#include "worker/drivers/files/places.h"
#include "worker/drivers/filesystem.csv_extractor/settled_types.h"
#include "worker/drivers/remote/inputs.h"

namespace osiris::worker::csv {
namespace {

Error wrong(std::string message, std::string hint = {}) {
  return Error(Code::kInvalidArgument, std::move(message), std::move(hint));
}

std::string as_name(const Json& value) { return value.is_string() ? value.as_string() : value.dump(); }

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
  options.encoding_name = config["encoding"].as_string_or("utf-8");
  OSIRIS_ASSIGN(options.encoding, csv_format::named_encoding(options.encoding_name));

  OSIRIS_ASSIGN(const auto named, files::read_compression(config));
  options.compression = named.value_or(files::infer_compression(config["path"].as_string()));

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

Status read_characters(const Json& config, Options& options) {
  const auto read = [&](std::string_view key, char& character, bool may_quote = false) -> Status {
    if (config[key].is_null()) return {};
    OSIRIS_ASSIGN(character, csv_format::single_character(config[key], key, may_quote));
    return {};
  };
  OSIRIS_TRY(read("delimiter", options.delimiter));
  OSIRIS_TRY(read("comment", options.comment));
  OSIRIS_TRY(read("quotechar", options.quote, true));
  OSIRIS_TRY(read("escapechar", options.escape));
  OSIRIS_TRY(read("decimal", options.numbers.decimal));
  OSIRIS_TRY(read("thousands", options.numbers.thousands));
  OSIRIS_TRY(csv_format::check_distinct({{"comment", options.comment},
                                         {"escapechar", options.escape},
                                         {"quotechar", options.quote},
                                         {"delimiter", options.delimiter}}));
  return csv_format::check_distinct({{"thousands", options.numbers.thousands}, {"decimal", options.numbers.decimal}});
}

Status read_null_words(const Json& config, NullWords& nulls) {
  const bool replaces = config.contains("na_words");
  if (replaces && (config.contains("na_values") || config.contains("keep_default_na")))
    return wrong("'na_words' are all the words that mean NULL: leave 'na_values' and 'keep_default_na' out");
  if (!replaces && config["keep_default_na"].as_bool(true)) nulls.add_standard();
  for (const Json& word : config[replaces ? "na_words" : "na_values"].items()) nulls.add(as_name(word));
  return {};
}

}  // namespace

const SettledColumn* Options::settled_column(const std::string& name) const {
  const auto found = settled.find(ascii_lower(name));
  return found == settled.end() ? nullptr : &found->second;
}

Result<Options> read_options(StepContext& step) {
  OSIRIS_ASSIGN(Options options, read_settings(step));
  const std::string path = step.config()["path"].as_string();
  if (path.empty()) return wrong("Step " + step.step_id() + ": 'path' is required in config");
  if (remote::is_remote(path)) {
    OSIRIS_ASSIGN(const remote::Inputs inputs, remote::input_files(step, path, "CSV", remote::Use::kBytes));
    if (inputs.files.size() > 1)
      return wrong("'" + path + "' finds " + std::to_string(inputs.files.size()) +
                   " files, and this component reads one");
    options.file = inputs.files.front().absolute;
  } else if (const std::vector<MatchedFile> found = step.matched_files(path); !found.empty()) {
    OSIRIS_ASSIGN(const auto named, files::read_compression(step.config()));
    for (const MatchedFile& file : found)
      options.joined.push_back({file.path, file.absolute, named.value_or(files::infer_compression(file.path))});
    options.file = options.joined.front().absolute;
    options.compression = options.joined.front().compression;
  } else {
    options.file = files::input_file(step, path);
    OSIRIS_TRY(files::check_input(step, options.file, "CSV"));
  }
  return options;
}

Result<Options> read_settings(StepContext& step) {
  const Json& config = step.config();
  Options options;
  OSIRIS_TRY(read_choices(config, options));
  OSIRIS_TRY(read_characters(config, options));
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
  OSIRIS_TRY(read_null_words(config, options.nulls));
  options.skip_blank_lines = config["skip_blank_lines"].as_bool(true);
  options.chunk_size = config["chunk_size"].as_uint(options.chunk_size);
  if (options.chunk_size == 0) return wrong("'chunk_size' must be at least 1");
  if (step.shard()) take_settled(step.shard()->settled, options);
  return options;
}

}  // namespace osiris::worker::csv
