// Whether the writers after an incremental step can take rows once more: a run that was killed after a writer ended is
// repeated, and rows of the last value are read again.
#pragma once

#include <vector>

#include "host/compiler/oml_document.h"
#include "host/compiler/step_config.h"
#include "host/compiler/step_graph.h"

namespace osiris {

// `configs` by the steps' index. All steps have a spec.
void check_incremental_steps(const OmlDocument& document, const std::vector<StepConfig>& configs,
                             const StepGraph& graph, Diagnostics& diagnostics);

}  // namespace osiris
