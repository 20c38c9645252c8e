// Requests to a web API on behalf of a step: retried where the server or the network asks for it, ended by cancel,
// and with the server's own words in the errors.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "protocol/http/transport.h"
#include "worker/driver_api/cancel_watch.h"
#include "worker/driver_api/driver.h"

namespace osiris::worker::web {

// A server that brings no byte for so long is silent, and a silent one is asked twice and not more often. The one rule
// of all that the worker asks of web servers (docs/decisions/0262-silent-servers.md); an API whose step has a `timeout`
// may be silent for as long.
inline constexpr int64_t kSilence_ms = 30'000;

struct ClientOptions {
  std::string user_agent = "osiris";
  int64_t timeout_ms = kSilence_ms;      // of one attempt
  int64_t silence_ms = 0;                // that ends one; 0: timeout_ms
  int retries_max = 3;                   // attempts beyond the first
  int64_t retry_delay_ms = 1'000;        // before the first of them; doubled for each further one, 60 s at most
  int64_t retry_after_max_ms = 600'000;  // a server that wants a longer pause is not asked again
  bool verifies_certificates = true;
  bool outlives_cancel = false;  // for what undoes a request: the step's end does not end it
  size_t answer_bytes_max = 256u << 20;
};

// Of one attempt.
http::Timeouts timeouts_of(const ClientOptions& options);

// What becomes of an answer: accepted, or refused by `status`, for good or only for now.
struct Verdict {
  Status status;
  bool may_pass = false;
};
using Judge = std::function<Verdict(const http::Request&, const http::Response&)>;

// What an answer that is no 2xx means, in the words of send() below.
Verdict judge_status(const http::Request& request, const http::Response& response);
// Judges an answer with status 2xx whose body is JSON: an error ends the request, kUnavailable makes it be tried again.
using AnswerCheck = Status (*)(const Json& body);

// One step's. [any thread]
class Client {
 public:
  // Takes the body of an answer with status 2xx, from its beginning in each attempt (http::SendOptions::sink).
  using Sink = std::function<Status(const http::Response& head, uint64_t at, std::string_view bytes)>;

  // Proxies come from the variables that the user passes to the step (HTTPS_PROXY, HTTP_PROXY, NO_PROXY).
  Client(StepContext& step, ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Sends a request that may be sent twice, and reads a JSON answer. Tried again: connections that break, 408, 429,
  // 500, 502, 503, 504, and what `check` calls kUnavailable; never before a Retry-After of the server. One that was
  // waited for in vain is tried again once. Errors:
  // kUnauthenticated for 401 and 403, kNotFound for 404 and 410, kInvalidArgument for other 4xx, kUnavailable for what
  // lasted, kStepFailed for an answer that is no JSON, kCancelled.
  Result<Json> send(http::Request request, AnswerCheck check = nullptr);

  // One answer of any kind that `judge` accepts. A request whose `idempotent` is false is sent again only where `judge`
  // or the network says that it had no effect; where that is not known, the error is kInvalidState and says "outcome
  // unknown". Other errors are the judge's, or kUnavailable and kDeadline of the network, or kCancelled.
  Result<http::Response> exchange(http::Request request, const Judge& judge, const Sink& sink = nullptr);

  // [any thread] Requests under way end with kCancelled, and so do those that follow.
  void stop() { cancelled_ = true; }

  uint64_t requests_made() const { return requests_made_; }

 private:
  struct Attempt;
  Attempt attempt(const http::Request& request, const Judge& judge, const Sink& sink);
  Status pause(int64_t milliseconds);

  StepContext& step_;
  const ClientOptions options_;
  std::unique_ptr<http::Transport> transport_;
  std::atomic<uint64_t> requests_made_{0};
  std::atomic<bool> cancelled_{false};
  std::optional<CancelWatch> watch_;  // carries is_cancelled() to the transport
};

}  // namespace osiris::worker::web
