// Connections against what components say of their fields.
#pragma once

#include "host/components/registry.h"
#include "host/project/connections.h"
#include "host/yaml/diagnostic.h"

namespace osiris {

// A connection resolved for one component. Text that came from a variable takes the type the spec wants ("3306" ->
// 3306); a field of a wrong type is an error.
Result<ResolvedConnection> resolve_for(const ComponentSpec& spec, const ConnectionRef& ref,
                                       const Connections& connections);

// Every connection of the file (`validate` without a pipeline): wrong types are errors at their place in the file;
// unknown fields, unknown families, two defaults and unset variables are warnings.
void check_connections(const Connections& connections, const ComponentRegistry& registry, Diagnostics& diagnostics);

}  // namespace osiris
