#include "worker/drivers/program/contract.h"

#include <regex>

#include "protocol/base/categories.h"

namespace osiris::worker::program {
namespace {

constexpr size_t kTypeBytesMax = 1000;

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
  return bad_config("format", "is '" + name + "'", "It may be parquet, csv or ndjson.");
}

}  // namespace

Error bad_config(std::string_view key, std::string_view why, std::string_view hint) {
  return Error(Code::kInvalidArgument, "`" + std::string(key) + "` of the step's config " + std::string(why),
               std::string(hint), category::kConfigInvalid);
}

Result<std::vector<std::string>> read_texts(const Json& config, std::string_view key) {
  std::vector<std::string> texts;
  for (const Json& item : config[key].items()) {
    std::string text = item.is_string() ? item.as_string() : item.dump();
    if (text.find('\0') != std::string::npos) return bad_config(key, "holds a NUL byte");
    texts.push_back(std::move(text));
  }
  return texts;
}

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

Status read_contract(const Json& config, Contract& contract) {
  OSIRIS_ASSIGN(contract.files, read_texts(config, "files"));
  if (config["params"].is_object()) contract.params = config["params"];
  OSIRIS_ASSIGN(contract.format, read_format(config["format"].as_string_or("parquet")));
  for (const auto& [name, type] : config["columns"].members()) {
    if (!is_type(type.as_string()))
      return bad_config("columns", "gives '" + name + "' the type '" + type.as_string() + "', which is none of SQL's",
                        "docs/drivers/python.md lists the types.");
    contract.columns.emplace_back(name, type.as_string());
  }
  return {};
}

}  // namespace osiris::worker::program
