// JSON Schemas (draft 7) of the files that people write, for editors: completion, hover texts and the findings that a
// schema can express. They are made from the specs of the registry, so a component's keys are listed once. An editor
// sees less than `osiris validate`: not what other files, the graph or the SQL decide.
#pragma once

#include "host/components/registry.h"
#include "protocol/base/json.h"

namespace osiris {

// A pipeline. Where a value is no text, a placeholder (`${params.name}`) is taken as well.
Json oml_json_schema(const ComponentRegistry& registry);

// osiris_connections.yaml. Where a value is no text, a variable (`${NAME}`) is taken as well.
Json connections_json_schema(const ComponentRegistry& registry);

}  // namespace osiris
