// What the operating system says about this process, for heartbeats and limits.
#pragma once

#include <cstdint>

namespace osiris::worker {

uint64_t rss_bytes();   // resident memory now; 0 when unknown
uint64_t cpu_ms();      // user and system time of this process and its ended children
unsigned core_count();  // that this process may use
// Makes the allocator give freed memory back to the system, at some cost in time. Before the engine starts its threads.
void economise_memory();
void kill_descendants();  // SIGKILL to every child, grandchild and so on, reaped where they are ours

}  // namespace osiris::worker
