// osiris/sdk/json.hpp: as much of JSON as an adapter's own events and documents need.
#pragma once

#include <string>
#include <string_view>

namespace osiris::adapter_sdk {

// `text` as a JSON string, quotes included.
std::string json_string(std::string_view text);
// A text member of a JSON object: json_member(request.settings_json, "owner_id"). Empty when it is not there, no text,
// or the document is no object.
std::string json_member(std::string_view object, std::string_view name);
// Whether a member is `true`; and whether one is a list that holds this text.
bool json_flag(std::string_view object, std::string_view name);
bool json_list_holds(std::string_view object, std::string_view name, std::string_view text);

}  // namespace osiris::adapter_sdk
