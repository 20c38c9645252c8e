// Random bytes of the kernel. Not std::random_device: the static libstdc++ asks glibc 2.36 for arc4random, and what is
// shipped asks for 2.34 at most (docs/decisions/0070-what-is-linked-statically.md).
#pragma once

#include <cstdint>
#include <string>

namespace osiris {

// Waits, early after boot only, until the kernel has collected randomness. [any thread]
std::string random_bytes(size_t count);
uint64_t random_number();

}  // namespace osiris
