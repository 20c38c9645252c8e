#include "host/run/stages.h"

#include "protocol/base/categories.h"

namespace osiris {
namespace {

// A request that is wrong shows in the stages that only look at it; what fails later is the adapter's or the step's.
ErrorSource source_of(std::string_view stage) {
  return stage == "configure" || stage == "validate" || stage == "prepare" ? ErrorSource::kInput : ErrorSource::kRun;
}

}  // namespace

std::vector<Artifact> StagesResult::outputs() const {
  std::vector<Artifact> files;
  for (const Json& file : artifacts["files"].items()) files.push_back(reported_artifact(file));
  return files;
}

Error stopped_error(StopReason reason) {
  if (reason == StopReason::kDeadline)
    return {Code::kDeadline, "the run did not end in time and was stopped", "allow more with --timeout",
            category::kRuntimeTimeout};
  return {Code::kCancelled, "the run was cancelled", ""};
}

StagesResult Stages::failed(std::string stage, const Error& error) const {
  const StopReason reason = events_.stop_reason();
  const bool stopped = error.code == Code::kCancelled || error.code == Code::kDeadline;
  StagesResult result;
  // The adapter only sees "stop"; whether the user or the clock said so is known here.
  result.error = stopped && reason != StopReason::kNone ? stopped_error(reason) : error;
  result.stage = std::move(stage);
  result.source = source_of(result.stage);
  return result;
}

StagesResult Stages::run(const std::vector<std::pair<std::string, std::string>>& settings, AdapterRequest request) {
  auto created = AdapterInstance::create(type_, events_);
  if (!created.ok()) return failed("create", created.error());
  AdapterInstance* adapter = created->get();
  {
    std::lock_guard lock(mutex_);
    instance_ = *std::move(created);
  }
  StagesResult result = drive(*adapter, settings, request);
  adapter->destroy();
  return result;
}

void Stages::cancel() {
  std::lock_guard lock(mutex_);
  if (instance_) instance_->cancel();
}

StagesResult Stages::drive(AdapterInstance& adapter, const std::vector<std::pair<std::string, std::string>>& settings,
                           AdapterRequest& request) {
  const Json session = Json::object({{"session_id", request.run_id}});
  const auto stopped = [&] { return events_.stop_reason() != StopReason::kNone; };
  if (const Status status = adapter.configure(settings); !status.ok()) return failed("configure", status.error());
  if (const Status status = adapter.validate(request); !status.ok()) return failed("validate", status.error());
  if (stopped()) return failed("validate", stopped_error(events_.stop_reason()));
  if (accepted) accepted(adapter, request);

  log_.event("adapter_prepare_start", session);
  const StageOutcome prepared = adapter.prepare(request);
  if (!prepared.ok()) return failed("prepare", prepared.status.error());
  log_.event("adapter_prepare_complete", session);
  if (stopped()) return failed("prepare", stopped_error(events_.stop_reason()));

  request.prepared_json = prepared.document_text;
  log_.event("adapter_execute_start", session);
  const int64_t started_ns = clock_.monotonic_ns();
  const StageOutcome executed = adapter.execute(request);
  StagesResult result;
  if (!executed.ok()) {
    Error error = executed.status.error();
    // Steps that were told to stop have failed, but not by a fault of theirs.
    if (error.code == Code::kStepFailed && stopped() && executed.document["status"].as_string() == "cancelled")
      error = stopped_error(events_.stop_reason());
    result = failed("execute", error);
  }
  result.execute_seconds = static_cast<double>(clock_.monotonic_ns() - started_ns) / 1e9;
  Json complete = session;
  complete.set("success", executed.ok());
  log_.event("adapter_execute_complete", complete);

  log_.event("adapter_collect_start", session);
  const StageOutcome collected = adapter.collect(request);
  result.artifacts = collected.document;
  Json collect_complete = session;
  collect_complete.set("files", uint64_t{collected.document["files"].size()});
  if (collected.ok()) {
    log_.event("adapter_collect_complete", collect_complete);
  } else {
    log_.event("collect_error", Json::object({{"error", collected.status.error().message}}));
    log_.log(LogLevel::kError, "osiris.run", collected.status.error().message);
  }
  if (result.error) return result;
  // Until here the user and the clock have the last word, whatever the adapter made of it.
  std::optional<Error> late;
  if (!collected.ok())
    late = collected.status.error();
  else if (stopped())
    late = stopped_error(events_.stop_reason());
  if (late) {
    StagesResult failure = failed("collect", *late);
    failure.artifacts = result.artifacts;
    failure.execute_seconds = result.execute_seconds;
    return failure;
  }
  result.stage = "collect";
  return result;
}

}  // namespace osiris
