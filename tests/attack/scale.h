// How large an attack is: scaled down in `make test`, at its full size under OSIRIS_ATTACK=full (`make attack`). A
// variable of an attack's own overrides both.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace osiris::attack {

inline uint64_t scale(const char* variable, uint64_t scaled, uint64_t full) {
  if (const char* text = std::getenv(variable)) return std::strtoull(text, nullptr, 10);
  const char* attack = std::getenv("OSIRIS_ATTACK");
  return attack && std::string_view(attack) == "full" ? full : scaled;
}

}  // namespace osiris::attack
