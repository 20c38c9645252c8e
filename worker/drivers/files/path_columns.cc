#include "worker/drivers/files/path_columns.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>

#include "worker/driver_api/sql.h"

namespace osiris::worker::files {
namespace {

using Keys = std::vector<std::pair<std::string, std::string>>;

constexpr char kNull[] = "__HIVE_DEFAULT_PARTITION__";

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// "%2F" is a slash; what is no such code stays.
std::string decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high < 0 ? -1 : hex_digit(text[i + 2]);
    if (low < 0) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

Keys keys_of(const std::string& path) {
  Keys keys;
  for (const std::filesystem::path& part : std::filesystem::path(path).parent_path()) {
    const std::string& text = part.native();
    const size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos || text.find('=', equals + 1) != std::string::npos) continue;
    keys.emplace_back(decoded(text.substr(0, equals)), text.substr(equals + 1));
  }
  return keys;
}

bool same_names(const Keys& a, const Keys& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& left, const auto& right) { return left.first == right.first; });
}

// As a number is written: 7, and not 07 or +7.
bool is_whole_number(const std::string& text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && std::to_string(number) == text;
}

// 2025-01-31; whether the calendar has it is the engine's to say.
bool is_date(const std::string& text) {
  constexpr std::string_view kShape = "dddd-dd-dd";
  if (text.size() != kShape.size()) return false;
  for (size_t i = 0; i < text.size(); ++i)
    if (kShape[i] == '-' ? text[i] != '-' : text[i] < '0' || text[i] > '9') return false;
  return true;
}

std::string type_of(const std::vector<std::optional<std::string>>& values) {
  const auto all = [&](bool (*is)(const std::string&)) {
    return std::all_of(values.begin(), values.end(), [&](const auto& value) { return !value || is(*value); });
  };
  if (std::none_of(values.begin(), values.end(), [](const auto& value) { return value.has_value(); })) return "VARCHAR";
  return all(is_whole_number) ? "BIGINT" : all(is_date) ? "DATE" : "VARCHAR";
}

}  // namespace

Result<std::vector<PathColumn>> find_path_columns(const std::vector<MatchedFile>& files, std::optional<bool> wanted) {
  std::vector<PathColumn> columns;
  if (wanted == false) return columns;
  const Keys first = keys_of(files.front().path);
  for (const auto& [name, value] : first) columns.push_back({name, "", {}});
  if (wanted == true && first.empty())
    return Error(Code::kInvalidArgument,
                 "hive_partitioning is set, and no directory of " + files.front().path + " is called key=value",
                 "leave it out, or let `path` begin above such directories");
  for (const MatchedFile& file : files) {
    const Keys keys = keys_of(file.path);
    if (!same_names(first, keys)) {
      if (!wanted) return std::vector<PathColumn>();
      return Error(Code::kInvalidArgument,
                   "hive_partitioning is set, and the directories of " + files.front().path + " and " + file.path +
                       " have different keys",
                   "read them in two steps");
    }
    for (size_t i = 0; i < keys.size(); ++i) {
      const std::string& text = keys[i].second;
      columns[i].values.push_back(text == kNull ? std::nullopt : std::optional(decoded(text)));
    }
  }
  for (PathColumn& column : columns) column.type = type_of(column.values);
  return columns;
}

std::string path_expression(const PathColumn& column, const std::vector<MatchedFile>& files) {
  std::string pairs;
  for (size_t i = 0; i < files.size(); ++i)
    pairs += (pairs.empty() ? "" : ", ") + sql::quote_literal(files[i].absolute.native()) + ": " +
             (column.values[i] ? sql::quote_literal(*column.values[i]) : "NULL::VARCHAR");
  return "CAST(map_extract_value(MAP {" + pairs + "}, filename) AS " + column.type + ") AS " +
         sql::quote_identifier(column.name);
}

}  // namespace osiris::worker::files
