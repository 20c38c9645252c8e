#include "host/importing/toml_text.h"

#include <sstream>

#include "host/adapters/tomlplusplus.h"

namespace osiris {
namespace {

// The parser refuses what is nested deeper than 256 levels.
Json json_of(const toml::node& node) {
  if (const toml::table* table = node.as_table()) {
    Json object = Json::object();
    for (const auto& [key, value] : *table) object.set(std::string_view(key), json_of(value));
    return object;
  }
  if (const toml::array* array = node.as_array()) {
    Json list = Json::array();
    for (const toml::node& item : *array) list.push_back(json_of(item));
    return list;
  }
  if (const auto* text = node.as_string()) return Json(text->get());
  if (const auto* number = node.as_integer()) return Json(int64_t{number->get()});
  if (const auto* number = node.as_floating_point()) return Json(number->get());
  if (const auto* flag = node.as_boolean()) return Json(flag->get());
  std::ostringstream text;
  if (const auto* date = node.as_date()) text << date->get();
  if (const auto* time = node.as_time()) text << time->get();
  if (const auto* date_time = node.as_date_time()) text << date_time->get();
  return Json(text.str());
}

}  // namespace

Result<Json> parse_toml(std::string_view text, const std::string& name) {
  const toml::parse_result parsed = toml::parse(text);
  if (parsed) return json_of(parsed.table());
  const auto& place = parsed.error().source().begin;
  return Error(Code::kInvalidArgument,
               name + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) + ": this is not TOML");
}

}  // namespace osiris
