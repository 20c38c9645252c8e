// What the operating system says about this process, for heartbeats and limits.
#pragma once

#include <cstdint>

namespace osiris::worker {

uint64_t rss_bytes();   // resident memory now; 0 when unknown
uint64_t cpu_ms();      // user and system time of this process and its ended children
unsigned core_count();  // that this process may use
// Settings of the allocator for a process with a memory limit. Before the engine starts its threads.
void economise_memory();
// Gives pages that hold no allocation back to the system if the process is larger than `above_bytes`.
void return_free_memory(uint64_t above_bytes);
// From now on an allocation that would take this process's data beyond `bytes` fails. Stacks count whole, touched or not.
void limit_data(uint64_t bytes);
// Takes it back, for a program that this process becomes or starts.
void lift_data_limit();
void kill_descendants();  // SIGKILL to every child, grandchild and so on, reaped where they are ours

}  // namespace osiris::worker
