// The rows of the fault matrix: every call the adapter can make, each with a run that makes it. The matrix's first test
// runs all of them without a fault and compares what the server saw with this table and with docs/e2b.md.
#pragma once

#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "tests/e2b/fault_cases.h"

namespace osiris::e2b_test {

// What has to happen for a call to be made.
enum class Scenario {
  kPlain,          // a run of a pipeline
  kOldService,     // ... of a service that knows POST /sandboxes only
  kBrokenStream,   // ... whose stream breaks in the middle
  kDeadEnvd,       // ... and then /health fails
  kDeadWorker,     // ... and meanwhile the worker dies
  kRenewal,        // a run longer than a third of its lease
  kLostCreate,     // the reply to create is lost
  kLostOldCreate,  // ... by a service that knows POST /sandboxes only, and so no Idempotency-Key
  kKeep,           // the second run with --e2b-keep
  kCancel,         // Ctrl-C while a step runs that listens to nobody
  kShape,          // a template has to be built
  kFork,           // shards in two sandboxes, of which one is made of the other
  kLostFork,       // ... and the reply to that is lost
  // No runs:
  kList,             // osiris resources list
  kRelease,          // osiris resources release of a sandbox
  kReleaseTemplate,  // ... of a template
};

// What the adapter does about a call that fails.
enum class Manner {
  kOnce,      // nothing: what it did is unknown, or it must not be done twice
  kFresh,     // begins anew in a fresh sandbox: nothing has happened yet
  kAgain,     // tries it again where that can help
  kCreate,    // makes it again with its key, or looks for what it made and then tries again
  kDownload,  // goes on where it broke
  kStream,    // reopens it
  kCleanUp,   // tries it again whatever the answer
  kAdvice,    // goes on without the answer
};

struct RemoteCall {
  std::string name = {};
  Scenario scenario = Scenario::kPlain;
  std::string route = {};  // as the server records it
  int nth = 1;             // which of the run's calls of that route
  Manner manner = Manner::kOnce;
  bool sends_body = false;
  bool answers_body = true;
  bool names_sandbox = true;
  bool has_worker = false;  // a process of the sandbox lives while it is made
  bool is_rpc() const { return route.find("/process.Process/") != std::string::npos; }
  bool is_envd() const { return is_rpc() || route.ends_with(" /files") || route.ends_with(" /health"); }
  bool is_stream() const { return route.ends_with("/Start") || route.ends_with("/Connect"); }
};

inline void PrintTo(const RemoteCall& call, std::ostream* out) { *out << call.name; }

const std::vector<RemoteCall>& remote_calls();

// Why this fault cannot hit this call; nullopt: it can, and is a cell of the matrix.
std::optional<std::string> cannot_hit(const RemoteCall& call, const FaultCase& fault);

// How a run of the cell may end.
struct Expectation {
  bool success = false;            // as if nothing had happened
  std::set<std::string> failures;  // or with one of these error classes

  static Expectation succeeds() { return {true, {}}; }
  static Expectation fails(std::set<std::string> classes) { return {false, std::move(classes)}; }
  static Expectation either(std::set<std::string> classes) { return {true, std::move(classes)}; }
};
Expectation expectation(const RemoteCall& call, const FaultCase& fault);

}  // namespace osiris::e2b_test
