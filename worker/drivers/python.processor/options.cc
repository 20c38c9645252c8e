#include "worker/drivers/python.processor/options.h"

#include <algorithm>
#include <cctype>
#include <regex>

#include "protocol/base/categories.h"

namespace osiris::worker::python {
namespace {

constexpr size_t kTypeBytesMax = 1000;

Error bad(std::string_view key, std::string_view why, std::string_view hint = {}) {
  return Error(Code::kInvalidArgument, "`" + std::string(key) + "` of the step's config " + std::string(why),
               std::string(hint), category::kConfigInvalid);
}

bool is_type(const std::string& text) {
  static const std::regex known(
      "((BOOLEAN|TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT|UTINYINT|USMALLINT|UINTEGER|UBIGINT|UHUGEINT|FLOAT|DOUBLE|"
      "DECIMAL\\([1-9][0-9]?, ?[0-9][0-9]?\\)|VARCHAR|BLOB|DATE|TIME|TIMESTAMP|TIMESTAMP_S|TIMESTAMP_MS|TIMESTAMP_NS|"
      "TIMESTAMPTZ|TIMETZ|TIME_NS|INTERVAL|UUID|JSON|BIT|BIGNUM)|"
      "ENUM\\('([^']|'')*'(, ?'([^']|'')*')*\\))(\\[[0-9]{0,4}\\])*");
  return text.size() <= kTypeBytesMax && std::regex_match(text, known);
}

Result<Format> read_format(const std::string& name) {
  for (const Format format : {Format::kParquet, Format::kCsv, Format::kNdjson})
    if (name == format_name(format)) return format;
  return bad("format", "is '" + name + "'", "It may be parquet, csv or ndjson.");
}

Result<std::vector<std::string>> read_texts(const Json& config, std::string_view key) {
  std::vector<std::string> texts;
  for (const Json& item : config[key].items()) {
    std::string text = item.is_string() ? item.as_string() : item.dump();
    if (text.find('\0') != std::string::npos) return bad(key, "holds a NUL byte");
    texts.push_back(std::move(text));
  }
  return texts;
}

}  // namespace

std::string_view format_name(Format format) {
  switch (format) {
    case Format::kCsv:
      return "csv";
    case Format::kNdjson:
      return "ndjson";
    case Format::kParquet:
      break;
  }
  return "parquet";
}

std::string_view file_suffix(Format format) {
  return format == Format::kCsv ? ".csv" : format == Format::kNdjson ? ".ndjson" : ".parquet";
}

Result<std::vector<std::string>> read_requirements(const Json& list) {
  std::vector<std::string> requirements;
  for (const Json& item : list.items()) {
    const std::string& text = item.as_string();
    if (text.empty() || !std::isalnum(static_cast<unsigned char>(text[0])) ||
        text.find_first_of(std::string("\r\n\0", 3)) != std::string::npos)
      return bad(
          "requirements", "holds '" + text.substr(0, 80) + "', which names no package",
          "Write what pip installs, one package an item: pandas==2.0.0. Options of pip go into PIP_* variables.");
    requirements.push_back(text);
  }
  std::sort(requirements.begin(), requirements.end());
  requirements.erase(std::unique(requirements.begin(), requirements.end()), requirements.end());
  return requirements;
}

Result<Options> read_options(const Json& config) {
  Options options;
  options.script = config["script"].as_string();
  options.code = config["code"].as_string();
  if (options.script.empty() == options.code.empty())
    return bad("script", options.script.empty() ? "is missing" : "and `code` exclude each other",
               "Name the script's file under `script`, or write it under `code`.");
  OSIRIS_ASSIGN(options.files, read_texts(config, "files"));
  OSIRIS_ASSIGN(options.requirements, read_requirements(config["requirements"]));
  options.python = config["python"].as_string_or("python3");
  OSIRIS_ASSIGN(options.args, read_texts(config, "args"));
  if (config["params"].is_object()) options.params = config["params"];
  OSIRIS_ASSIGN(options.format, read_format(config["format"].as_string_or("parquet")));
  for (const auto& [name, type] : config["columns"].members()) {
    if (!is_type(type.as_string()))
      return bad("columns", "gives '" + name + "' the type '" + type.as_string() + "', which is none of SQL's",
                 "docs/drivers/python.md lists the types.");
    options.columns.emplace_back(name, type.as_string());
  }
  return options;
}

}  // namespace osiris::worker::python
