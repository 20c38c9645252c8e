#include "worker/executor/step_runner.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <system_error>

#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "protocol/base/sha256.h"
#include "protocol/model/artifact.h"
#include "protocol/model/step_naming.h"
#include "worker/executor/kept_outputs.h"
#include "worker/executor/masked_config.h"
#include "worker/executor/sharded_step.h"
#include "worker/executor/step_checks.h"
#include "worker/executor/step_context.h"
#include "worker/executor/step_records.h"
#include "worker/executor/streamed_steps.h"

namespace osiris::worker {
namespace {

constexpr std::string_view kMetaKeys[] = {"component", "connection"};
constexpr double kSecondsMax = 1e9;  // past any run

std::chrono::nanoseconds seconds(double value) {
  return std::chrono::nanoseconds(static_cast<int64_t>(std::min(value, kSecondsMax) * 1e9));
}

std::string relative_dir(const PlanStep& step) { return "artifacts/" + step.id; }

Json sorted_keys(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.members()) keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  Json list = Json::array();
  for (std::string& key : keys) list.push_back(std::move(key));
  return list;
}

// "12", or "2.5": seconds as a person writes them.
std::string in_seconds(double value) {
  std::string text = format_double(value);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text + " s";
}

// What a writer has before it; 0 where nothing says.
uint64_t rows_to_write(const PlanStep& step, const std::vector<Input>& inputs) {
  return step.mode == StepMode::kWrite && !inputs.empty() ? inputs.front().rows : 0;
}

// A checking step (`osiris connections doctor`) moves no data; a driver without a check has nothing that could fail.
Result<StepOutcome> call_driver(const PlanStep& step, const Driver& driver, StreamedOutput* opened,
                                StepContext& context) try {
  if (opened) {
    if (auto stored = opened->store(context)) return *std::move(stored);
  }
  if (!step.check) return driver.run(context);
  if (driver.check) OSIRIS_TRY(driver.check(context));
  return StepOutcome{};
} catch (const std::bad_alloc&) {
  return Error(Code::kExhausted, "step " + step.id + " ran out of memory",
               "Raise --memory-limit or give the step less to do.", category::kRuntimeMemoryExceeded);
}

// The driver's error, or why it was made to stop.
Error final_error(const Error& error, const PlanStep& step, Stop stop) {
  switch (stop) {
    case Stop::kCancelled:
      return Error(Code::kCancelled, "step " + step.id + " was cancelled");
    case Stop::kOtherFailed:
      return Error(Code::kCancelled, "step " + step.id + " was cancelled because another step failed", "",
                   category::kRuntimeDependencyFailed);
    case Stop::kTimeout:
      return Error(Code::kDeadline, "step " + step.id + " ran longer than its timeout of " + in_seconds(step.timeout_s),
                   "Raise the step's `timeout` or give it less to do.", category::kRuntimeTimeout);
    case Stop::kNone:
      break;
  }
  return error;
}

// A retry cannot help against wrong input, and must not against a stop.
constexpr std::chrono::milliseconds kFlushLimit{200};

bool worth_retrying(const Error& error) {
  switch (error.code) {
    case Code::kCancelled:
    case Code::kInvalidArgument:
    case Code::kInvalidState:
    case Code::kUnsupported:
      return false;
    default:
      return true;
  }
}

}  // namespace

void StepRunner::begin(const PlanStep& step) {
  emit_event(sink_, "step_start", step.id, Json::object({{"driver", step.driver}}));
}

StepEnd StepRunner::run(const PlanStep& step, const Relations& inputs, StepControl& control, const Readers* readers,
                        std::vector<StreamedEnd>& streamed) {
  const int64_t started_ns = clock_.monotonic_ns();
  begin(step);
  if (!step.kept.runs()) return reuse(step, inputs, control, started_ns);
  StepEnd end;
  Prepared prepared;
  end.status = prepare(step, inputs, {}, prepared);
  // A driver may end the process: what was said before it began must not be lost with it.
  sink_.flush(kFlushLimit);
  StreamedSteps streams(*this, step, prepared, control);
  if (end.status.ok() && readers) {
    end.status = streams.run(*readers, streamed, end);
    if (!end.status.ok()) end.status = final_error(end.status.error(), step, control.stopped());
  }
  if (end.status.ok() && streamed.empty()) {
    if (ShardedStep* begun = streams.sharded())
      end.status = begun->run(end);
    else if (step.shards && !step.check)
      end.status = ShardedStep(*this, step, prepared, control).run(end);
    else
      end.status = run_attempts(step, prepared, control, streams.unread(), end);
  }
  // The attempt that stored what was opened has not set it.
  if (end.status.ok() && streams.unread() && end.state.is_null()) end.state = streams.take_state();
  if (end.status.ok() && !step.check && !step.checks.empty())
    end.status = check_rows(step, prepared, inputs, control, end);
  report_end(step, end, started_ns);
  return end;
}

StepEnd StepRunner::reuse(const PlanStep& step, const Relations& inputs, StepControl& control, int64_t started_ns) {
  StepEnd end = take_output(run_, step, sink_);
  // Rows of shards that other workers ran are seen as one here for the first time.
  if (end.status.ok() && end.relation && step.shards && !step.checks.empty())
    end.status = check_rows(step, {}, inputs, control, end);
  report_end(step, end, started_ns);
  return end;
}

// They have the step's timeout to themselves; what they say of the rows would be said again, so nothing is retried.
Status StepRunner::check_rows(const PlanStep& step, const Prepared& prepared, const Relations& inputs,
                              StepControl& control, const StepEnd& end) {
  if (step.timeout_s > 0) control.attempt_deadline_ns = clock_.monotonic_ns() + seconds(step.timeout_s).count();
  const Status checked = run_checks({run_, step, end.relation, prepared.views, inputs, control, sink_, clock_});
  control.attempt_deadline_ns = 0;
  if (checked.ok()) return {};
  return final_error(checked.error(), step, control.stopped());
}

Status StepRunner::prepare(const PlanStep& step, const Relations& inputs, const Streams& streams, Prepared& prepared) {
  const auto artifacts_dir = run_.artifacts_dir(step.id);
  const bool is_made = ahead_.take(step.id, artifacts_dir);
  if (!is_made) OSIRIS_TRY(make_directories(artifacts_dir));
  emit_event(sink_, "artifacts_dir_created", step.id, Json::object({{"relative_path", relative_dir(step)}}));
  emit_event(sink_, "cfg_opened", step.id,
             Json::object({{"path", step.cfg_path},
                           {"sha256", sha256_hex(step.cfg.dump_canonical())},
                           {"keys", sorted_keys(step.cfg)}}));
  prepared.config = step.cfg;
  Json removed = Json::array();
  for (const std::string_view key : kMetaKeys) {
    if (prepared.config.erase(key)) removed.push_back(key);
  }
  emit_event(sink_, "config_meta_stripped", step.id, Json::object({{"keys_removed", std::move(removed)}}));
  // The file shows the connection, so the connection is looked up first; the events come in the documented order.
  const Status resolved = resolve_connection(step, prepared);
  if (!is_made) {
    OSIRIS_ASSIGN(const std::string text, config_text(step, prepared));
    OSIRIS_TRY(write_file_atomically(artifacts_dir / kConfigFile, text));
  }
  emit_event(
      sink_, "artifact_created", step.id,
      Json::object({{"artifact_type", "cleaned_config"}, {"path", relative_dir(step) + "/cleaned_config.json"}}));
  if (!step.connection.empty()) {
    const Json who = Json::object({{"family", prepared.connection.family}, {"alias", prepared.connection.alias}});
    emit_event(sink_, "connection_resolve_start", step.id, who);
    Json complete = who;
    complete.set("ok", resolved.ok());
    if (!resolved.ok()) complete.set("error", resolved.error().message);
    emit_event(sink_, "connection_resolve_complete", step.id, std::move(complete));
  }
  if (!resolved.ok()) return resolved.error();

  prepared.driver = run_.find_driver(step.driver);
  if (step.driver == "mock" && !run_.allow_mock) prepared.driver = nullptr;
  if (!prepared.driver)
    return Error(Code::kUnsupported, "this worker has no driver named " + step.driver,
                 "`osiris components list` shows what can run.", category::kSystemResourceUnavailable);
  gather_inputs(step, inputs, streams, prepared);
  prepared.files = std::make_shared<PlannedFiles>(step);
  return {};
}

void StepRunner::make_ahead(const PlanStep& step) {
  Prepared prepared;
  prepared.config = step.cfg;
  for (const std::string_view key : kMetaKeys) prepared.config.erase(key);
  if (!resolve_connection(step, prepared).ok()) return;
  if (const auto text = config_text(step, prepared); text.ok()) ahead_.make(step.id, *text);
}

Result<std::string> StepRunner::config_text(const PlanStep& step, const Prepared& prepared) const {
  Json config = prepared.config;
  if (prepared.has_connection) config.set("resolved_connection", prepared.connection.fields);
  const Json masked = masked_config(std::move(config), run_.secret_pointers(step.component), *run_.redactor);
  // Sorted, so that the bytes do not depend on how the plan travelled.
  OSIRIS_ASSIGN(const Json sorted, parse_json(masked.dump_canonical()));
  return sorted.dump_pretty(2);
}

Status StepRunner::resolve_connection(const PlanStep& step, Prepared& prepared) const {
  if (step.connection.empty()) return {};
  const Json* known = run_.connections.find(step.connection);
  PlanConnection connection = plan_connection_from_json(step.connection, known ? *known : Json());
  prepared.connection.family = connection.family;
  prepared.connection.alias = connection.alias;
  if (!known) {
    return Error(Code::kInvalidArgument,
                 "the connection " + step.connection + " of step " + step.id + " was not sent to the worker",
                 "Check osiris_connections.yaml.", category::kConnectionNotFound);
  }
  prepared.connection.fields = std::move(connection.fields);
  prepared.connection.addresses = std::move(connection.addresses);
  for (const auto& [field, secret] : connection.secrets) {
    const Json* value = run_.secrets.find(secret);
    if (!value) {
      return Error(Code::kInvalidArgument,
                   "the secret " + secret + " of connection " + step.connection + " has no value",
                   "Set the variable that osiris_connections.yaml names for it.", category::kConnectionInvalidConfig);
    }
    prepared.connection.fields.set(field, *value);
  }
  prepared.has_connection = true;
  return {};
}

void StepRunner::gather_inputs(const PlanStep& step, const Relations& inputs, const Streams& streams,
                               Prepared& prepared) {
  uint64_t rows = 0;
  for (const PlanInput& input : step.inputs) {
    const auto found = inputs.find(input.from_step);
    const auto stream = streams.find(input.from_step);
    if (found == inputs.end() && stream == streams.end()) continue;  // a writer: it has no rows to give
    const bool is_stored = found != inputs.end();
    const uint64_t input_rows = is_stored ? found->second->rows() : 0;
    prepared.views.push_back(
        {{input.name}, is_stored ? found->second : nullptr, input.from_step, is_stored ? nullptr : stream->second});
    prepared.inputs.push_back({input.name, input.from_step, input_rows, !is_stored});
    prepared.in_shards.push_back(input.in_shards);
    rows += input_rows;
    emit_event(sink_, "inputs_resolved", step.id,
               Json::object(
                   {{"from_step", input.from_step}, {"key", input.name}, {"rows", input_rows}, {"from_memory", true}}));
  }
  if (prepared.views.size() == 1 && prepared.views[0].names[0] != kOnlyInputName)
    prepared.views[0].names.emplace_back(kOnlyInputName);
  if (!prepared.views.empty()) emit_metric(sink_, "rows_in", step.id, Json(rows));
}

Status StepRunner::run_attempts(const PlanStep& step, const Prepared& prepared, StepControl& control,
                                StreamedOutput* opened, StepEnd& end) {
  for (uint64_t number = 1;; ++number, opened = nullptr) {
    end = attempt(step, prepared, control, opened, number);
    if (end.status.ok()) return {};
    const Error error = final_error(end.status.error(), step, control.stopped());
    if (number >= step.attempts_max || !worth_retrying(error)) return error;
    Json retry = Json::object({{"attempt", number + 1},
                               {"max_attempts", step.attempts_max},
                               {"delay_s", step.retry_delay_s},
                               {"error", error.message}});
    if (prepared.shard) retry.set("shard", prepared.shard->index);
    emit_event(sink_, "step_retry", step.id, std::move(retry));
    control.forget_timeout();
    control.pause(seconds(step.retry_delay_s));
    if (control.stopped() != Stop::kNone) return final_error(error, step, control.stopped());
  }
}

size_t StepRunner::take_threads(size_t wanted) {
  size_t spare = spare_threads_;
  while (!spare_threads_.compare_exchange_weak(spare, spare - std::min(spare, wanted))) {
  }
  return std::min(spare, wanted);
}

StepEnd StepRunner::attempt(const PlanStep& step, const Prepared& prepared, StepControl& control,
                            StreamedOutput* opened, uint64_t number) {
  StepEnd end;
  const std::string of_shard = prepared.shard ? "." + std::to_string(prepared.shard->index) : std::string();
  const auto scratch = run_.worker_dir() / "scratch" / (step.id + of_shard + "." + std::to_string(number));
  control.rows = control.bytes = control.bytes_total = 0;
  control.rows_total = rows_to_write(step, prepared.inputs);
  if (step.timeout_s > 0) control.attempt_deadline_ns = clock_.monotonic_ns() + seconds(step.timeout_s).count();
  bool has_scratch = false;
  {
    StepDatabase database(run_.database, step.id, prepared.views);
    control.set_database(&database);
    AttemptContext::Parts parts{run_,
                                step,
                                control,
                                database,
                                sink_,
                                log_,
                                prepared.config,
                                prepared.has_connection ? &prepared.connection : nullptr,
                                prepared.inputs,
                                scratch};
    parts.shard = prepared.shard;
    parts.settled = prepared.settled;
    parts.is_for_all_shards = prepared.work != nullptr;
    parts.files = prepared.files;
    AttemptContext context(std::move(parts));
    auto outcome = control.stopped() != Stop::kNone ? Result<StepOutcome>(Error(Code::kCancelled, "stopped"))
                   : prepared.work                  ? prepared.work(context)
                                                    : call_driver(step, *prepared.driver, opened, context);
    control.attempt_deadline_ns = 0;
    if (!database.error().ok()) outcome = database.error().error();
    if (outcome.ok()) {
      end.outcome = *outcome;
      end.artifacts = context.take_artifacts();
      end.state = context.take_state();
      auto relation = database.take_output();
      if (relation.ok()) {
        end.relation = *std::move(relation);
        if (end.relation) end.rows_out = end.relation->rows();
      } else {
        end.status = relation.error();
      }
    } else {
      end.status = outcome.error();
    }
    control.set_database(nullptr);
    has_scratch = context.has_scratch();
  }
  std::error_code ignored;
  if (has_scratch) std::filesystem::remove_all(scratch, ignored);
  return end;
}

}  // namespace osiris::worker
