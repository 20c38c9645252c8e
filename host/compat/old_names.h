// Names of Python Osiris that go by other names here. Names in components' configs are in their specs (x-osiris:
// forgiven, key_synonyms), those of adapters' options in the adapters.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace osiris {

// A field of a connection as drivers call it; empty: `field` is its name already. Where an entry has both, the driver's
// name counts.
std::string_view current_connection_field(std::string_view family, std::string_view field);

// The old names that a connection of this family may have.
std::vector<std::string_view> old_connection_fields(std::string_view family);

}  // namespace osiris
