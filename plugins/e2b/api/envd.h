// envd, the daemon inside each sandbox: files over plain HTTP, processes over Connect RPC with JSON.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugins/e2b/api/connect_codec.h"
#include "plugins/e2b/api/control_plane.h"

namespace osiris::e2b {

// What a process stream brings, in the order envd sends it: one start, any number of output, one end.
struct ProcessEvent {
  enum class Kind { kStart, kStdout, kStderr, kEnd } kind = Kind::kStart;
  int64_t pid = 0;      // kStart
  std::string bytes;    // kStdout, kStderr
  bool exited = false;  // kEnd: a normal exit; otherwise a signal
  int exit_code = 0;    // kEnd: -1 when signalled
  std::string status;   // kEnd: "exit status 3", "signal: killed"
};

// The reply of Start or Connect. Not thread safe but for cancel().
class ProcessStream {
 public:
  ProcessStream(std::unique_ptr<http::Exchange> exchange, std::string operation)
      : exchange_(std::move(exchange)), operation_(std::move(operation)) {}

  // The next event; kDeadline when none came within `wait`. An error otherwise
  // means the stream is over without an end event: the process may live on.
  Result<ProcessEvent> next(http::Milliseconds wait);
  void cancel() { exchange_->cancel(); }

 private:
  Result<std::optional<ProcessEvent>> take();

  std::unique_ptr<http::Exchange> exchange_;
  std::string operation_;
  EnvelopeDecoder decoder_;
  bool head_seen_ = false;
  bool closed_ = false;
};

struct StartSpec {
  std::string command;  // absolute
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;
};

// One file of an upload: `size_bytes` bytes that `write` sends to the sink, in order; write returns false when the sink
// does, or an error to abort the upload.
struct UploadPart {
  std::string path;  // absolute, in the sandbox
  std::function<Status(const std::function<bool(std::string_view)>& sink)> write;
};

// The limit of a question about health: three of them, one after the other, take less than 5 s.
inline constexpr http::Milliseconds kAskWait{1'500};

class Envd {
 public:
  // `stall_limit`: how long a call on which the run depends may stall: its lease.
  Envd(ApiClient& api, Sandbox sandbox, http::Milliseconds stall_limit);
  const Sandbox& sandbox() const { return sandbox_; }

  // One multipart request carrying every part, streamed as the parts are made. Returns the bytes sent. Not retried: a
  // part cannot be made twice. A broken upload leaves truncated files, so callers verify what they use by hash.
  // `opened` is called once it is under way.
  Result<uint64_t> upload(const std::vector<UploadPart>& parts, const std::atomic<bool>* cancelled,
                          std::function<void()> opened = {});
  std::unique_ptr<ProcessStream> start(const StartSpec& spec);
  std::unique_ptr<ProcessStream> connect(int64_t pid);
  // Ordered with earlier calls on this object; returns once the process's pipe took it. What is sent may hold secrets:
  // no copy of it stays in memory, and it goes by the one call that envd does not write to its log. Where a service
  // lacks that call, an error.
  Status stream_input(int64_t pid, std::string_view bytes, const std::atomic<bool>* cancelled = nullptr);
  Status signal(int64_t pid, bool kill);
  // The pids of the processes that live, by List. This and is_alive() answer within 2 s each, whatever the network
  // does.
  Result<std::vector<int64_t>> list_processes();
  // A file's bytes as they come, from `offset` on.
  std::unique_ptr<http::Exchange> download(const std::string& path, uint64_t offset = 0);
  // True: envd answers. False: the service says the sandbox is not there. Error: the network did not let us ask.
  Result<bool> is_alive();

 private:
  http::Request request(std::string method, const std::string& path, std::string operation) const;
  struct CallOptions {
    bool idempotent = false;
    const std::atomic<bool>* cancelled = nullptr;
    http::Milliseconds wait{0};  // for the whole exchange; 0: as configured
    bool once = false;           // never retried
  };
  Result<Json> unary(const std::string& procedure, const Json& message, std::string operation,
                     const CallOptions& manner);
  http::Request stream_request(const std::string& procedure, std::string operation) const;
  std::unique_ptr<ProcessStream> stream(const std::string& procedure, const Json& message, std::string operation,
                                        http::Milliseconds idle);

  ApiClient& api_;
  const Sandbox sandbox_;
  const std::string base_url_;
  const http::Milliseconds stall_limit_;
};

// Where a sandbox's envd answers (docs/e2b.md): the configured URL as it is, the shared host of E2B's own domains, or
// the sandbox's own host.
std::string envd_url(const ApiConfig& config, const Sandbox& sandbox);

}  // namespace osiris::e2b
