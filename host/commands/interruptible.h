// Commands that may hold remote resources while they work: how they are stopped.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/adapters/loader.h"
#include "host/commands/context.h"
#include "host/run/interrupts.h"

namespace osiris {

struct Interruptible {
  std::function<void(StopReason)> stop;          // the first signal, or the deadline: give back what is held
  std::function<std::string()> unreleased_text;  // what is left behind, for a person
};

// From now until the result's end signals and the deadline (CLOCK_MONOTONIC, 0: none) end in `stop`. A second signal,
// or an adapter that goes on for longer than its grace, ends osiris: 130, or 124 where the deadline was first. To be
// started before any other thread.
Result<std::unique_ptr<Interrupts>> begin_interruptible(const CommandContext& context, Interruptible calls,
                                                        int64_t deadline_monotonic_ns);

// load_adapter() that a signal ends, and that ends osiris when the library does not return.
Result<LoadedAdapter> load_adapter_interruptibly(const CommandContext& context, std::string_view id,
                                                 const std::vector<SearchDirectory>& places, bool isolate = false);

// The moment `timeout_s` after `started_monotonic_ns`; 0 for a timeout of 0: none.
int64_t deadline_after(int64_t started_monotonic_ns, double timeout_s);

}  // namespace osiris
