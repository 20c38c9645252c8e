// What a step may ask of the machinery beside its config: `timeout`, `retry`, `materialize` and `cache`.
#pragma once

#include "host/compiler/oml_document.h"

namespace osiris {

// timeout: 30 (seconds), "30s", "5m", "1h".
void read_timeout(const YamlNode& step_node, OmlStep& step, Diagnostics& diagnostics);
// retry: 3, or {max_attempts: 3, delay: 1}: attempts in all, and the pause between two of them.
void read_retry(const YamlNode& step_node, OmlStep& step, Diagnostics& diagnostics);
// materialize: true, so that its rows are stored, however many steps read them.
void read_materialize(const YamlNode& step_node, OmlStep& step, Diagnostics& diagnostics);
// cache: true, false, or {for: 1h}: whether its rows are kept for later runs, and how long they are taken.
void read_cache(const YamlNode& step_node, OmlStep& step, Diagnostics& diagnostics);
// The same of a manifest. nullopt: it is not understood.
std::optional<StepCache> step_cache_of(const YamlNode& value);

}  // namespace osiris
