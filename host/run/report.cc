#include "host/run/report.h"

#include <cmath>
#include <initializer_list>

#include "host/run/run_cost.h"
#include "protocol/base/file.h"

namespace osiris {
namespace {

int64_t milliseconds(double seconds) { return std::llround(seconds * 1e3); }

Json count(const std::optional<uint64_t>& rows) { return rows ? Json(*rows) : Json(); }

Json check_document(const CheckResult& check) {
  Json out = Json::object({{"check", check.name},
                           {"type", check.type},
                           {"severity", check.only_warns ? "warn" : "error"},
                           {"status", check.status},
                           {"rows", check.rows},
                           {"failures", count(check.failures)}});
  if (!check.message.empty()) out.set("message", check.message);
  if (!check.stored.empty()) out.set("stored", check.stored);
  return out;
}

Json step_shards_document(const StepState& step) {
  Json failed = Json::array();
  for (const ShardFailure& shard : step.failed_shards)
    failed.push_back(Json::object({{"shard", shard.index},
                                   {"value", shard.value},
                                   {"error", shard.error},
                                   {"category", shard.category},
                                   {"hint", shard.hint}}));
  return Json::object({{"accepted", uint64_t{step.shards.size()}}, {"failed", std::move(failed)}});
}

Json source_document(const SourceUse& source) {
  return Json::object(
      {{"longest_transaction_ms", source.transaction_s ? Json(milliseconds(*source.transaction_s)) : Json()},
       {"connections", count(source.connections)},
       {"bytes", count(source.bytes)}});
}

// The members of an event that are there.
Json document_of(const Json& event, std::initializer_list<const char*> keys) {
  Json out = Json::object();
  for (const char* key : keys)
    if (!event[key].is_null()) out.set(key, event[key]);
  return out;
}

Json step_document(const StepState& step) {
  Json out = Json::object({{"step_id", step.plan.id},
                           {"driver", step.plan.driver},
                           {"mode", step.plan.mode},
                           {"status", phase_name(step.phase)},
                           {"rows_read", count(step.rows_read)},
                           {"rows_written", count(step.rows_written)},
                           {"rows_out", count(step.rows_out)},
                           {"duration_ms", milliseconds(step.duration_s)}});
  if (step.source.is_known()) out.set("source", source_document(step.source));
  if (step.verified.is_object())
    out.set("verified", document_of(step.verified, {"table", "rows", "by", "fingerprint"}));
  if (step.chunks.is_object()) out.set("chunks", document_of(step.chunks, {"table", "chunks", "committed", "reused"}));
  if (!step.reused_run_id.empty()) out.set("reused_from", step.reused_run_id);
  if (!step.error.empty()) out.set("error", step.error);
  if (!step.hint.empty()) out.set("hint", step.hint);
  if (!step.category.empty()) out.set("category", step.category);
  if (!step.cause.empty()) out.set("cause", step.cause);
  Json checks = Json::array();
  for (const CheckResult& check : step.checks) checks.push_back(check_document(check));
  if (checks.size() > 0) out.set("checks", std::move(checks));
  if (!step.failed_shards.empty()) out.set("shards", step_shards_document(step));
  return out;
}

std::string cell(const std::optional<uint64_t>& number) { return number ? std::to_string(*number) : std::string("–"); }

std::string status_cell(const StepState& step) {
  if (step.is_reused()) return "not run again (of " + step.reused_run_id + ")";
  return std::string(phase_name(step.phase));
}

std::string sources_table(const RunReport& report) {
  std::string rows;
  for (const StepState& step : report.steps)
    if (const SourceUse& source = step.source; source.is_known())
      rows += "| " + step.plan.id + " | " +
              (source.transaction_s ? std::to_string(milliseconds(*source.transaction_s)) : "–") + " | " +
              cell(source.connections) + " | " + cell(source.bytes) + " |\n";
  return rows.empty()
             ? rows
             : "\n| read from a server | longest transaction, ms | connections | bytes |\n|---|---|---|---|\n" + rows;
}

std::string chunks_table(const RunReport& report, const Masking& masking) {
  std::string rows;
  for (const StepState& step : report.steps)
    if (step.chunks.is_object())
      rows += "| " + step.plan.id + " | " + masking.text(step.chunks["table"].as_string()) + " | " +
              std::to_string(step.chunks["chunks"].as_uint()) + " | " +
              std::to_string(step.chunks["committed"].as_uint()) + " | " +
              std::to_string(step.chunks["reused"].as_uint()) + " |\n";
  if (rows.empty()) return rows;
  return "\n| in chunks | staging table | chunks | committed | of earlier runs |\n|---|---|---|---|---|\n" + rows;
}

std::string verified_table(const RunReport& report, const Masking& masking) {
  std::string rows;
  for (const StepState& step : report.steps)
    if (step.verified.is_object())
      rows += "| " + step.plan.id + " | " + masking.text(step.verified["table"].as_string()) + " | " +
              std::to_string(step.verified["rows"].as_uint()) + " | " + step.verified["by"].as_string() + " | " +
              step.verified["fingerprint"].as_string_or("–") + " |\n";
  return rows.empty() ? rows : "\n| verified | table | rows | by | fingerprint |\n|---|---|---|---|---|\n" + rows;
}

std::string failed_shards_table(const RunReport& report, const Masking& masking) {
  std::string rows;
  for (const StepState& step : report.steps)
    for (const ShardFailure& shard : step.failed_shards)
      rows += "| " + step.plan.id + " | " + std::to_string(shard.index) + " | " + masking.text(shard.value) + " | " +
              masking.text(shard.error) + " |\n";
  return rows.empty() ? rows : "\n| step | shard that failed | value | error |\n|---|---|---|---|\n" + rows;
}

std::string checks_table(const RunReport& report, const Masking& masking) {
  std::string rows;
  for (const StepState& step : report.steps)
    for (const CheckResult& check : step.checks)
      rows += "| " + step.plan.id + " | " + check.name + " | " + (check.warned() ? "warned" : check.status) + " | " +
              masking.text(check.message) + " |\n";
  return rows.empty() ? rows : "\n| step | check | result | |\n|---|---|---|---|\n" + rows;
}

Json steps_document(const RunReport& report) {
  Json steps = Json::array();
  for (const StepState& step : report.steps) steps.push_back(step_document(step));
  return steps;
}

Json error_document(const Error& error) {
  Json out = Json::object({{"code", code_name(error.code)}, {"message", error.message}});
  if (!error.hint.empty()) out.set("hint", error.hint);
  if (!error.category.empty()) out.set("category", error.category);
  if (error.detail.is_object()) out.set("detail", error.detail);
  return out;
}

}  // namespace

Json summary_document(const RunReport& report, const Masking& masking) {
  Json run = Json::object({{"run_id", report.run_id},
                           {"status", outcome_name(report.verdict.exit_code)},
                           {"exit_code", static_cast<int>(report.verdict.exit_code)},
                           {"started_at", report.started_at},
                           {"duration_ms", milliseconds(report.total_seconds)},
                           {"adapter", report.adapter},
                           {"profile", report.profile},
                           {"session_dir", report.session_dir.string()},
                           {"total_rows", report.total_rows}});
  Json pipeline = Json::object({{"pipeline_id", report.pipeline_id},
                                {"title", report.pipeline_name},
                                {"manifest_hash", report.manifest_hash},
                                {"compiled_dir", report.compiled_dir.string()}});
  Json document = Json::object({{"run", masking.fields(run)},
                                {"pipeline", masking.fields(pipeline)},
                                {"steps", masking.fields(Json::object({{"steps", steps_document(report)}}))["steps"]},
                                {"outputs", to_json(report.outputs)}});
  if (report.released.size()) document.set("released", report.released);
  if (!report.cost.is_null()) document.set("cost", masking.fields(report.cost));
  if (report.error) document.set("error", masking.fields(error_document(*report.error)));
  return document;
}

std::string run_card(const RunReport& report, const Masking& masking) {
  std::string text = "# " + report.pipeline_name + ": " + std::string(outcome_name(report.verdict.exit_code)) + "\n\n";
  text += "- Run: `" + report.run_id + "`\n- Adapter: " + report.adapter +
          "\n- Profile: " + (report.profile.empty() ? "none" : report.profile) + "\n- Started: " + report.started_at +
          "\n- Duration: " + std::to_string(milliseconds(report.total_seconds)) +
          " ms\n- Rows: " + std::to_string(report.total_rows) + "\n- Manifest: `" + report.manifest_hash +
          "`\n- Session: `" + report.session_dir.string() + "`\n";
  for (const Json& resource : report.released.items())
    text += "- " + resource["kind"].as_string() + ": `" + resource["id"].as_string() + "`" +
            (resource["kept"].as_bool()       ? ", kept"
             : resource["verified"].as_bool() ? ", killed and verified"
                                              : ", not verified") +
            "\n";
  if (const std::string cost = cost_text(report.cost); !cost.empty()) text += "- Cost: " + masking.text(cost) + "\n";
  if (report.error) text += "\n**Error:** " + masking.text(report.error->message) + "\n";
  text += "\n| step | driver | status | rows read | rows written | rows out | ms |\n|---|---|---|---|---|---|---|\n";
  for (const StepState& step : report.steps)
    text += "| " + step.plan.id + " | " + step.plan.driver + " | " + status_cell(step) + " | " + cell(step.rows_read) +
            " | " + cell(step.rows_written) + " | " + cell(step.rows_out) + " | " +
            (step.is_reused() ? "–" : std::to_string(milliseconds(step.duration_s))) + " |\n";
  text += sources_table(report);
  text += chunks_table(report, masking);
  text += verified_table(report, masking);
  text += checks_table(report, masking);
  text += failed_shards_table(report, masking);
  if (!report.outputs.empty()) {
    text += "\n| output | bytes | sha256 |\n|---|---|---|\n";
    for (const Artifact& file : report.outputs)
      text += "| `" + file.path + "` | " + std::to_string(file.size_bytes) + " | `" + file.sha256 + "` |\n";
  }
  return text;
}

Status write_summary(const RunReport& report, const Masking& masking) {
  OSIRIS_TRY(make_directories(report.aiop_dir));
  OSIRIS_TRY(write_file_atomically(report.aiop_dir / "summary.json", summary_document(report, masking).dump() + "\n"));
  return write_file_atomically(report.aiop_dir / "run-card.md", run_card(report, masking));
}

Json result_document(const RunReport& report, const Masking& masking) {
  Json duration = Json::object({{"total", report.total_seconds}, {"execute", report.execute_seconds}});
  if (report.compile_seconds > 0) duration.set("compile", report.compile_seconds);
  Json out = Json::object({{"status", report.verdict.ok ? "success" : "error"}});
  if (report.verdict.ok) {
    out.set("message", "Pipeline executed successfully (" + report.adapter + ")");
  } else {
    out.set("phase", report.phase);
    out.set("message", report.error ? report.error->message : "the run did not succeed: " + report.verdict.reason);
  }
  out.set("session_id", report.run_id);
  out.set("session_dir", report.session_dir.string());
  out.set("artifacts_dir", (report.session_dir / "artifacts").string());
  out.set("execution_type", report.adapter);
  out.set("duration", std::move(duration));
  if (!report.compiled_dir.empty()) out.set("compiled_dir", report.compiled_dir.string());
  out.set("exit_code", static_cast<int>(report.verdict.exit_code));
  out.set("outcome", outcome_name(report.verdict.exit_code));
  if (report.error) out.set("error", error_document(*report.error));
  out.set("total_rows", report.total_rows);
  out.set("steps", steps_document(report));
  if (report.released.size()) out.set("released", report.released);
  if (!report.cost.is_null()) out.set("cost", report.cost);
  Json unreleased = Json::array();
  for (const RemoteResource& resource : report.unreleased)
    unreleased.push_back(Json::object({{"kind", resource.kind}, {"id", resource.id}, {"expires", resource.expires}}));
  if (unreleased.size()) out.set("unreleased", std::move(unreleased));
  Json warnings = Json::array();
  for (const std::string& warning : report.warnings) warnings.push_back(warning);
  if (warnings.size()) out.set("warnings", std::move(warnings));
  Json masked = masking.fields(out);
  masked.set("outputs", to_json(report.outputs));
  return masked;
}

}  // namespace osiris
