#include "host/commands/output_rows.h"

#include "host/inspection/look_plan.h"
#include "host/run/recorded_output.h"

namespace osiris {
namespace {

constexpr size_t kLookedInto = 20;

// Of the writer that wrote the file.
Json config_of(const RecordedRun& run, const std::string& step_id) {
  for (const RecordedStep& step : run.plan)
    if (step.id == step_id) return step.config;
  return {};
}

// Empty: they can be.
std::string why_not_compared(const OutputPair& pair) {
  if (!holds_rows(pair.path)) return "it is no CSV, JSON or Parquet file";
  if (const std::string left = why_not_as_written(*pair.left); !left.empty()) return "of the first run, " + left;
  if (const std::string right = why_not_as_written(*pair.right); !right.empty()) return "of the second run, " + right;
  return "";
}

}  // namespace

void OutputRows::compare(RunComparison& comparison, const RecordedRun& left, const RecordedRun& right) {
  size_t looked_into = 0;
  for (OutputPair& pair : comparison.outputs) {
    if (pair.has_same_bytes() || !pair.left || !pair.right) continue;
    pair.rows_not_compared = why_not_compared(pair);
    if (!pair.rows_not_compared.empty()) continue;
    if (++looked_into > kLookedInto) {
      pair.rows_not_compared = "those of " + std::to_string(kLookedInto) + " other files are";
      continue;
    }
    auto rows = difference_of(pair, left, right);
    if (rows.ok())
      pair.rows = *std::move(rows);
    else
      pair.rows_not_compared = rows.error().message;
  }
}

Result<Json> OutputRows::difference_of(const OutputPair& pair, const RecordedRun& left, const RecordedRun& right) {
  if (!look_) {
    OSIRIS_ASSIGN(look_, LocalLook::open(context_));
  }
  LookPlan plan;
  OSIRIS_TRY(plan.add_file("left", *pair.left, config_of(left, pair.step_id)));
  OSIRIS_TRY(plan.add_file("right", *pair.right, config_of(right, pair.step_id)));
  const std::filesystem::path answer = scratch_ / "difference.json";
  plan.add_difference("left", "right", limit_, answer);
  const LookOutcome outcome = look_->run(plan.inputs());
  if (outcome.error) return *outcome.error;
  return read_answer(answer);
}

}  // namespace osiris
