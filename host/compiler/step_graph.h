// Who needs whom, and in which order steps run.
#pragma once

#include <string>
#include <vector>

#include "host/compiler/oml_document.h"

namespace osiris {

struct StepGraph {
  std::vector<std::vector<std::string>> needs;  // per step, in file order: ids, in the order inputs are offered to it
  std::vector<size_t> order;  // topological, stable by file order; shorter than the steps when there is a cycle
};

// inputs and needs together; without either, the step written before (the first has none). `order` heeds what checks
// read, too. Unknown ids and cycles are errors.
StepGraph build_graph(const std::vector<OmlStep>& steps, Diagnostics& diagnostics);

}  // namespace osiris
