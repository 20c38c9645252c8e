// Retries around any transport, only where a second try cannot do harm:
//
//   - an idempotent request after a broken connection or a 429, 500, 502, 503 or 504;
//   - any request that cannot have reached the server (refused, unresolved, timed out while connecting);
//   - any request answered 429, or with what its Request::is_refusal knows: the server says it did not act.
//
// A server that says `Should-Retry` knows better than its status: false ends the attempts, true makes any error of an
// idempotent request one that may pass. It does not make a request idempotent.
//
// The wait grows exponentially with full jitter, never under a Retry-After the server named. Attempts go on until the
// budget is used up: the last one starts at its end, whatever the number of attempts before it. When a Retry-After
// reaches past the end, the last answer is returned at once.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <random>

#include "protocol/base/clock.h"
#include "protocol/base/random.h"
#include "protocol/http/transport.h"

namespace osiris::http {

struct RetryPolicy {
  Milliseconds delay_first{200};
  Milliseconds delay_max{8'000};
  Milliseconds budget{30'000};  // from the first attempt to the start of the last one
  uint64_t seed = random_number();
};

// What the retry layer did, for logs and error messages.
struct RetryNote {
  int attempt;  // the one that failed, from 1
  Milliseconds wait;
  std::string reason;
};

class RetryingSender {
 public:
  // `sleep` waits and returns false if it was interrupted (then no further attempt is made).
  RetryingSender(Transport& transport, RetryPolicy policy, std::function<bool(Milliseconds)> sleep,
                 std::function<void(const Request&, const RetryNote&)> note = {});

  // As http::send; options.cancelled ends the waits too. A request with a body_stream is never sent twice. [any thread]
  ExchangeResult send(const Request& request, const SendOptions& options = {});

 private:
  bool pause(Milliseconds wait, const std::atomic<bool>* cancelled) const;

  Transport& transport_;
  const RetryPolicy policy_;
  std::function<bool(Milliseconds)> sleep_;
  std::function<void(const Request&, const RetryNote&)> note_;
  std::mutex mutex_;
  std::mt19937_64 random_;  // under mutex_
};

// What the answer's Should-Retry says; nullopt when it is absent or neither true nor false.
std::optional<bool> parse_should_retry(std::string_view value);

// The wait before attempt number `attempt` + 1, without jitter: doubled each time, up to the policy's longest.
Milliseconds backoff(const RetryPolicy& policy, int attempt);

// Retry-After as seconds or as an HTTP date; nullopt when absent or malformed. now_unix_s is the reader's clock.
std::optional<Milliseconds> parse_retry_after(std::string_view value, int64_t now_unix_s);
// Of an answer. A date is counted from the answer's own `Date`, so that neither clock need be right; by `clock` where
// it has none.
std::optional<Milliseconds> retry_after(const Headers& headers, const Clock& clock = system_clock());

}  // namespace osiris::http
