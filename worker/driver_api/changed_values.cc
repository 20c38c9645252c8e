#include "worker/driver_api/changed_values.h"

#include <string_view>

#include "worker/driver_api/sql.h"

namespace osiris::worker {
namespace {

bool is_list(std::string_view type) { return type.ends_with(']'); }

// "INTEGER[3][]": INTEGER[3].
std::string item_of(const std::string& type) { return type.substr(0, type.rfind('[')); }

bool is_whole(std::string_view type) { return type.ends_with("INT") || type.ends_with("INTEGER"); }

std::string matches(const std::string& text, const std::string& pattern) {
  return "regexp_matches(" + text + ", " + sql::quote_literal(pattern) + ")";
}

std::string try_cast(const std::string& value, const std::string& type) {
  return "TRY_CAST(" + value + " AS " + type + ")";
}

// Of a number with an exponent, which a DOUBLE holds as far as it was written.
std::string differs_as_double(const std::string& type, const std::string& text) {
  return try_cast(text, "DOUBLE") + " <> CAST(" + try_cast(text, type) + " AS DOUBLE)";
}

std::string number_changes(const std::string& type, const std::string& text, const std::string& scale) {
  return "CASE WHEN " + matches(text, "^\\s*[-+]?[0-9.]+[eE]") + " THEN " + differs_as_double(type, text) + " ELSE " +
         matches(text, "^\\s*[-+]?[0-9]*\\.[0-9]{" + scale + "}[0-9]*[1-9]") + " END";
}

// Other than 'Z' and '+00:00': a time without zone that comes of it is another moment.
std::string has_offset(const std::string& text) {
  return matches(text, ":[0-9]{2}(\\.[0-9]+)?\\s*[-+][0-9:]*[1-9][0-9:]*\\s*$");
}

std::string is_finer(const std::string& text, const char* digits) {
  return matches(text, ":[0-9]{2}\\.[0-9]{" + std::string(digits) + "}[0-9]*[1-9]");
}

std::string time_changes(const std::string& type, const std::string& text) {
  const std::string_view kind = type;
  const char* digits = kind.ends_with("_NS") ? "9" : kind.ends_with("_MS") ? "3" : kind.ends_with("_S") ? "0" : "6";
  const std::string fine = is_finer(text, digits);
  if (type.ends_with("TZ")) return fine;
  const std::string without_zone = fine + " OR " + has_offset(text);
  return type.starts_with("TIMESTAMP") ? without_zone : without_zone + " OR " + matches(text, "^\\s*[0-9]{4,}-");
}

std::string date_changes(const std::string& text) {
  return matches(text, ":") + " AND (" + has_offset(text) + " OR " + try_cast(text, "TIMESTAMP") + " <> CAST(" +
         try_cast(text, "DATE") + " AS TIMESTAMP))";
}

// "DECIMAL(12,2)": 2.
std::string scale_of(const std::string& type) {
  const size_t comma = type.find(',');
  std::string scale = comma == std::string::npos ? "0" : type.substr(comma + 1, type.size() - comma - 2);
  scale.erase(0, scale.find_first_not_of(' '));
  return scale;
}

std::string change_of_one(const std::string& type, const std::string& text) {
  if (is_whole(type)) return number_changes(type, text, "0");
  if (type.starts_with("DECIMAL")) return number_changes(type, text, scale_of(type));
  if (type == "BOOLEAN") return try_cast(text, "DOUBLE") + " NOT IN (0, 1)";
  if (type == "DATE") return date_changes(text);
  if (type.starts_with("TIME")) return time_changes(type, text);
  return {};
}

// Of a list of texts, or of the text of a list.
std::string any_item_changes(const std::string& type, const std::string& list, size_t depth) {
  const std::string item = "item" + std::to_string(depth), item_type = item_of(type);
  const std::string changes =
      is_list(item_type) ? any_item_changes(item_type, item, depth + 1) : change_of_one(item_type, item);
  if (changes.empty()) return {};
  return "len(list_filter(" + try_cast(list, "VARCHAR[]") + ", lambda " + item + ": coalesce(" + changes +
         ", false))) > 0";
}

}  // namespace

std::string text_changes(const std::string& type, const std::string& text) {
  const std::string changes = is_list(type) ? any_item_changes(type, text, 1) : change_of_one(type, text);
  // No text of a number but 0 and 1 is a truth, and a number of JSON is.
  if (type == "BOOLEAN") return "coalesce(" + changes + ", false)";
  return changes.empty() ? changes : "coalesce(" + try_cast(text, type) + " IS NOT NULL AND (" + changes + "), false)";
}

std::string value_changes(const std::string& from, const std::string& type, const std::string& value) {
  if (from == type) return {};
  std::string innermost = from;
  while (is_list(innermost)) innermost = item_of(innermost);
  if (innermost == "VARCHAR" || innermost == "JSON") return text_changes(type, value);
  const std::string cast = try_cast(value, type);
  return "(" + cast + " IS NOT NULL AND " + try_cast(cast, from) + " IS DISTINCT FROM " + value + ")";
}

std::string type_of_numbers(const std::string& text) {
  const std::string whole = "regexp_full_match(" + text + ", '-?[0-9]+')", huge = try_cast(text, "HUGEINT");
  const std::string is_rounded = whole + " AND (" + huge + " IS NULL OR " +
                                 try_cast(try_cast(huge, "DOUBLE"), "HUGEINT") + " IS DISTINCT FROM " + huge + ")";
  const std::string is_beyond = "isinf(" + try_cast(text, "DOUBLE") + ") AND NOT contains(lower(" + text + "), 'inf')";
  return "CASE WHEN NOT coalesce(bool_or((" + is_rounded + ") OR (" + is_beyond + ")), false) THEN 'DOUBLE' WHEN " +
         "bool_and(" + whole + " AND " + huge + " IS NOT NULL) THEN 'HUGEINT' ELSE 'VARCHAR' END";
}

}  // namespace osiris::worker
