#include <osiris/sdk/json.hpp>

#include "protocol/base/json.h"

namespace osiris::adapter_sdk {
namespace {

// Null where there is none.
Json member(std::string_view object, std::string_view name) {
  const auto json = parse_json(object);
  return json && json->is_object() ? (*json)[name] : Json();
}

}  // namespace

std::string json_string(std::string_view text) { return Json(std::string(text)).dump(); }

std::string json_member(std::string_view object, std::string_view name) { return member(object, name).as_string(); }

bool json_flag(std::string_view object, std::string_view name) { return member(object, name).as_bool(); }

bool json_list_holds(std::string_view object, std::string_view name, std::string_view text) {
  const Json list = member(object, name);
  for (const Json& item : list.items())
    if (item.is_string() && item.as_string() == text) return true;
  return false;
}

}  // namespace osiris::adapter_sdk
