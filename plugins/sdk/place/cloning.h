// Machines made of one that is held (osiris/sdk/clones.hpp), although answers get lost: what is to be made is journaled
// before the call, and after a lost answer it is looked for by the token that all of them carry.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "plugins/sdk/place/held_machine.h"

namespace osiris::sdk {

struct Cloned {
  std::vector<std::unique_ptr<HeldMachine>> machines;  // as many as there are, at most those that were asked for
  std::optional<Error> fewer;                          // why there are no more
};

// `count` machines more. The parent looks after what may have been made and was not found: it is ended with it.
Cloned clone_machine(const HoldContext& context, HeldMachine& parent, size_t count);

}  // namespace osiris::sdk
