// The adapter's remote resources, as its resource_acquired and resource_released events tell. What was never released,
// or released without proof, is named when osiris exits, because the user may be paying for it.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/run/exit_status.h"
#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris {

struct RemoteResource {
  std::string kind;  // "sandbox"
  std::string id;
  std::string expires;  // as the adapter wrote it; may be empty
  std::string cleanup;  // what the adapter says to do about it; may be empty
};

// [any thread]
class RemoteResources {
 public:
  // True if the event was one of the two.
  bool on_event(std::string_view name, const Json& data);
  // Kept alive by the adapter for the next run: not unreleased.
  void keep(std::string_view kind, std::string_view id);
  std::vector<RemoteResource> unreleased() const;
  // The first id ever acquired of this kind; empty if none.
  std::string first_id(std::string_view kind) const;
  bool has_acquired() const;

 private:
  mutable std::mutex mutex_;
  std::vector<RemoteResource> held_;
  std::vector<RemoteResource> acquired_;
};

// Whether a run that ended so may have left something: what it is known to hold, or what it asked for and had no answer
// about. What a service refused before it gave anything (there was no key, or a wrong one) is nothing.
bool may_hold(const RemoteResources& resources, ExitCode code, const std::optional<Error>& error);

// Whether a document "released" says of this resource that its end was verified.
Status proof_of_release(const Json& document, std::string_view kind, std::string_view id);

// The entries of an artifacts document's "released", one line each: what was given back, and whether that was proved.
std::string describe_released(const Json& released);
// One line per resource, for the user; `adapter` completes the hint.
std::string describe_unreleased(const std::vector<RemoteResource>& resources, std::string_view adapter);

}  // namespace osiris
