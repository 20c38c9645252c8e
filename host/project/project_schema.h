// JSON Schemas (draft 7) of what host/project/ reads, for editors. They know the keys and what may stand at them; what
// adapters take below `adapters` only their libraries know. A test compares the keys with those that are read.
#pragma once

#include "protocol/base/json.h"

namespace osiris {

// osiris.yaml.
Json project_json_schema();

// The value of on_success and on_failure, which refers to the definition `hook`; and that definition.
Json hooks_json_schema();
Json hook_json_schema();

}  // namespace osiris
