// What a step may ask of the machinery beside its config: `timeout`, `retry` and `materialize`.
#pragma once

#include "host/compiler/oml_document.h"

namespace osiris {

// timeout: 30 (seconds), "30s", "5m", "1h".
void read_timeout(const YamlNode& step_node, OmlStep& step, Diagnostics& diagnostics);
// retry: 3, or {max_attempts: 3, delay: 1}: attempts in all, and the pause between two of them.
void read_retry(const YamlNode& step_node, OmlStep& step, Diagnostics& diagnostics);
// materialize: true, so that its rows are stored, however many steps read them.
void read_materialize(const YamlNode& step_node, OmlStep& step, Diagnostics& diagnostics);

}  // namespace osiris
