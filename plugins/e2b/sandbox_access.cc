#include "plugins/e2b/sandbox_access.h"

#include <signal.h>

#include <optional>
#include <utility>

#include "plugins/e2b/failures.h"

namespace osiris::e2b {
namespace {

using adapter_sdk::Milliseconds;

// "signal: killed" and its like, as envd (Go) spells them.
int signal_from(const std::string& status) {
  if (status.find("killed") != std::string::npos) return SIGKILL;
  if (status.find("terminated") != std::string::npos) return SIGTERM;
  if (status.find("segmentation fault") != std::string::npos) return SIGSEGV;
  if (status.find("aborted") != std::string::npos) return SIGABRT;
  return 0;
}

class Stream : public adapter_sdk::ProcessStream {
 public:
  explicit Stream(std::unique_ptr<e2b::ProcessStream> inner) : inner_(std::move(inner)) {}

  std::optional<adapter_sdk::ProcessEvent> next(Milliseconds wait) override {
    auto next = inner_->next(wait);
    if (!next && next.error().code == Code::kDeadline) return std::nullopt;
    ProcessEvent from = value_or_throw(std::move(next));
    adapter_sdk::ProcessEvent event;
    event.pid = from.pid;
    event.bytes = std::move(from.bytes);
    switch (from.kind) {
      case ProcessEvent::Kind::kStart:
        event.kind = adapter_sdk::ProcessEvent::Kind::kStart;
        break;
      case ProcessEvent::Kind::kStdout:
        event.kind = adapter_sdk::ProcessEvent::Kind::kOutput;
        break;
      case ProcessEvent::Kind::kStderr:
        event.kind = adapter_sdk::ProcessEvent::Kind::kLog;
        break;
      case ProcessEvent::Kind::kEnd:
        event.kind = adapter_sdk::ProcessEvent::Kind::kEnd;
        event.exit.kind = from.exited ? adapter_sdk::Exit::Kind::kExited : adapter_sdk::Exit::Kind::kSignaled;
        event.exit.status = from.exited ? from.exit_code : signal_from(from.status);
        break;
    }
    return event;
  }
  void cancel() override { inner_->cancel(); }

 private:
  const std::unique_ptr<e2b::ProcessStream> inner_;
};

// The answer to a GET of a file. The head comes with the first bytes of the body, and is looked at then.
class FileStream : public adapter_sdk::ByteSource {
 public:
  FileStream(std::unique_ptr<http::Exchange> exchange, uint64_t offset, std::string operation)
      : exchange_(std::move(exchange)), offset_(offset), operation_(std::move(operation)) {}

  std::optional<std::string> read(Milliseconds wait) override {
    auto bytes = exchange_->read(wait);
    if (!bytes && is_early(bytes.error())) return std::nullopt;
    if (!bytes) throw to_failure(broke(bytes.error()));
    if (head_seen_) return *std::move(bytes);
    const auto head = exchange_->head();
    if (!head) throw to_failure(broke(head.error()));
    head_seen_ = true;
    const int status = (*head)->status;
    if (status == 416 && offset_ > 0) return std::string();  // it broke after the last byte
    if (status == (offset_ > 0 ? 206 : 200)) return *std::move(bytes);
    http::ExchangeResult outcome;
    outcome.response = **head;
    outcome.response->body = *std::move(bytes);
    throw to_failure(failure_from(outcome, operation_));
  }

 private:
  static bool is_early(const Error& error) { return error.code == Code::kDeadline && error.category.empty(); }

  Error broke(const Error& error) const {
    if (error.code == Code::kCancelled) return error;
    return make_failure(FailureClass::kNetworkError, "cannot " + operation_ + ": " + error.message, "",
                        Json::object({{"operation", operation_}}));
  }

  const std::unique_ptr<http::Exchange> exchange_;
  const uint64_t offset_;
  const std::string operation_;
  bool head_seen_ = false;
};

}  // namespace

uint64_t SandboxAccess::upload(std::vector<adapter_sdk::UploadPart> parts, const std::atomic<bool>& cancelled,
                               const std::function<void()>& opened) {
  std::vector<UploadPart> own;
  for (adapter_sdk::UploadPart& part : parts)
    own.push_back({std::move(part.path),
                   [write = std::move(part.write)](const auto& sink) { return status_of([&] { write(sink); }); }});
  return value_or_throw(envd_.upload(own, &cancelled, opened));
}

std::unique_ptr<adapter_sdk::ByteSource> SandboxAccess::download(const std::string& path, uint64_t offset,
                                                                 const std::string& operation) {
  return std::make_unique<FileStream>(envd_.download(path, offset), offset, operation);
}

std::unique_ptr<adapter_sdk::ProcessStream> SandboxAccess::start(const adapter_sdk::StartSpec& spec) {
  return std::make_unique<Stream>(
      envd_.start({.command = spec.command, .arguments = spec.arguments, .environment = spec.environment}));
}

std::unique_ptr<adapter_sdk::ProcessStream> SandboxAccess::connect(int64_t pid) {
  return std::make_unique<Stream>(envd_.connect(pid));
}

void SandboxAccess::send_input(int64_t pid, std::string_view bytes, const std::atomic<bool>& cancelled) {
  check_or_throw(envd_.stream_input(pid, bytes, &cancelled));
}

void SandboxAccess::kill(int64_t pid) {
  const Status killed = envd_.signal(pid, true);
  if (!killed && failure_class_of(killed.error()) != FailureClass::kNotFound) throw to_failure(killed.error());
}

std::vector<int64_t> SandboxAccess::list() { return value_or_throw(envd_.list_processes()); }
bool SandboxAccess::is_alive() { return value_or_throw(envd_.is_alive()); }

bool SandboxAccess::is_unknown_process(const plugin::Failure& failure) const {
  return detail_of(to_error(failure), "rpc_code").as_string() == "not_found";
}

bool SandboxAccess::is_input_closed(const plugin::Failure& failure) const {
  // "internal": envd's "error writing to stdin: it is closed".
  return is_unknown_process(failure) || detail_of(to_error(failure), "rpc_code").as_string() == "internal";
}

}  // namespace osiris::e2b
