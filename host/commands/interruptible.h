// Commands that may hold remote resources while they work: how they are stopped.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "host/commands/context.h"
#include "host/run/interrupts.h"

namespace osiris {

struct Interruptible {
  std::function<void(StopReason)> stop;          // the first signal, or the deadline: give back what is held
  std::function<std::string()> unreleased_text;  // the second signal: what is left behind, for a person
};

// From now until the result's end signals and the deadline (CLOCK_MONOTONIC, 0: none) end in these calls, on a thread
// of its own. To be started before any other thread.
Result<std::unique_ptr<Interrupts>> begin_interruptible(const CommandContext& context, Interruptible calls,
                                                        int64_t deadline_monotonic_ns);

// The moment `timeout_s` after `started_monotonic_ns`; 0 for a timeout of 0: none.
int64_t deadline_after(int64_t started_monotonic_ns, double timeout_s);

}  // namespace osiris
