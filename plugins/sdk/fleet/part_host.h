// The host as a part of a run sees it: what the part says goes to its owner, who decides what of it is the run's; logs
// and secrets are the host's own; and the part can be stopped by itself.
#pragma once

#include <osiris/adapter.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "plugins/sdk/abi/host.h"
#include "protocol/base/json.h"

namespace osiris::sdk {

struct PartEvent {
  std::string name, step_id;
  Json data;
  int64_t time_unix_ns = 0;
  int64_t heard_ns = 0;  // monotonic, of this machine: when it came here
};

// [any thread]
class PartHost {
 public:
  // Borrows the host. `on_event`: of every event, on the thread that says it. `is_stopped` beside the run's own cancel.
  // `is_of_run`: which numbers are the run's, by their step (empty: the worker's own) and name; others are dropped.
  // Progress is the run's where the worker's own numbers are.
  PartHost(const Host& host, std::function<void(PartEvent)> on_event, std::function<bool()> is_stopped,
           std::function<bool(std::string_view step_id, std::string_view name)> is_of_run);
  PartHost(const PartHost&) = delete;
  PartHost& operator=(const PartHost&) = delete;

  const Host& host() const { return part_; }

 private:
  static const PartHost& self(const osiris_host* table) { return *static_cast<const PartHost*>(table->context); }

  const osiris_host* const outer_;
  const std::function<void(PartEvent)> on_event_;
  const std::function<bool()> is_stopped_;
  const std::function<bool(std::string_view, std::string_view)> is_of_run_;
  osiris_host table_{};
  Host part_;
};

}  // namespace osiris::sdk
