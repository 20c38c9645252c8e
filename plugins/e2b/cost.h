// What a run costs and may cost, as documents and for people.
#pragma once

#include <string>
#include <vector>

#include "plugins/e2b/prices.h"
#include "plugins/e2b/run_inputs.h"

namespace osiris::e2b {

// The event resource_cost.
Json cost_document(const Config& config, const adapter_sdk::CostFigures& figures, bool is_final);

// What a run will probably cost, by how long its earlier ones held their machines ("history" of the settings).
struct Estimate {
  Json document;  // of the explanation
  std::string text;
  std::vector<std::string> warnings;
};
Estimate estimate(const Config& config, const RunInputs& request);

// The shape that the run's sandbox is expected to have.
std::optional<Shape> expected_shape(const Config& config, const RunInputs& request);

}  // namespace osiris::e2b
