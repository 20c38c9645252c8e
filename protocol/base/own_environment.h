// The environment of this process, as a child is given it.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace osiris {

// Names and values in their order; an entry without "=" is left out. Not while another thread changes the environment.
std::vector<std::pair<std::string, std::string>> own_environment();

}  // namespace osiris
