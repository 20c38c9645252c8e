// The columns of the fault matrix: every fault the local server's plan can inject, at every moment it can strike.
#pragma once

#include <string>
#include <vector>

#include "protocol/base/json.h"

namespace osiris::e2b_test {

struct FaultCase {
  std::string name = {};      // "status_429_retry_after_1", "reset_middle"
  std::string type = {};      // as the plan spells it
  std::string when = {};      // empty: this type has no moment
  int status = 0;             // of type status
  std::string rpc_code = {};  // a Connect error, which only RPCs answer with
  int retry_after_s = -1;
  int64_t ms = 0;
  std::string at = {};  // of type cut: where; of type tell: what the relay in front cuts
  bool resets = false;  // of the same two

  // For the plan. `port`: of the relay, where there is one.
  Json action(int port = 0) const;
  // Happens below HTTP, on the way of every byte: a relay speaks TLS and HTTP/2 and cuts there.
  bool is_relayed() const { return type == "tell"; }
  // A cut is to the caller what a reset is: of an answer that never came, or in the middle of one.
  FaultCase as_reset() const;
};

// The limits the runs of the matrix have, scaled down, and what is longer than they.
inline constexpr int kLeaseSeconds = 8;
inline constexpr int kRetryAfterTooLongSeconds = 3600;
inline constexpr int64_t kStallMs = 3'000;  // above --e2b-request-timeout, under the lease

// From the server's own tables (fault_plan.h): a type it learns appears here, or the test fails for not knowing its
// parameters.
std::vector<FaultCase> fault_cases();

}  // namespace osiris::e2b_test
