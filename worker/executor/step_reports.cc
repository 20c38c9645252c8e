// What is said of a step when it has ended, and how its answer looks.
#include "protocol/model/artifact.h"
#include "protocol/model/step_naming.h"
#include "worker/executor/kept_outputs.h"
#include "worker/executor/step_records.h"
#include "worker/executor/step_runner.h"

namespace osiris::worker {

void StepRunner::report_end(const PlanStep& step, StepEnd& end, int64_t started_ns) {
  if (end.status.ok()) {
    if (step.kept.use == StepUse::kKeep || step.kept.keeps) keep_output(run_, step, end, sink_);
    return report_success(step, end, started_ns);
  }
  if (end.is_incomplete())
    report_rows(step, end);
  else
    end.relation.reset();
  report_failure(step, end.status.error(), started_ns);
}

void StepRunner::report_rows(const PlanStep& step, const StepEnd& end) {
  if (step.mode != StepMode::kWrite) emit_metric(sink_, "rows_read", step.id, Json(end.outcome.rows_read));
  if (step.mode == StepMode::kWrite) emit_metric(sink_, "rows_written", step.id, Json(end.outcome.rows_written));
  if (end.rows_out) emit_metric(sink_, "rows_out", step.id, Json(*end.rows_out));
}

void StepRunner::report_success(const PlanStep& step, StepEnd& end, int64_t started_ns) {
  const double duration_s = static_cast<double>(clock_.monotonic_ns() - started_ns) / 1e9;
  const auto duration_ms = static_cast<int64_t>(duration_s * 1000);
  const uint64_t rows_out = end.rows_out.value_or(0);
  report_rows(step, end);
  emit_metric(sink_, "step_duration_ms", step.id, Json(duration_ms), "ms");
  emit_metric(sink_, "step_" + step.id + "_duration", step.id, Json(duration_s), "seconds");
  const uint64_t processed = step.mode == StepMode::kWrite     ? end.outcome.rows_written
                             : step.mode == StepMode::kExtract ? end.outcome.rows_read
                                                               : rows_out;
  if (!end.state.is_null()) emit_event(sink_, "step_state", step.id, Json::object({{"state", std::move(end.state)}}));
  Json complete = Json::object({{"driver", step.driver},
                                {"output_dir", "artifacts/" + step.id},
                                {"rows_processed", processed},
                                {"duration_ms", duration_ms},
                                {"duration", duration_s}});
  if (!end.fingerprint.empty()) complete.set("fingerprint", end.fingerprint);
  emit_event(sink_, "step_complete", step.id, std::move(complete));
  Json outputs = Json::object();
  if (end.rows_out) outputs.set("df", relation_name(step.id));
  end.result = Json::object({{"status", "success"},
                             {"step_id", step.id},
                             {"outputs", std::move(outputs)},
                             {"metrics", Json::object({{"rows_read", end.outcome.rows_read},
                                                       {"rows_written", end.outcome.rows_written},
                                                       {"rows_out", rows_out},
                                                       {"duration_ms", duration_ms}})},
                             {"artifacts", to_json(end.artifacts)}});
  if (step.shards && !step.shards->holds) {
    Json shards = Json::object({{"accepted", uint64_t{step.shards->list.size()}}});
    if (!end.fingerprint.empty()) shards.set("fingerprint", end.fingerprint);
    end.result.set("shards", std::move(shards));
  }
}

void StepRunner::report(StreamedEnd& ended) {
  ended.held->send(sink_, log_, ended.from_step, ended.rows_in);
  if (ended.end.status.ok()) {
    if (ended.step->kept.use == StepUse::kKeep) keep_output(run_, *ended.step, ended.end, sink_);
    report_success(*ended.step, ended.end, ended.started_ns);
  } else {
    report_failure(*ended.step, ended.end.status.error(), ended.started_ns);
  }
}

void StepRunner::report_failure(const PlanStep& step, const Error& error, int64_t started_ns) {
  Json fields = Json::object({{"driver", step.driver},
                              {"error", error.message},
                              {"error_type", code_name(error.code)},
                              {"category", error.category},
                              {"hint", error.hint},
                              {"duration", static_cast<double>(clock_.monotonic_ns() - started_ns) / 1e9}});
  if (!error.detail.is_null()) fields.set("detail", error.detail);
  emit_event(sink_, "step_failed", step.id, fields);
  emit_event(sink_, "step_error", step.id, std::move(fields));
  log_.error("step " + step.id + " failed: " + error.message);
}

}  // namespace osiris::worker
