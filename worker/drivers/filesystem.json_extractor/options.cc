#include "worker/drivers/filesystem.json_extractor/options.h"

#include <optional>
#include <regex>

#include "protocol/base/text.h"
#include "worker/drivers/files/json_format.h"
#include "worker/drivers/files/path_columns.h"
#include "worker/drivers/remote/inputs.h"

namespace osiris::worker::json_in {
namespace {

Error wrong(std::string message, std::string hint = {}) {
  return Error(Code::kInvalidArgument, std::move(message), std::move(hint));
}

// What becomes SQL is checked here too: a plan may come from anywhere.
bool is_type(const std::string& text) {
  static const std::regex known(
      "BOOLEAN|(TINY|SMALL|BIG|HUGE)INT|INTEGER|U(TINY|SMALL|BIG|HUGE)INT|UINTEGER|FLOAT|DOUBLE|"
      "DECIMAL\\([1-9][0-9]?, ?[0-9][0-9]?\\)|VARCHAR|DATE|TIME|TIMESTAMP|TIMESTAMPTZ|UUID|JSON");
  return std::regex_match(text, known);
}

// What the path of a file tells, as members of each of its records. A date is a text, as dates of JSON are.
std::string members_of(const std::vector<files::PathColumn>& columns, size_t file) {
  std::string members;
  for (const files::PathColumn& column : columns) {
    const std::optional<std::string>& value = column.values[file];
    members += (members.empty() ? "" : ",") + Json(column.name).dump() + ":" +
               (!value                    ? "null"
                : column.type == "BIGINT" ? *value
                                          : Json(*value).dump());
  }
  return members;
}

}  // namespace

Result<std::vector<std::pair<std::string, std::string>>> declared_types(StepContext& step) {
  std::vector<std::pair<std::string, std::string>> columns;
  for (const auto& [name, type] : step.config()["columns"].members()) {
    if (name.empty()) return wrong("'columns' has a column without a name");
    if (!is_type(type.as_string()))
      return wrong("'columns' gives '" + name + "' the type " + type.dump() + ", which is none",
                   "types are those of SQL: BIGINT, DOUBLE, DECIMAL(12,2), VARCHAR, TIMESTAMPTZ, JSON, …");
    for (const auto& [other, ignored] : columns)
      if (ascii_lower(other) == ascii_lower(name))
        return wrong("'columns' names '" + other + "' and '" + name + "', which are one column in SQL");
    columns.emplace_back(name, type.as_string());
  }
  return columns;
}

Result<Options> read_options(StepContext& step) {
  const Json& config = step.config();
  Options options;
  OSIRIS_ASSIGN(const remote::Inputs inputs,
                remote::input_files(step, config["path"].as_string(), "JSON", remote::Use::kBytes));
  const std::string format = config["format"].as_string();
  OSIRIS_ASSIGN(const auto named, files::read_compression(config));
  for (const MatchedFile& place : inputs.files) {
    const files::Compression by_suffix = files::infer_compression(place.path);
    SourceFile file{place, named.value_or(by_suffix), false, {}};
    OSIRIS_ASSIGN(file.is_lines, files::is_json_lines(format, place.path));
    options.files.push_back(std::move(file));
  }
  std::optional<bool> by_paths;
  if (!config["hive_partitioning"].is_null()) by_paths = config["hive_partitioning"].as_bool();
  OSIRIS_ASSIGN(const std::vector<files::PathColumn> of_paths, files::find_path_columns(inputs.files, by_paths));
  for (size_t i = 0; i < options.files.size(); ++i) options.files[i].members = members_of(of_paths, i);
  OSIRIS_ASSIGN(options.columns, declared_types(step));
  if (!config["limit"].is_null()) {
    options.limit = config["limit"].as_uint(0);
    if (options.limit < 1) return wrong("'limit' must be a whole number from 1, not " + config["limit"].dump());
  }
  return options;
}

}  // namespace osiris::worker::json_in
