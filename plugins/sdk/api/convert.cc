#include "plugins/sdk/api/convert.h"

#include <utility>

#include "plugins/sdk/abi/host.h"
#include "protocol/base/error_detail.h"

namespace osiris::adapter_sdk {

Waker::Waker() : parts_(std::make_unique<Parts>()) {}
Waker::~Waker() = default;
void Waker::wake() const noexcept { parts_->waker.wake(); }
int Waker::fd() const noexcept { return parts_->waker.fd(); }

Error to_error(const plugin::Failure& failure) {
  return error_with_detail(static_cast<Code>(failure.code()), failure.message(), failure.hint(), failure.detail_json());
}

Exit to_exit(const sdk::ExitInfo& exit) {
  Exit out;
  out.kind = static_cast<Exit::Kind>(exit.kind);
  out.status = exit.status;
  if (exit.error) out.failure = sdk::to_failure(*exit.error);
  return out;
}

sdk::ExitInfo to_exit(const Exit& exit) {
  sdk::ExitInfo out;
  out.kind = static_cast<sdk::ExitInfo::Kind>(exit.kind);
  out.status = exit.status;
  if (!exit.failure) return out;
  out.error = to_error(*exit.failure);
  out.error_class = out.error->detail["class"].as_string_or("WorkerCrash");
  return out;
}

SpawnOptions to_spawn_options(const Program& program) {
  SpawnOptions options;
  options.arguments = {program.path};
  options.arguments.insert(options.arguments.end(), program.arguments.begin(), program.arguments.end());
  options.environment = program.environment;
  options.working_directory = program.directory;
  return options;
}

Status LoopChannel::send(std::string bytes) {
  return status_of([&] { channel_.send(std::move(bytes)); });
}

sdk::ReceiveOutcome LoopChannel::receive(sdk::Incoming& into, int64_t timeout_ms) {
  sdk::ReceiveOutcome outcome;
  const Status received = status_of([&] {
    const Received got = channel_.receive(into.output, into.log, Milliseconds(timeout_ms));
    outcome.kind = static_cast<sdk::ReceiveOutcome::Kind>(got.kind);
    if (got.kind == Received::Kind::kBroken) outcome.error = Error(Code::kUnavailable, got.reason);
    if (got.kind == Received::Kind::kClosed) outcome.exit = to_exit(got.exit);
  });
  if (received) return outcome;
  // It can say no more: the run ends with what it said.
  Exit lost;
  lost.failure = sdk::to_failure(received.error());
  return {sdk::ReceiveOutcome::Kind::kClosed, std::nullopt, to_exit(lost)};
}

void LoopChannel::close_input() {
  static_cast<void>(status_of([&] { channel_.close_input(); }));
}

void LoopChannel::kill() {
  static_cast<void>(status_of([&] { channel_.kill(); }));
}

sdk::Diagnosis LoopChannel::diagnose() {
  sdk::Diagnosis diagnosis;
  const Status looked = status_of([&] {
    Health health = channel_.health();
    diagnosis.cause = static_cast<sdk::Diagnosis::Cause>(health.kind);
    diagnosis.note = std::move(health.note);
    if (health.kind == Health::Kind::kEnded || health.kind == Health::Kind::kGone)
      diagnosis.exit = to_exit(health.exit);
  });
  if (!looked) diagnosis = {sdk::Diagnosis::Cause::kNetwork, std::nullopt, looked.error().message};
  return diagnosis;
}

Status LoopChannel::reopen() {
  bool open = false;
  OSIRIS_TRY(status_of([&] { open = channel_.reopen(); }));
  return open ? Status() : Status(Error(Code::kUnavailable, "the stream is not open again yet"));
}

Result<std::string> LoopChannel::fetch_records(uint64_t) {
  std::optional<std::string> records;
  OSIRIS_TRY(status_of([&] { records = channel_.fetch_records(); }));
  if (!records) return Error(Code::kUnsupported, "this channel keeps no record log");
  return *std::move(records);
}

}  // namespace osiris::adapter_sdk
