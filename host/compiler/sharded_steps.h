// What `foreach` and `per_shard` mean for a pipeline: which steps run once for each shard, whether they may, and what
// their SQL makes of it.
#pragma once

#include <vector>

#include "host/compiler/oml_document.h"
#include "host/compiler/sql_text.h"
#include "host/compiler/step_config.h"
#include "host/compiler/step_graph.h"

namespace osiris {

// Findings go to `diagnostics`; `configs` by index in the file. For a pipeline without other errors.
void check_sharded_steps(const OmlDocument& document, const StepGraph& graph, const std::vector<StepConfig>& configs,
                         const SqlTexts& sql, Diagnostics& diagnostics);

// Whether the step's SQL binds $shard.
bool binds_shard(const ComponentSpec& spec, const Json& cfg);

// The rule of a step with foreach or per_shard; null for others. `rules`: those of the steps it needs. kInvalidArgument
// for per_shard where these have none, or several.
Result<Json> rule_of_step(const std::string& id, const Foreach* foreach, bool per_shard,
                          const std::vector<Json>& rules);

}  // namespace osiris
