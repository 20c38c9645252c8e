#include "worker/drivers/filesystem.json_extractor/columns.h"

#include <algorithm>

#include "protocol/base/categories.h"
#include "worker/driver_api/changed_values.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker::json_in {
namespace {

constexpr char kText[] = "VARCHAR", kJson[] = "JSON";

bool is_whole_type(std::string_view type) { return type.ends_with("INT") || type.ends_with("INTEGER"); }

// "DECIMAL(12,2)" -> "2".
std::string scale_of(const std::string& type) {
  const size_t comma = type.find(',');
  std::string scale = type.substr(comma + 1, type.size() - comma - 2);
  scale.erase(0, scale.find_first_not_of(' '));
  return scale;
}

}  // namespace

std::vector<Column> declared_columns(const Options& options) {
  std::vector<Column> columns;
  for (const auto& [name, type] : options.columns)
    columns.push_back({name, type, kText, type == kJson ? Form::kJson : Form::kText, true});
  return columns;
}

Result<std::vector<Column>> found_columns(const Shape& record, const std::function<void(const std::string&)>& say) {
  if (!record.odd_keys().empty())
    return Error(Code::kInvalidArgument,
                 "the records have " + record.odd_keys() + ", which cannot be columns of one relation",
                 "name the keys to read, with their types, under `columns`", category::kExtractSchemaMismatch);
  std::vector<Column> columns;
  for (const auto& [key, shape] : record.members()) {
    Column column{key, "", "", Form::kAsIs, false};
    if (const auto type = shape->type()) {
      column.type = column.lines = type->sql();
      if (!shape->rounded().empty())
        say("column '" + key + "' is DOUBLE, which does not keep all digits of " + shape->rounded() +
            "; `columns` with DECIMAL or VARCHAR does");
    } else {
      const bool is_text = shape->is_beyond_numbers();
      column.form = is_text ? Form::kText : Form::kJson;
      column.type = is_text ? kText : kJson;
      column.lines = kText;
      say("column '" + key + "' holds " + shape->described() + ": it is kept as " + (is_text ? "text" : "JSON"));
    }
    columns.push_back(std::move(column));
  }
  return columns;
}

Json to_json(const std::vector<Column>& columns) {
  Json list = Json::array();
  for (const Column& column : columns)
    list.push_back(Json::object({{"name", column.name},
                                 {"type", column.type},
                                 {"lines", column.lines},
                                 {"form", static_cast<int64_t>(column.form)}}));
  return Json::object({{"columns", std::move(list)}});
}

std::vector<Column> columns_from_json(const Json& json) {
  std::vector<Column> columns;
  for (const Json& each : json["columns"].items())
    columns.push_back({each["name"].as_string(), each["type"].as_string(), each["lines"].as_string(),
                       static_cast<Form>(each["form"].as_int()), false});
  return columns;
}

Forms forms_of(const std::vector<Column>& columns) {
  Forms forms;
  for (const Column& column : columns)
    if (column.is_declared || column.form != Form::kAsIs) forms.emplace(column.name, column.form);
  return forms;
}

std::string fits_condition(const Column& column, const std::string& value) {
  const std::string castable = "TRY_CAST(" + value + " AS " + column.type + ") IS NOT NULL";
  const auto looks = [&](const std::string& pattern) {
    return "(regexp_full_match(" + value + ", " + sql::quote_literal(pattern) + ") AND " + castable + ")";
  };
  if (is_whole_type(column.type)) return looks("-?[0-9]+");
  if (column.type.starts_with("DECIMAL")) return looks("-?[0-9]+(\\.[0-9]{0," + scale_of(column.type) + "}0*)?");
  if (column.type == "BOOLEAN") return looks("(?i)true|false");
  if (column.type == "DATE") return looks("[0-9]{4,}-[0-9]{2}-[0-9]{2}");
  if (column.type.starts_with("TIME")) return "(NOT " + text_changes(column.type, value) + " AND " + castable + ")";
  return castable;
}

}  // namespace osiris::worker::json_in
