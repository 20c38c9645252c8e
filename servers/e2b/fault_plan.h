// The fault plan: which call of which route goes wrong, and how. A document (docs/e2b-server.md):
//   {"faults":[{"route":"POST /v2/sandboxes","nth":1,"action":{"type":"status","status":429,"retry_after":1}}]}
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "servers/e2b/http.h"

namespace osiris::e2b_server {

struct FaultAction {
  enum class Type {
    kLatency,
    kBandwidth,
    kStatus,
    kReset,
    kTruncate,
    kStall,
    kCut,
    kKillSandbox,
    kKillProcess,
    kClockJump,
    kTell
  };
  // Where in the exchange: before the request is handled; handled, but before the answer's first byte; after
  // `after_bytes` of the answer's body; after all of it; or inside the request's body.
  enum class When { kRequest, kBefore, kMiddle, kAfter, kUpload };
  Type type = Type::kLatency;
  When when = When::kMiddle;
  int64_t ms = 0;           // latency, stall, clock_jump
  int64_t bytes_per_s = 0;  // bandwidth
  int status = 500;         // status
  std::string message;
  std::string text;          // a text/plain body instead of the JSON one
  std::string code;          // a Connect code: {"code":"unavailable",...} instead of the numeric one
  std::string error_code;    // the control plane's own: {"code":500,"error_code":"sandbox_create_refused",...}
  std::string should_retry;  // the header Should-Retry, unless empty
  std::optional<int64_t> retry_after_s;
  int64_t after_bytes = -1;   // of the answer (or upload) body; -1: reset, truncate and stall choose 10
  int64_t after_events = -1;  // of a stream: counts envelopes instead of bytes
  int signal = 9;             // kill_process
  CutAt at = CutAt::kHeader;  // cut
  bool resets = false;        // cut: by a reset instead of an orderly close
  int port = 0;               // tell
};

struct Fault {
  std::string route;  // fnmatch pattern over "METHOD /path/{id}"; an RPC may be named "process.Process/Start"
  int64_t nth = 0;    // the n-th matching call, from 1; 0: every call from `from` on
  int64_t from = 1;
  int64_t count = -1;   // of calls hit; -1: no limit
  int64_t every = 1;    // every k-th from `from` on
  std::string sandbox;  // only this sandbox; empty: any
  FaultAction action;
  int64_t seen = 0;  // matching calls
  int64_t hits = 0;
};

Result<std::vector<Fault>> parse_faults(const Json& document);
const char* type_name(FaultAction::Type type);
// Every name the plan knows, for tests that try them all.
std::vector<std::string> fault_types();
std::vector<std::string> fault_moments();
std::vector<std::string> cut_places();
const char* cut_name(CutAt at);

// [any thread]
class FaultPlan {
 public:
  void replace(std::vector<Fault> faults);
  void add(std::vector<Fault> faults);
  // Every action that hits this call, in the plan's order. Counts the call.
  std::vector<FaultAction> next(const std::string& route, const std::string& sandbox_id);
  Json status() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Fault> faults_;
};

}  // namespace osiris::e2b_server
