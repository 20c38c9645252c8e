// What a run's machines have cost so far, as the adapter's events resource_cost tell; where nothing tells, nothing is
// shown. The host knows no prices.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/project/run_index.h"
#include "protocol/base/json.h"

namespace osiris {

struct RunCost {
  Json document;        // as it was told
  int64_t seen_ns = 0;  // monotonic: when

  // US dollars by now: what was told, and what has been added since. Never more than what was told as the most.
  std::optional<double> spent(int64_t now_ns) const;
};

// "$0.0042", "$2.00": as many digits as say something.
std::string dollars_text(double amount);
// "$0.0042 so far, at most $0.01, by ... of 2025-12"; empty where the price is not known.
std::string live_cost_text(const RunCost& cost, int64_t now_ns);
// "about $0.0042 for 1 min 58 s of machines, by ... of 2025-12: a table of prices, not an invoice". Of a document;
// empty where there is none.
std::string cost_text(const Json& document);
// The amount of a run's record; empty where it has none.
std::string cost_of(const RunRecord& record);

// For an adapter that estimates: {"machine_seconds": [40, ...]}, how long the last successful runs of this pipeline,
// profile and adapter held their machines; where that is not known, how long they took.
Json run_history(const std::vector<RunRecord>& records, std::string_view pipeline, std::string_view profile,
                 std::string_view adapter);

}  // namespace osiris
