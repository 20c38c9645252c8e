#include "plugins/e2b/sandbox_access.h"

#include <signal.h>

#include <utility>

namespace osiris::e2b {
namespace {

using sdk::Milliseconds;

// "signal: killed" and its like, as envd (Go) spells them.
int signal_from(const std::string& status) {
  if (status.find("killed") != std::string::npos) return SIGKILL;
  if (status.find("terminated") != std::string::npos) return SIGTERM;
  if (status.find("segmentation fault") != std::string::npos) return SIGSEGV;
  if (status.find("aborted") != std::string::npos) return SIGABRT;
  return 0;
}

class Stream : public sdk::ProcessStream {
 public:
  explicit Stream(std::unique_ptr<e2b::ProcessStream> inner) : inner_(std::move(inner)) {}

  Result<sdk::ProcessEvent> next(Milliseconds wait) override {
    OSIRIS_ASSIGN(ProcessEvent from, inner_->next(wait));
    sdk::ProcessEvent event;
    event.pid = from.pid;
    event.bytes = std::move(from.bytes);
    switch (from.kind) {
      case ProcessEvent::Kind::kStart:
        event.kind = sdk::ProcessEvent::Kind::kStart;
        break;
      case ProcessEvent::Kind::kStdout:
        event.kind = sdk::ProcessEvent::Kind::kOutput;
        break;
      case ProcessEvent::Kind::kStderr:
        event.kind = sdk::ProcessEvent::Kind::kLog;
        break;
      case ProcessEvent::Kind::kEnd:
        event.kind = sdk::ProcessEvent::Kind::kEnd;
        event.exit.kind = from.exited ? sdk::ExitInfo::Kind::kExited : sdk::ExitInfo::Kind::kSignaled;
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
class FileStream : public sdk::ByteStream {
 public:
  FileStream(std::unique_ptr<http::Exchange> exchange, uint64_t offset, std::string operation)
      : exchange_(std::move(exchange)), offset_(offset), operation_(std::move(operation)) {}

  Result<std::string> read(Milliseconds wait) override {
    auto bytes = exchange_->read(wait);
    if (!bytes) return is_early(bytes.error()) ? bytes : Result<std::string>(broke(bytes.error()));
    if (head_seen_) return bytes;
    const auto head = exchange_->head();
    if (!head) return broke(head.error());
    head_seen_ = true;
    const int status = (*head)->status;
    if (status == 416 && offset_ > 0) return std::string();  // it broke after the last byte
    if (status == (offset_ > 0 ? 206 : 200)) return bytes;
    http::ExchangeResult outcome;
    outcome.response = **head;
    outcome.response->body = *std::move(bytes);
    return failure_from(outcome, operation_);
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

Result<uint64_t> SandboxAccess::upload(std::vector<sdk::UploadPart> parts, const std::atomic<bool>& cancelled,
                                       std::function<void()> opened) {
  std::vector<UploadPart> own;
  for (sdk::UploadPart& part : parts) own.push_back({std::move(part.path), std::move(part.write)});
  return envd_.upload(own, &cancelled, std::move(opened));
}

std::unique_ptr<sdk::ByteStream> SandboxAccess::download(const std::string& path, uint64_t offset,
                                                         std::string operation) {
  return std::make_unique<FileStream>(envd_.download(path, offset), offset, std::move(operation));
}

std::unique_ptr<sdk::ProcessStream> SandboxAccess::start(const sdk::StartSpec& spec) {
  return std::make_unique<Stream>(
      envd_.start({.command = spec.command, .arguments = spec.arguments, .environment = spec.environment}));
}

std::unique_ptr<sdk::ProcessStream> SandboxAccess::connect(int64_t pid) {
  return std::make_unique<Stream>(envd_.connect(pid));
}

Status SandboxAccess::send_input(int64_t pid, std::string_view bytes, const std::atomic<bool>& cancelled) {
  return envd_.stream_input(pid, bytes, &cancelled);
}

Status SandboxAccess::kill(int64_t pid) {
  Status killed = envd_.signal(pid, true);
  return !killed && failure_class_of(killed.error()) == FailureClass::kNotFound ? Status() : killed;
}

Result<std::vector<int64_t>> SandboxAccess::list() { return envd_.list_processes(); }
Result<bool> SandboxAccess::is_alive() { return envd_.is_alive(); }

bool SandboxAccess::is_unknown_process(const Error& error) const {
  return detail_of(error, "rpc_code").as_string() == "not_found";
}

bool SandboxAccess::is_input_closed(const Error& error) const {
  // "internal": envd's "error writing to stdin: it is closed".
  return is_unknown_process(error) || detail_of(error, "rpc_code").as_string() == "internal";
}

}  // namespace osiris::e2b
