// How little memory a worker can be held to.
#pragma once

#include <cstdint>

namespace osiris {

inline constexpr uint64_t kEngineMemoryBytesMin = 64ull << 20;  // below, the engine cannot even spill
inline constexpr uint64_t kWorkerMemoryBytesMin = 48ull << 20;  // of everything in the worker that is not the engine
// A smaller limit would be accepted and then not kept.
inline constexpr uint64_t kMemoryLimitBytesMin = kEngineMemoryBytesMin + kWorkerMemoryBytesMin;

}  // namespace osiris
