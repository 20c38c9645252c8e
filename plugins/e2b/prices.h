// What a sandbox costs by E2B's public prices: a table of osiris's own, with its date, and not E2B's invoice
// (docs/decisions/0211-a-bill-with-a-ceiling.md). E2B bills the shape that is allocated, by the second, while the
// sandbox runs.
#pragma once

#include <osiris/sdk/ledger.hpp>

#include <optional>
#include <string>

#include "plugins/e2b/config.h"

namespace osiris::e2b {

struct Shape {
  int64_t cpu_count = 0;
  int64_t memory_mb = 0;

  std::string text() const;  // "2 vCPU, 512 MiB"
};

// Per second; rounded up to a billionth of a dollar.
adapter_sdk::Nanodollars rate_of(const Config& config, const Shape& shape);

// What a template is given by osiris or by E2B: the public base template, what was asked for, E2B's defaults for what
// was not. nullopt: a template of the user's own, whose shape its name does not tell. `is_built`: from that template
// another one is made.
std::optional<Shape> expected_shape(const Config& config, bool is_built);
// Whether options alone make the run build a template; packages of steps may do so, too.
bool asks_for_template(const Config& config);

// How long the service may work on a build with so many commands, at the most.
int64_t build_seconds_max(size_t commands);

// "E2B's public prices of 2025-12", or of the user's own.
std::string prices_text(const Config& config);

}  // namespace osiris::e2b
