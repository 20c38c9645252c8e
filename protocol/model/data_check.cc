#include "protocol/model/data_check.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace osiris {
namespace {

Error invalid(const Json& json, std::string_view why) {
  return Error(Code::kInvalidArgument, "check \"" + json["name"].as_string() + "\": " + std::string(why),
               "compile the pipeline again");
}

bool is_scalar(const Json& value) { return value.is_string() || value.is_number() || value.is_bool(); }

// How many columns a check of this kind has, at least and at most.
std::pair<size_t, size_t> columns_wanted(CheckKind kind) {
  switch (kind) {
    case CheckKind::kNotNull:
    case CheckKind::kUnique:
      return {1, SIZE_MAX};
    case CheckKind::kRowCount:
    case CheckKind::kSql:
      return {0, 0};
    default:
      return {1, 1};
  }
}

Status look_at_bounds(const Json& json, const DataCheck& check) {
  const bool has_bounds = !check.min.is_null() || !check.max.is_null();
  for (const Json* bound : {&check.min, &check.max}) {
    if (bound->is_null()) continue;
    const bool fits = check.kind == CheckKind::kRowCount ? bound->is_int() && bound->as_double() >= 0
                                                         : bound->is_string() || bound->is_number();
    if (!fits) return invalid(json, "a bound is of a wrong type");
  }
  const bool wants_bounds = check.kind == CheckKind::kRowCount || check.kind == CheckKind::kRange;
  if (wants_bounds != has_bounds) return invalid(json, "bounds are missing, or it has none");
  return {};
}

Status look_at_parts(const Json& json, const DataCheck& check) {
  const auto [least, most] = columns_wanted(check.kind);
  if (check.columns.size() < least || check.columns.size() > most) return invalid(json, "wrong number of columns");
  OSIRIS_TRY(look_at_bounds(json, check));
  const bool has_values = check.kind == CheckKind::kAcceptedValues;
  if (has_values != (check.values.size() > 0)) return invalid(json, "values are missing, or it has none");
  const bool has_target = check.kind == CheckKind::kRelationships;
  if (has_target != !check.to_step.empty() || has_target != !check.to_column.empty())
    return invalid(json, "`to` names no step and column, or it has none");
  const bool has_age = check.kind == CheckKind::kFreshness;
  if (!std::isfinite(check.max_age_s) || has_age != (check.max_age_s > 0)) return invalid(json, "max_age_s is no age");
  const bool has_text = check.kind == CheckKind::kPattern || check.kind == CheckKind::kSql;
  if (has_text != !check.text.empty()) return invalid(json, "its text is missing, or it has none");
  if (check.stores_failures && !names_rows(check.kind)) return invalid(json, "it has no rows to store");
  return {};
}

}  // namespace

const std::vector<std::string>& check_kind_names() {
  static const std::vector<std::string> names = {
      "not_null", "unique", "accepted_values", "relationships", "row_count", "freshness", "range", "pattern", "sql"};
  return names;
}

std::string_view check_kind_name(CheckKind kind) { return check_kind_names()[static_cast<size_t>(kind)]; }

std::optional<CheckKind> check_kind_from_name(std::string_view name) {
  const auto& names = check_kind_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<CheckKind>(found - names.begin());
}

bool names_rows(CheckKind kind) { return kind != CheckKind::kRowCount && kind != CheckKind::kFreshness; }

Json to_json(const DataCheck& check) {
  Json json = Json::object({{"name", check.name}, {"type", check_kind_name(check.kind)}});
  if (check.only_warns) json.set("severity", "warn");
  if (check.stores_failures) json.set("store_failures", true);
  Json columns = Json::array();
  for (const std::string& column : check.columns) columns.push_back(column);
  if (columns.size() > 0) json.set("columns", std::move(columns));
  if (check.values.size() > 0) json.set("values", check.values);
  if (!check.min.is_null()) json.set("min", check.min);
  if (!check.max.is_null()) json.set("max", check.max);
  if (!check.to_step.empty()) json.set("to", Json::object({{"step", check.to_step}, {"column", check.to_column}}));
  if (check.max_age_s > 0) json.set("max_age_s", check.max_age_s);
  if (!check.text.empty()) json.set(check.kind == CheckKind::kSql ? "sql" : "pattern", check.text);
  return json;
}

Result<DataCheck> data_check_from_json(const Json& json) {
  if (!json.is_object()) return Error(Code::kInvalidArgument, "a check is no object", "compile the pipeline again");
  DataCheck check;
  check.name = json["name"].as_string();
  const auto kind = check_kind_from_name(json["type"].as_string());
  if (check.name.empty() || !kind) return invalid(json, "it has no name, or an unknown type");
  check.kind = *kind;
  const std::string& severity = json["severity"].as_string();
  if (json.contains("severity") && severity != "warn" && severity != "error") return invalid(json, "unknown severity");
  check.only_warns = severity == "warn";
  check.stores_failures = json["store_failures"].as_bool();
  for (const Json& column : json["columns"].items()) {
    if (!column.is_string()) return invalid(json, "a column's name is no text");
    check.columns.push_back(column.as_string());
  }
  for (const Json& value : json["values"].items()) {
    if (!is_scalar(value)) return invalid(json, "a value is neither a number, a text nor a boolean");
    check.values.push_back(value);
  }
  check.min = json["min"];
  check.max = json["max"];
  check.to_step = json["to"]["step"].as_string();
  check.to_column = json["to"]["column"].as_string();
  check.max_age_s = json["max_age_s"].as_double();
  check.text = json[check.kind == CheckKind::kSql ? "sql" : "pattern"].as_string();
  OSIRIS_TRY(look_at_parts(json, check));
  return check;
}

}  // namespace osiris
