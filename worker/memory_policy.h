// How a worker with a memory limit keeps to it: settings of the allocator, and a limit of the system's for what the
// engine does not count.
#pragma once

#include <cstdint>

namespace osiris::worker {

// Settings of the allocator. Before the engine starts its threads.
void set_memory_policy();
// Gives pages that hold no allocation back to the system if the process is larger than `above_bytes`.
void return_free_memory(uint64_t above_bytes);
// From now on an allocation that would take this process's data beyond `bytes` fails. Stacks count whole, touched or
// not.
void limit_data(uint64_t bytes);
// Takes it back, for a program that this process becomes or starts.
void lift_data_limit();

}  // namespace osiris::worker
