// One machine made once, although answers get lost.
//
// Every intent carries a token, in the machine's metadata and as the create's idempotency token. Where the service
// honours it, the same call is made again after a lost answer and names the same machine; that it does so is told by
// its behaviour, for no service says it (docs/decisions/0021-idempotency-key.md). Where it does not, what a lost create
// has made is looked for by the metadata.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "plugins/sdk/place/lifetime.h"
#include "plugins/sdk/place/place.h"

namespace osiris::sdk {

struct HoldContext;

class Creation {
 public:
  explicit Creation(const HoldContext& context) : context_(context) {}

  // The token is added here. Journals the intent before the first call.
  Result<Machine> create(MachineSpec wanted);

  // Whether more than the machine that create() returned may have been made.
  bool is_in_doubt() const { return doubtful_; }
  // Sure to have been made besides: the service ignores the token.
  bool has_doubles() const { return doubles_; }
  // What a create may have made beside what `is_known`, found by the token; waits for what may still be on its way. The
  // retry budget at most, and what a late create may take.
  Result<std::vector<Machine>> find_doubles(const std::function<bool(const std::string& id)>& is_known) const;
  // A call that makes machines with this token has lost its answer: it may still make some.
  void doubt();
  const std::optional<Lifetime::CreateTimes>& create_times() const { return create_times_; }

 private:
  Result<Machine> ask(const MachineSpec& wanted);
  Result<std::optional<Machine>> find_made(const MachineSpec& wanted);
  void settle(const MachineSpec& wanted, const Machine& made);

  const HoldContext& context_;
  std::string token_;
  bool doubtful_ = false;
  bool honoured_ = false;  // the service has shown that it knows the token
  bool doubles_ = false;
  std::chrono::steady_clock::time_point late_until_{};
  int64_t first_asked_ns_ = 0;  // monotonic
  std::optional<Lifetime::CreateTimes> create_times_;
};

}  // namespace osiris::sdk
