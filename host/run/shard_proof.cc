#include "host/run/shard_proof.h"

#include <algorithm>
#include <optional>
#include <string>

#include "protocol/base/categories.h"

namespace osiris {
namespace {

Error unproved(const std::string& step_id, const std::string& why) {
  return Error(Code::kInternal, "step " + step_id + " completed, but " + why,
               "Run again. If it happens again, report it with the session's directory.", category::kWriteFailed);
}

uint64_t rows_of(const PlanStep& step, const StepState& state) {
  if (step.mode == StepMode::kWrite) return state.rows_written.value_or(0);
  return step.mode == StepMode::kExtract ? state.rows_read.value_or(0) : state.rows_out.value_or(0);
}

__extension__ using Uint128 = unsigned __int128;

// A sum of hashes, in decimal; nullopt: it is none.
std::optional<Uint128> sum_of(const std::string& text) {
  Uint128 sum = 0;
  if (text.empty() || text.size() > 39) return std::nullopt;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return std::nullopt;
    sum = sum * 10 + static_cast<unsigned>(digit - '0');
  }
  return sum;
}

Status prove_fingerprints(const PlanStep& step, const StepState& state) {
  // A writer, a step without an output, or one whose union was not made, because no step reads it.
  if (state.fingerprint.empty()) return {};
  Uint128 sum = 0;
  for (const AcceptedShard& shard : state.shards) {
    const auto of_shard = sum_of(shard.fingerprint);
    if (!of_shard)
      return unproved(step.id, step.shards->list[shard.index].shown() + " came without the fingerprint of its rows");
    sum += *of_shard;
  }
  const auto whole = sum_of(state.fingerprint);
  if (!whole || *whole != sum)
    return unproved(step.id, "the fingerprints of its shards do not add up to that of their union, " +
                                 state.fingerprint + ": other rows were stored than were read");
  return {};
}

Status prove(const PlanStep& step, const StepState& state) {
  std::vector<size_t> times(step.shards->list.size());
  uint64_t rows = 0;
  for (const AcceptedShard& shard : state.shards) {
    if (shard.index >= times.size())
      return unproved(step.id, "shard " + std::to_string(shard.index) + " is none of its list");
    ++times[shard.index];
    rows += shard.rows;
  }
  for (size_t i = 0; i < times.size(); ++i)
    if (times[i] != 1)
      return unproved(step.id, step.shards->list[i].shown() + " was taken in " + std::to_string(times[i]) + " times");
  if (const uint64_t whole = rows_of(step, state); rows != whole)
    return unproved(step.id,
                    "its shards have " + std::to_string(rows) + " rows and the step has " + std::to_string(whole));
  return prove_fingerprints(step, state);
}

}  // namespace

Status prove_shards(const Plan& plan, const std::vector<StepState>& steps) {
  for (const PlanStep& step : plan.steps) {
    if (!step.shards || !step.kept.runs()) continue;
    const auto state =
        std::find_if(steps.begin(), steps.end(), [&](const StepState& each) { return each.plan.id == step.id; });
    if (state == steps.end()) return unproved(step.id, "it was not seen to run");
    OSIRIS_TRY(prove(step, *state));
  }
  return {};
}

}  // namespace osiris
