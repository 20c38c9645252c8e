// The types that a parameter may declare, and which values are of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host/yaml/node.h"

namespace osiris {

// "string", "integer", "number", "boolean", "list" or "object", from any of their names ("str", "float", "mapping",
// ...); nullopt: no type.
std::optional<std::string> canonical_param_type(const std::string& type);

// Whether a value is of a canonical type. Every value is of the empty one.
bool fits_param_type(const YamlNode& value, const std::string& type);

// What a value of a canonical type looks like.
std::string_view example_of_param_type(std::string_view type);

}  // namespace osiris
