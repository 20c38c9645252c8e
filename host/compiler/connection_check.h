// Connections against what components say of their fields: the same judgement for `validate`, `connections doctor` and
// `run`.
#pragma once

#include <vector>

#include "host/components/registry.h"
#include "host/project/connections.h"
#include "host/yaml/diagnostic.h"

namespace osiris {

// A connection resolved for one component. Text that came from a variable takes the type the spec wants ("3306" ->
// 3306); a field of a wrong type is an error.
Result<ResolvedConnection> resolve_for(const ComponentSpec& spec, const ConnectionRef& ref,
                                       const Connections& connections);

// One connection that exists; findings have their place in the connections file. Errors: a field of a wrong type,
// secret ones included, and one that no component of the family knows, where one of them can run. Warnings: other
// unknown fields, YAML traps, `$VAR` without braces, and unset variables (unresolved_connection).
Diagnostics check_connection(const ConnectionRef& ref, const Connections& connections,
                             const ComponentRegistry& registry);

// The same for what a pipeline's steps use, each once, and for the file as a whole. What is unset is left to the steps.
Diagnostics check_used_connections(const std::vector<ConnectionRef>& refs, const Connections& connections,
                                   const ComponentRegistry& registry);

// Every connection of the file (`validate` without a pipeline); unknown families and two defaults are warnings too.
void check_connections(const Connections& connections, const ComponentRegistry& registry, Diagnostics& diagnostics);

}  // namespace osiris
