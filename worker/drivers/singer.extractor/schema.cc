#include "worker/drivers/singer.extractor/schema.h"

#include <algorithm>
#include <map>
#include <set>

#include "protocol/base/categories.h"
#include "protocol/base/text.h"

namespace osiris::worker::singer {
namespace {

constexpr int kDigitsMax = 38;

Error unusable(const std::string& what, const std::string& hint) {
  return Error(Code::kStepFailed, what, hint, category::kExtractSchemaMismatch);
}

// The JSON types that a schema names, of all its alternatives; without "null".
void collect_types(const Json& schema, std::set<std::string>& types, std::set<std::string>& formats) {
  const Json& type = schema["type"];
  const auto note = [&](const std::string& name) {
    if (name == "null") return;
    types.insert(name);
    if (name == "string") formats.insert(schema["format"].as_string());
  };
  if (type.is_string()) note(type.as_string());
  for (const Json& item : type.items()) note(item.as_string());
  for (const char* key : {"anyOf", "oneOf"})
    for (const Json& alternative : schema[key].items()) collect_types(alternative, types, formats);
}

// The digits after the point of 1, 0.01 or 1e-6; nullopt: it is no power of ten.
std::optional<int> scale_of(const Json& step) {
  if (!step.is_number()) return std::nullopt;
  double power = 1;
  for (int scale = 0; scale <= 20; ++scale, power *= 10)
    if (step.as_double() * power > 0.999999 && step.as_double() * power < 1.000001) return scale;
  return std::nullopt;
}

Column column_of(const std::string& name, const Json& schema, const Numbers& numbers) {
  std::set<std::string> types, formats;
  collect_types(schema, types, formats);
  if (types == std::set<std::string>{"integer", "number"}) types.erase("integer");
  Column column{name, Kind::kJson};
  if (types.size() != 1) return column;
  const std::string& type = *types.begin();
  if (type == "boolean") column.kind = Kind::kBoolean;
  if (type == "integer") column.kind = Kind::kInteger;
  if (type == "number") {
    const auto scale = scale_of(schema["multipleOf"]);
    column.kind = scale ? Kind::kDecimal : numbers.kind;
    column.scale = scale.value_or(numbers.scale);
  }
  if (type == "string") {
    const std::string format = formats.size() == 1 ? *formats.begin() : std::string();
    column.kind = format == "date-time" ? Kind::kTimestamp
                  : format == "date"    ? Kind::kDate
                  : format == "time"    ? Kind::kTime
                                        : Kind::kText;
  }
  return column;
}

}  // namespace

std::string Column::type() const {
  switch (kind) {
    case Kind::kBoolean:
      return "BOOLEAN";
    case Kind::kInteger:
      return "BIGINT";
    case Kind::kDouble:
      return "DOUBLE";
    case Kind::kDecimal:
      return "DECIMAL(" + std::to_string(kDigitsMax) + "," + std::to_string(scale) + ")";
    case Kind::kText:
      return "VARCHAR";
    case Kind::kDate:
      return "DATE";
    case Kind::kTime:
      return "TIME";
    case Kind::kTimestamp:
      return "TIMESTAMPTZ";
    case Kind::kJson:
      return "JSON";
  }
  return "VARCHAR";
}

Result<std::vector<Column>> columns_of(const Json& schema, const std::vector<std::string>& wanted,
                                       const Numbers& numbers) {
  const Json& properties = schema["properties"];
  std::vector<std::string> names;
  for (const auto& [name, property] : properties.members()) names.push_back(name);
  if (names.empty()) return unusable("the tap's schema has no properties", "");
  for (const std::string& name : wanted) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    const auto near = nearest(name, names);
    return unusable("the stream has no column '" + name + "' that 'select' names",
                    near ? "did you mean '" + *near + "'?" : "it has " + join(names, ", "));
  }
  std::vector<Column> columns;
  std::map<std::string, std::string> seen;
  for (const std::string& name : wanted.empty() ? names : wanted) {
    if (name.empty() || name.find('\0') != std::string::npos)
      return unusable("the stream has a column without a name", "leave it out with 'select'");
    if (const auto [other, is_new] = seen.emplace(ascii_lower(name), name); !is_new)
      return unusable("two columns of the stream differ only in case: '" + other->second + "' and '" + name + "'",
                      "leave one of them out with 'select'");
    columns.push_back(column_of(name, properties[name], numbers));
  }
  return columns;
}

}  // namespace osiris::worker::singer
