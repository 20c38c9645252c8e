// One sandbox made once, although answers get lost.
//
// Every create carries a token in the sandbox's metadata and an Idempotency-Key. Where the service honours the key, the same call is made
// again after a lost answer and names the same sandbox; that it does so is told by its behaviour, for no service says it
// (docs/decisions/0021-idempotency-key.md). Where it does not, what a lost create has made is looked for by the token.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "plugins/e2b/api/control_plane.h"
#include "plugins/sdk/place/lifetime.h"

namespace osiris::e2b {

struct SessionContext;

// Metadata of one create call.
inline constexpr const char* kTokenKey = "osiris_token";

class Creation {
 public:
  explicit Creation(const SessionContext& context) : context_(context) {}

  // `spec` as wanted; token and key are added here. Journals the intent before the first call.
  Result<Sandbox> create(SandboxSpec spec);

  // Whether more than the sandbox that create() returned may have been made.
  bool is_in_doubt() const { return doubtful_; }
  // Sure to have been made besides: the service ignores the key.
  bool has_doubles() const { return doubles_; }
  // What a create may have made beside `known`, found by the token; waits for what may still be on its way. The retry budget at most,
  // and what a late create may take.
  Result<std::vector<Sandbox>> find_doubles(const std::string& known) const;
  const std::optional<sdk::Lifetime::Birth>& birth() const { return birth_; }

 private:
  Result<Sandbox> ask(const SandboxSpec& spec);
  Result<std::optional<Sandbox>> find_made(const SandboxSpec& spec);
  void settle(const SandboxSpec& spec, const Sandbox& made);

  const SessionContext& context_;
  std::string token_;
  bool doubtful_ = false;
  bool honoured_ = false;  // the service has shown that it knows the key
  bool doubles_ = false;
  std::chrono::steady_clock::time_point late_until_{};
  int64_t first_asked_ns_ = 0;  // monotonic
  std::optional<sdk::Lifetime::Birth> birth_;
};

}  // namespace osiris::e2b
