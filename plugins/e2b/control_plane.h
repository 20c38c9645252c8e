// The control plane's REST API: sandboxes. Templates are in templates.h.
// Endpoints, fields and statuses: docs/e2b.md.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "plugins/e2b/failure.h"
#include "protocol/http/retry.h"

namespace osiris::e2b {

struct ApiConfig {
  std::string api_url;      // "https://api.e2b.app", no slash at the end
  std::string sandbox_url;  // envd's base; empty: derived from `domain`
  std::string domain = "e2b.app";
  std::string api_key;
  http::Timeouts timeouts{http::Milliseconds(10'000), http::Milliseconds(75'000), http::Milliseconds(90'000)};
};

// The same limits for an exchange that may take `wait` in all.
http::Timeouts shortened(http::Timeouts timeouts, http::Milliseconds wait);

struct SandboxSpec {
  std::string template_id = "base";
  int64_t lease_s = 120;
  std::map<std::string, std::string> metadata;
  Json network;  // {"allowOut":[...],"denyOut":[...]} or null for the template's own
  bool internet = true;
};

struct Sandbox {
  std::string id;
  std::string template_id;
  std::string envd_version;
  std::string envd_token;
  std::string domain;  // empty: the configured one
  std::string state;   // "running", "paused"; of get and list
  std::map<std::string, std::string> metadata;
  std::string started_at, end_at;
  int64_t cpu_count = 0;
  int64_t memory_mb = 0;
};

// One JSON call to the control plane, with the key, retried where that is harmless. [any thread]
class ApiClient {
 public:
  ApiClient(ApiConfig config, http::Transport& transport, http::RetryPolicy policy, std::function<bool(http::Milliseconds)> sleep,
            std::function<void(const http::Request&, const http::RetryNote&)> note);

  struct Call {
    std::string method;
    std::string path;  // with query
    Json body;         // null: none
    std::string operation;
    bool idempotent = false;
    const std::atomic<bool>* cancelled = nullptr;
    http::Milliseconds wait{0};  // for the whole exchange; 0: as configured
    bool once = false;           // never retried, whatever comes
    http::Milliseconds cancel_grace{0};
  };
  // The response whatever its status, or the failure to get one.
  http::Outcome send(const Call& call);
  const ApiConfig& config() const { return config_; }
  http::Transport& transport() { return transport_; }
  http::RetryingSender& sender() { return sender_; }

 private:
  const ApiConfig config_;
  http::Transport& transport_;
  http::RetryingSender sender_;
};

// POST /v2/sandboxes, falling back to POST /sandboxes where the service is older. Not retried after an answer that may have
// come from a create that worked: the caller looks for its metadata instead (find_by_metadata). A create that is under way when
// the run is cancelled may end: what it makes can then be killed at once, and not only when its lease is over.
struct CreateOptions {
  http::Milliseconds wait{90'000};
  const std::atomic<bool>* cancelled = nullptr;
  http::Milliseconds cancel_grace{10'000};
};
Result<Sandbox> create_sandbox(ApiClient& api, const SandboxSpec& spec, const CreateOptions& options);
// Every page of GET /v2/sandboxes with this metadata.
Result<std::vector<Sandbox>> find_by_metadata(ApiClient& api, const std::map<std::string, std::string>& metadata);
Result<Sandbox> get_sandbox(ApiClient& api, const std::string& id);
// Takes a running sandbox over: its life is extended to lease_s from now, and the answer names its envd token.
Result<Sandbox> connect_sandbox(ApiClient& api, const std::string& id, int64_t lease_s);

// Of calls whose caller repeats them itself, in its own time.
struct Once {
  http::Milliseconds wait{0};  // for the exchange; 0: as configured
  const std::atomic<bool>* cancelled = nullptr;
};
// Sets the end of life to now + lease_s.
Status renew_lease(ApiClient& api, const std::string& id, int64_t lease_s, const Once& once);
// DELETE; a sandbox that is gone already is success.
Status kill_sandbox(ApiClient& api, const std::string& id, const Once& once);
// True when GET says 404, false while it still lists the sandbox.
Result<bool> is_gone(ApiClient& api, const std::string& id, const Once& once);

// Kills and asks until the service says that the sandbox is gone. Whatever goes wrong is tried again, refusals a few times only, no
// longer than `budget`; `sleep` must not end early.
Status kill_and_verify(ApiClient& api, const std::string& id, http::Milliseconds budget, const std::function<void(http::Milliseconds)>& sleep);

}  // namespace osiris::e2b
