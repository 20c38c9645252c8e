#include "tests/e2b/remote_calls.h"

namespace osiris::e2b_test {
namespace {

constexpr const char* kAuth = "AuthError";
constexpr const char* kQuota = "QuotaExceeded";
constexpr const char* kCreation = "CreationTimeout";
constexpr const char* kSandbox = "SandboxError";
constexpr const char* kCrash = "WorkerCrash";
constexpr const char* kNotFound = "NotFound";
constexpr const char* kNetwork = "NetworkError";

const std::vector<RemoteCall>& table() {
  using S = Scenario;
  using M = Manner;
  static const std::vector<RemoteCall> calls = {
      // A run
      {.name = "create",
       .scenario = S::kPlain,
       .route = "POST /v2/sandboxes",
       .manner = M::kCreate,
       .sends_body = true,
       .names_sandbox = false},
      {.name = "create_v1",
       .scenario = S::kOldService,
       .route = "POST /sandboxes",
       .manner = M::kCreate,
       .sends_body = true,
       .names_sandbox = false},
      {.name = "upload", .scenario = S::kPlain, .route = "POST /files", .manner = M::kFresh, .sends_body = true},
      {.name = "start",
       .scenario = S::kPlain,
       .route = "POST /process.Process/Start",
       .manner = M::kFresh,
       .sends_body = true,
       .has_worker = true},
      {.name = "opening",
       .scenario = S::kPlain,
       .route = "POST /process.Process/StreamInput",
       .sends_body = true,
       .has_worker = true},
      {.name = "artifacts", .scenario = S::kPlain, .route = "GET /files", .manner = M::kDownload, .has_worker = true},
      {.name = "kill",
       .scenario = S::kPlain,
       .route = "DELETE /sandboxes/{id}",
       .manner = M::kCleanUp,
       .answers_body = false,
       .has_worker = true},
      {.name = "verify", .scenario = S::kPlain, .route = "GET /sandboxes/{id}", .manner = M::kCleanUp},
      {.name = "renew",
       .scenario = S::kRenewal,
       .route = "POST /sandboxes/{id}/timeout",
       .manner = M::kAgain,
       .sends_body = true,
       .answers_body = false,
       .has_worker = true},
      {.name = "look",
       .scenario = S::kRenewal,
       .route = "GET /sandboxes/{id}",
       .manner = M::kAdvice,
       .has_worker = true},
      // A broken stream
      {.name = "ask_health",
       .scenario = S::kBrokenStream,
       .route = "GET /health",
       .manner = M::kAdvice,
       .answers_body = false,
       .has_worker = true},
      {.name = "ask_processes",
       .scenario = S::kBrokenStream,
       .route = "POST /process.Process/List",
       .manner = M::kAdvice,
       .sends_body = true,
       .has_worker = true},
      {.name = "ask_service",
       .scenario = S::kDeadEnvd,
       .route = "GET /sandboxes/{id}",
       .manner = M::kAdvice,
       .has_worker = true},
      {.name = "connect",
       .scenario = S::kBrokenStream,
       .route = "POST /process.Process/Connect",
       .manner = M::kStream,
       .sends_body = true,
       .has_worker = true},
      {.name = "replay",
       .scenario = S::kBrokenStream,
       .route = "POST /process.Process/StreamInput",
       .nth = 2,
       .sends_body = true,
       .has_worker = true},
      {.name = "records", .scenario = S::kDeadWorker, .route = "GET /files", .manner = M::kDownload},
      // A create in doubt
      {.name = "create_again",
       .scenario = S::kLostCreate,
       .route = "POST /v2/sandboxes",
       .nth = 2,
       .manner = M::kCreate,
       .sends_body = true,
       .names_sandbox = false},
      {.name = "confirm_key",
       .scenario = S::kLostCreate,
       .route = "POST /v2/sandboxes",
       .nth = 3,
       .manner = M::kAdvice,
       .sends_body = true,
       .names_sandbox = false},
      {.name = "find_lost",
       .scenario = S::kLostOldCreate,
       .route = "GET /v2/sandboxes",
       .manner = M::kAgain,
       .names_sandbox = false},
      {.name = "connect_lost",
       .scenario = S::kLostOldCreate,
       .route = "POST /sandboxes/{id}/connect",
       .manner = M::kAgain,
       .sends_body = true},
      {.name = "find_doubles",
       .scenario = S::kLostOldCreate,
       .route = "GET /v2/sandboxes",
       .nth = 2,
       .manner = M::kAgain,
       .names_sandbox = false},
      // A kept sandbox
      {.name = "find_kept",
       .scenario = S::kKeep,
       .route = "GET /v2/sandboxes",
       .manner = M::kAgain,
       .names_sandbox = false},
      {.name = "connect_kept",
       .scenario = S::kKeep,
       .route = "POST /v2/sandboxes/{id}/connect",
       .manner = M::kAgain,
       .sends_body = true},
      {.name = "keep_on",
       .scenario = S::kKeep,
       .route = "POST /sandboxes/{id}/timeout",
       .manner = M::kAdvice,
       .sends_body = true,
       .answers_body = false,
       .has_worker = true},
      // A run that is ended
      {.name = "cancel",
       .scenario = S::kCancel,
       .route = "POST /process.Process/StreamInput",
       .nth = 2,
       .manner = M::kAdvice,
       .sends_body = true,
       .has_worker = true},
      {.name = "signal",
       .scenario = S::kCancel,
       .route = "POST /process.Process/SendSignal",
       .manner = M::kAdvice,
       .sends_body = true,
       .has_worker = true},
      // A template
      {.name = "alias",
       .scenario = S::kShape,
       .route = "GET /templates/aliases/{alias}",
       .manner = M::kAgain,
       .names_sandbox = false},
      {.name = "new_template",
       .scenario = S::kShape,
       .route = "POST /v3/templates",
       .manner = M::kAgain,
       .sends_body = true,
       .names_sandbox = false},
      {.name = "where_files_go",
       .scenario = S::kShape,
       .route = "GET /templates/{id}/files/{hash}",
       .manner = M::kAgain,
       .names_sandbox = false},
      {.name = "put_files",
       .scenario = S::kShape,
       .route = "PUT /_storage/{hash}",
       .manner = M::kAgain,
       .sends_body = true,
       .answers_body = false,
       .names_sandbox = false},
      {.name = "build",
       .scenario = S::kShape,
       .route = "POST /v2/templates/{id}/builds/{build}",
       .sends_body = true,
       .answers_body = false,
       .names_sandbox = false},
      {.name = "build_status",
       .scenario = S::kShape,
       .route = "GET /templates/{id}/builds/{build}/status",
       .manner = M::kAgain,
       .names_sandbox = false},
      // A sandbox of a sandbox: what is not to be had that way is created
      {.name = "fork",
       .scenario = S::kFork,
       .route = "POST /sandboxes/{id}/fork",
       .manner = M::kAdvice,
       .sends_body = true},
      {.name = "find_forks",
       .scenario = S::kLostFork,
       .route = "GET /v2/sandboxes",
       .manner = M::kAdvice,
       .names_sandbox = false},
      {.name = "connect_fork",
       .scenario = S::kLostFork,
       .route = "POST /v2/sandboxes/{id}/connect",
       .manner = M::kAdvice,
       .sends_body = true},
      // osiris resources
      {.name = "list_sandboxes",
       .scenario = S::kList,
       .route = "GET /v2/sandboxes",
       .manner = M::kAgain,
       .names_sandbox = false},
      {.name = "list_templates",
       .scenario = S::kList,
       .route = "GET /v2/templates",
       .manner = M::kAgain,
       .names_sandbox = false},
      {.name = "release",
       .scenario = S::kRelease,
       .route = "DELETE /sandboxes/{id}",
       .manner = M::kCleanUp,
       .answers_body = false},
      {.name = "release_verify", .scenario = S::kRelease, .route = "GET /sandboxes/{id}", .manner = M::kCleanUp},
      {.name = "release_template",
       .scenario = S::kReleaseTemplate,
       .route = "DELETE /templates/{id}",
       .manner = M::kAgain,
       .answers_body = false,
       .names_sandbox = false},
  };
  return calls;
}

bool asks_too_long(const FaultCase& fault) { return fault.retry_after_s == kRetryAfterTooLongSeconds; }

// What an answer of this kind says it is.
std::string class_of(const FaultCase& fault) {
  if (!fault.rpc_code.empty()) {
    if (fault.rpc_code == "unauthenticated" || fault.rpc_code == "permission_denied") return kAuth;
    if (fault.rpc_code == "not_found") return kNotFound;
    if (fault.rpc_code == "resource_exhausted") return kQuota;
    return kSandbox;
  }
  switch (fault.status) {
    case 401:
    case 403:
      return kAuth;
    case 404:
      return kNotFound;
    case 429:
    case 507:
      return kQuota;
    case 504:
      return kCreation;
    default:
      return kSandbox;
  }
}

// The service's word that it did not act and may later.
bool is_refusal(const RemoteCall& call, const FaultCase& fault) {
  return !asks_too_long(fault) &&
         (fault.status == 429 || (fault.status == 409 && fault.rpc_code.empty() && call.is_envd()));
}

// Answers after which the same call may well succeed.
bool may_pass(const RemoteCall& call, const FaultCase& fault) {
  if (asks_too_long(fault)) return false;
  return is_refusal(call, fault) || fault.status == 500 || fault.status == 502 || fault.status == 503 ||
         fault.status == 504;
}

bool ends_the_sandbox(const FaultCase& fault) { return fault.type == "kill_sandbox" || fault.type == "clock_jump"; }

}  // namespace

const std::vector<RemoteCall>& remote_calls() { return table(); }

std::optional<std::string> cannot_hit(const RemoteCall& call, const FaultCase& fault) {
  if (!fault.rpc_code.empty() && !call.is_rpc()) return "only envd's RPCs answer with Connect codes";
  if (fault.when == "upload" && !call.sends_body) return "the request has no body";
  if (fault.when == "middle" && !call.answers_body) return "the answer has no body";
  if ((fault.at == "chunk_size" || fault.at == "trailer" || fault.at == "h2_data") && !call.answers_body)
    return "the answer has no body";
  if (fault.at == "trailer" && call.is_stream())
    return "a stream ends when its client leaves or its sandbox dies: nobody hears what comes after";
  if (fault.is_relayed() && call.name == "confirm_key")
    return "behind the relay a lost answer is a 502, which leaves nothing to confirm";
  if (fault.is_relayed() && call.route.starts_with("PUT /_storage"))
    return "the local server's object store is not behind the relay";
  if (fault.type == "kill_sandbox" && !call.names_sandbox) return "the call is about no sandbox";
  if (fault.type == "kill_process" && !call.has_worker) return "no process of the sandbox lives then";
  if (call.is_stream() && fault.when == "after" && (fault.type == "reset" || fault.type == "stall"))
    return "a stream ends when its client leaves or its sandbox dies: nobody hears what comes after";
  if (fault.type == "clock_jump" && !call.names_sandbox && call.manner != Manner::kCreate)
    return "no sandbox whose time could run out depends on the call";
  return std::nullopt;
}

Expectation expectation(const RemoteCall& call, const FaultCase& fault) {
  if (fault.type == "cut" || fault.is_relayed()) return expectation(call, fault.as_reset());
  using S = Scenario;
  const auto is = [&](std::initializer_list<const char*> names) {
    for (const char* name : names)
      if (call.name == name) return true;
    return false;
  };
  const bool is_status = fault.type == "status";
  const bool refuses = is_status && !may_pass(call, fault);
  const bool is_late = fault.when == "after";  // the answer is whole
  // A request that broke before all of it had left was not made, and may be made again.
  const auto breaks = [&] {
    const bool unmade = fault.when == "request" || fault.when == "upload";
    return unmade ? Expectation::either({kNetwork}) : Expectation::fails({kNetwork});
  };

  // What ends the worker ends the run, unless its work is done or it does not exist yet.
  if (fault.type == "kill_process") {
    if (is({"artifacts", "kill", "keep_on", "cancel", "signal"})) return Expectation::succeeds();
    if (call.name == "start" && (fault.when == "request" || fault.when == "upload")) return Expectation::succeeds();
    // When the client leaves the stream: at the end of the run, or before that to listen anew.
    if (call.is_stream() && is_late) return Expectation::either({kCrash});
    return Expectation::fails({kCrash});
  }
  // A sandbox that vanishes is replaced once, as long as nothing has been written outside of it; when its archive is to
  // be fetched, the run is over, and what was under way may still come.
  if (ends_the_sandbox(fault)) {
    const bool leaves = call.is_stream() && is_late;  // the moment at which the client leaves the stream
    if (leaves) return Expectation::either({kSandbox});
    if (call.name == "records") return Expectation::either({kCrash});
    if (call.name != "artifacts") return Expectation::succeeds();
    if (fault.when == "request" && fault.type == "kill_sandbox") return Expectation::fails({kSandbox});
    return is_late ? Expectation::succeeds() : Expectation::either({kSandbox});
  }

  switch (call.manner) {
    case Manner::kCleanUp:
      return Expectation::succeeds();
    case Manner::kAdvice:
      // The service's word that a sandbox is gone is taken.
      if (call.name == "ask_service" && is_status && fault.status == 404) return Expectation::fails({kSandbox});
      return Expectation::succeeds();
    case Manner::kCreate:
      return refuses ? Expectation::fails({class_of(fault)}) : Expectation::succeeds();
    case Manner::kDownload:
      if (call.scenario == S::kDeadWorker) return Expectation::fails({kCrash});
      return refuses ? Expectation::fails({class_of(fault)}) : Expectation::succeeds();
    case Manner::kFresh:
      // The reset may arrive only when the next call, the opening, is already on its way over that connection; it must
      // not be made twice.
      if (call.name == "upload" && fault.type == "reset" && is_late) return Expectation::either({kNetwork});
      return refuses ? Expectation::fails({class_of(fault)}) : Expectation::succeeds();
    case Manner::kStream:
      if (is_status && class_of(fault) == kAuth) return Expectation::fails({kAuth});
      if (fault.rpc_code == "not_found") return Expectation::fails({kCrash});
      return Expectation::succeeds();
    case Manner::kOnce:
      if (call.name == "build")
        return refuses ? Expectation::fails({class_of(fault)})
                       : Expectation::succeeds();  // its state tells whether it began
      if (is_status) {
        if (is_refusal(call, fault)) return Expectation::succeeds();
        if (fault.status == 504) return Expectation::fails({kSandbox});
        return Expectation::fails({class_of(fault)});
      }
      if (fault.type == "reset" || fault.type == "truncate") return is_late ? Expectation::succeeds() : breaks();
      return Expectation::succeeds();
    case Manner::kAgain:
      // A lost create is made again, a kept sandbox that cannot be had is replaced, a renewal is repeated until the
      // lease is over.
      if (is({"renew", "find_lost", "connect_lost", "find_doubles", "connect_kept"})) return Expectation::succeeds();
      if (is({"alias", "new_template"}) && fault.status == 403)
        return Expectation::succeeds();  // a name of another team's: one of one's own is used
      if (is({"alias", "release_template"}) && fault.status == 404) return Expectation::succeeds();
      return refuses ? Expectation::fails({class_of(fault)}) : Expectation::succeeds();
  }
  return Expectation::succeeds();
}

}  // namespace osiris::e2b_test
