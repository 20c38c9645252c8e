#include "host/run/step_tally.h"

#include <algorithm>
#include <set>

#include "protocol/model/kept_output.h"

namespace osiris {

std::string_view phase_name(StepPhase phase) {
  switch (phase) {
    case StepPhase::kWaiting:
      return "waiting";
    case StepPhase::kRunning:
      return "running";
    case StepPhase::kComplete:
      return "complete";
    case StepPhase::kFailed:
      return "failed";
    case StepPhase::kCancelled:
      return "cancelled";
    case StepPhase::kSkipped:
      return "skipped";
  }
  return "waiting";
}

uint64_t StepState::rows() const {
  if (rows_written && plan.mode == "write") return *rows_written;
  if (rows_out && plan.mode == "transform") return *rows_out;
  if (phase == StepPhase::kRunning) return progress.latest().rows;
  return rows_written.value_or(rows_out.value_or(rows_read.value_or(progress.latest().rows)));
}

namespace {

CheckResult check_result(const Json& data) {
  CheckResult check;
  check.name = data["check"].as_string();
  check.type = data["type"].as_string();
  check.only_warns = data["severity"].as_string() == "warn";
  check.status = data["status"].as_string();
  if (data["failures"].is_int()) check.failures = data["failures"].as_uint();
  check.rows = data["rows"].as_uint();
  check.message = data["message"].as_string();
  check.stored = data["stored"].as_string();
  return check;
}

void begin(StepState& state, const Json& data, int64_t now) {
  state.phase = StepPhase::kRunning;
  state.started_monotonic_ns = now;
  state.progress.begin(now);
  state.outputs.clear();
  state.checks.clear();
  state.kept.reset();
  state.shards.clear();
  state.failed_shards.clear();
  if (state.plan.driver.empty()) state.plan.driver = data["driver"].as_string();
}

// One shard may begin again; the others keep what they have.
void try_again(StepState& state, const Json& data, int64_t now) {
  state.attempt = static_cast<int>(data["attempt"].as_int(state.attempt)) + 1;
  if (data.contains("shard")) return;
  state.progress.begin(now);
  state.outputs.clear();
}

// One that was taken in, or failed; or those that its worker had taken in, and reads again: other workers' stay.
void note_shards(StepState& state, std::string_view name, const Json& data) {
  if (name == "shard_complete") {
    state.shards.push_back({data["shard"].as_uint(), data["rows"].as_uint(), data["fingerprint"].as_string()});
    return;
  }
  if (name == "shard_failed") {
    const Json& value = data["value"];
    state.failed_shards.push_back({data["shard"].as_uint(), value.is_string() ? value.as_string() : value.dump(),
                                   data["error"].as_string(), data["error_type"].as_string(),
                                   data["category"].as_string(), data["hint"].as_string()});
    return;
  }
  std::set<uint64_t> again;
  for (const Json& index : data["shards"].items()) again.insert(index.as_uint());
  std::erase_if(state.shards, [&](const AcceptedShard& shard) { return again.contains(shard.index); });
  state.failed_shards.clear();
}

void note_failure(StepState& state, const Json& data) {
  state.error = data["error"].as_string();
  state.error_type = data["error_type"].as_string();
  state.category = data["category"].as_string();
  state.hint = data["hint"].as_string();
  state.detail = data["detail"];
}

}  // namespace

void StepTally::plan(std::vector<WatchedStep> steps) {
  std::lock_guard lock(mutex_);
  for (WatchedStep& planned : steps) step(planned.id).plan = planned;
  ++revision_;
}

StepState& StepTally::step(std::string_view id) {
  const auto [at, added] = index_.try_emplace(std::string(id), steps_.size());
  if (added) {
    steps_.emplace_back();
    steps_.back().plan.id = std::string(id);
  }
  return steps_[at->second];
}

void StepTally::on_event(std::string_view name, std::string_view step_id, const Json& data) {
  std::lock_guard lock(mutex_);
  if (name == "cleanup_complete") {
    if (const Json& rows = data["total_rows"]; rows.is_int()) reported_total_rows_ = rows.as_uint();
    return;
  }
  if (step_id.empty()) return;
  const int64_t now = clock_.monotonic_ns();
  const auto end = [&](StepState& state, StepPhase phase) {
    const bool ran = state.phase == StepPhase::kRunning;
    state.phase = phase;
    if (const Json& ms = data["duration_ms"]; ms.is_number())
      state.duration_s = ms.as_double() / 1e3;
    else if (const Json& seconds = data["duration"]; seconds.is_number())
      state.duration_s = seconds.as_double();
    else if (ran)
      state.duration_s = static_cast<double>(now - state.started_monotonic_ns) / 1e9;
  };
  if (name == "step_start") {
    begin(step(step_id), data, now);
  } else if (name == "step_retry") {
    try_again(step(step_id), data, now);
  } else if (name == "output_written") {
    step(step_id).outputs[data["path"].as_string()] = {data["size_bytes"].as_uint(), data["sha256"].as_string()};
  } else if (name == "rows_verified") {
    step(step_id).verified = data;
  } else if (name == "copy_chunks") {
    step(step_id).chunks = data;
  } else if (name == "check_result") {
    step(step_id).checks.push_back(check_result(data));
  } else if (name == "output_kept") {
    step(step_id).kept = KeptRows{data["size_bytes"].as_uint(), data["sha256"].as_string(), data["rows"].as_uint(),
                                  shard_rows_from_json(data["shard_rows"])};
  } else if (name == "output_not_kept") {
    step(step_id).not_kept = data["reason"].as_string();
  } else if (name == "step_reused") {
    step(step_id).reused_run_id = data["run_id"].as_string();
  } else if (name == "shard_complete" || name == "shard_failed" || name == "shards_restarted") {
    note_shards(step(step_id), name, data);
  } else if (name == "step_state") {
    step(step_id).state = data["state"];
  } else if (name == "step_complete") {
    StepState& state = step(step_id);
    end(state, StepPhase::kComplete);
    state.fingerprint = data["fingerprint"].as_string();
    if (const Json& rows = data["rows_processed"]; rows.is_int()) state.progress.add(now, {.rows = rows.as_uint()});
  } else if (name == "step_failed") {
    StepState& state = step(step_id);
    end(state, data["error_type"].as_string() == "cancelled" ? StepPhase::kCancelled : StepPhase::kFailed);
    note_failure(state, data);
    // Running neighbours of a failed step are cancelled and then fail too; they are never the cause.
    if (!first_failure_ || (steps_[*first_failure_].error_type == "cancelled" && state.error_type != "cancelled"))
      first_failure_ = index_.at(std::string(step_id));
  } else if (name == "step_skipped") {
    StepState& state = step(step_id);
    state.phase = StepPhase::kSkipped;
    state.cause = data["cause"].as_string();
  } else {
    return;
  }
  ++revision_;
}

void StepTally::on_metric(std::string_view name, std::string_view step_id, double value) {
  if (step_id.empty() || value < 0) return;
  std::lock_guard lock(mutex_);
  const auto count = static_cast<uint64_t>(value);
  if (name == "rows_read")
    step(step_id).rows_read = count;
  else if (name == "rows_written")
    step(step_id).rows_written = count;
  else if (name == "rows_out")
    step(step_id).rows_out = count;
  else if (name == "source_transaction")
    step(step_id).source.transaction_s = value;
  else if (name == "source_connections")
    step(step_id).source.connections = count;
  else if (name == "source_bytes")
    step(step_id).source.bytes = count;
  else
    return;
  ++revision_;
}

void StepTally::on_progress(std::string_view step_id, const StepProgress& progress) {
  std::lock_guard lock(mutex_);
  step(step_id).progress.add(clock_.monotonic_ns(), progress);
  ++revision_;
}

void StepTally::on_note(std::string_view note) {
  std::lock_guard lock(mutex_);
  note_ = std::string(note);
  ++revision_;
}

void StepTally::on_cost(const Json& data) {
  std::lock_guard lock(mutex_);
  cost_ = RunCost{data, clock_.monotonic_ns()};
  ++revision_;
}

std::optional<RunCost> StepTally::cost() const {
  std::lock_guard lock(mutex_);
  return cost_;
}

std::vector<StepState> StepTally::steps() const {
  std::lock_guard lock(mutex_);
  return steps_;
}

std::string StepTally::note() const {
  std::lock_guard lock(mutex_);
  return note_;
}

size_t StepTally::total() const {
  std::lock_guard lock(mutex_);
  return steps_.size();
}

size_t StepTally::completed() const {
  std::lock_guard lock(mutex_);
  return static_cast<size_t>(
      std::count_if(steps_.begin(), steps_.end(), [](const StepState& s) { return s.phase == StepPhase::kComplete; }));
}

uint64_t StepTally::total_rows() const {
  std::lock_guard lock(mutex_);
  if (reported_total_rows_) return *reported_total_rows_;
  uint64_t written = 0, read = 0;
  for (const StepState& state : steps_) {
    if (state.plan.mode == "write") written += state.rows_written.value_or(0);
    if (state.plan.mode == "extract") read += state.rows_read.value_or(0);
  }
  return written ? written : read;
}

std::optional<StepState> StepTally::first_failure() const {
  std::lock_guard lock(mutex_);
  if (!first_failure_) return std::nullopt;
  return steps_[*first_failure_];
}

uint64_t StepTally::revision() const {
  std::lock_guard lock(mutex_);
  return revision_;
}

}  // namespace osiris
