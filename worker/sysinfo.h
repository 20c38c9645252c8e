// What the operating system says about this process, for heartbeats and limits.
#pragma once

#include <cstdint>

namespace osiris::worker {

uint64_t rss_bytes();   // resident memory now; 0 when unknown
uint64_t cpu_ms();      // user and system time of this process and its ended children
unsigned core_count();  // that this process may use

}  // namespace osiris::worker
