// ${params.name} in a text.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "host/yaml/node.h"

namespace osiris {

struct Placeholder {
  size_t start, end;  // in the text
  std::string name;
};

// The first one at or behind `from`.
std::optional<Placeholder> find_placeholder(std::string_view text, size_t from);

// The names in all texts below `node`.
void collect_placeholders(const YamlNode& node, std::set<std::string>& names);

}  // namespace osiris
