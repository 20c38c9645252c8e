// The control plane's REST API: sandboxes. Templates are in templates.h.
// Endpoints, fields and statuses: docs/e2b.md. Where a call has a newer and an older route, the newer one is tried, and
// the older one once the service has shown that it does not know the newer (docs/decisions/0020-two-generations.md).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "plugins/e2b/api/failure.h"
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
  // Lower-case letters, digits and hyphens: a service that knows the header Idempotency-Key makes one sandbox for it,
  // however often it is asked.
  std::string idempotency_key;
};

struct Sandbox {
  std::string id;
  std::string template_id;
  std::string envd_token;
  std::string domain;  // empty: the configured one
  std::string state;   // "running", "paused"; of get and list
  std::map<std::string, std::string> metadata;
  std::string started_at, end_at;
  int64_t cpu_count = 0;
  int64_t memory_mb = 0;
};

// What came to the API together, and so is known or unknown together.
enum class Generation : unsigned {
  kSandboxes,      // POST /v2/sandboxes and /v2/sandboxes/{id}/connect; before: without /v2
  kSandboxLists,   // GET /v2/sandboxes; before: GET /sandboxes
  kTemplates,      // POST /v3/templates; before: POST /v2/templates
  kTemplateLists,  // GET /v2/templates; before: GET /templates
};

// One JSON call to the control plane, with the key, retried where that is harmless. [any thread]
class ApiClient {
 public:
  ApiClient(ApiConfig config, http::Transport& transport, http::RetryPolicy policy,
            std::function<bool(http::Milliseconds)> sleep,
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
    std::string idempotency_key = {};  // empty: none
  };
  // The response whatever its status, or the failure to get one.
  http::ExchangeResult send(const Call& call);
  // The same by the newer route or, where that is unknown, by the older one; what was found out is remembered by this
  // client.
  http::ExchangeResult send(Generation generation, const Call& newer, const Call& older);
  // True once the service has shown that it does not know the newer routes.
  bool is_older(Generation generation) const { return (older_ & bit(generation)) != 0; }
  const ApiConfig& config() const { return config_; }
  http::Transport& transport() { return transport_; }
  http::RetryingSender& sender() { return sender_; }

 private:
  static unsigned bit(Generation generation) { return 1u << static_cast<unsigned>(generation); }

  const ApiConfig config_;
  http::Transport& transport_;
  http::RetryingSender sender_;
  std::atomic<unsigned> older_{0};
};

// POST /v2/sandboxes or /sandboxes. Not retried after an answer that may have come from a create that worked: that is
// the caller's. A create that is under way when the run is cancelled may end: what it makes can then be killed at once,
// and not only when its lease is over.
struct CreateOptions {
  http::Milliseconds wait{90'000};
  const std::atomic<bool>* cancelled = nullptr;
  http::Milliseconds cancel_grace{10'000};
};
Result<Sandbox> create_sandbox(ApiClient& api, const SandboxSpec& spec, const CreateOptions& options);
// Every page of GET /v2/sandboxes with this metadata; an older service lists running ones only.
Result<std::vector<Sandbox>> find_by_metadata(ApiClient& api, const std::map<std::string, std::string>& metadata);
// POST /sandboxes/{id}/fork: `count` sandboxes (20 at most) with its files, each with lease_s to live; for each a
// sandbox or why there is none. Not retried after an answer that may have come from a call that worked. kUnsupported
// where the service knows no such call.
inline constexpr size_t kForksMax = 20;
Result<std::vector<Result<Sandbox>>> fork_sandbox(ApiClient& api, const std::string& id, size_t count, int64_t lease_s,
                                                  const CreateOptions& options);
// Takes a running sandbox over: its life is extended to lease_s from now, and the answer names its envd token.
Result<Sandbox> connect_sandbox(ApiClient& api, const std::string& id, int64_t lease_s);

// Of calls whose caller repeats them itself, in its own time.
struct CallLimits {
  http::Milliseconds wait{0};  // for the exchange; 0: as configured
  const std::atomic<bool>* cancelled = nullptr;
};
// What the service says of it, as it says it: docs/e2b.md.
Result<Json> describe_sandbox(ApiClient& api, const std::string& id, const CallLimits& limits);
Result<Sandbox> get_sandbox(ApiClient& api, const std::string& id, const CallLimits& limits);
// Sets the end of life to now + lease_s, or to what the account's plan allows: the answer does not say which.
Status renew_lease(ApiClient& api, const std::string& id, int64_t lease_s, const CallLimits& limits);
// DELETE; a sandbox that is gone already is success.
Status kill_sandbox(ApiClient& api, const std::string& id, const CallLimits& limits);
// True when GET says 404, false while it still lists the sandbox.
Result<bool> is_gone(ApiClient& api, const std::string& id, const CallLimits& limits);

}  // namespace osiris::e2b
