// The shape of osiris_connections.yaml: families, aliases, fields. What the fields may hold is the components' to say
// (host/compiler/connection_check.h).
#pragma once

#include <filesystem>

#include "host/yaml/diagnostic.h"
#include "host/yaml/node.h"

namespace osiris {

// The mapping below `connections:`; null where the file has none. A file that cannot be used is an error: no YAML,
// other kinds of values than the layout wants, families at the top level. Duplicate keys and unknown ones are warnings.
YamlNode read_connections_file(const std::filesystem::path& file, Diagnostics& findings);

}  // namespace osiris
