// The version of this osiris; the worker must have the same.
#pragma once

#include <string_view>

namespace osiris {

inline constexpr std::string_view kVersion = OSIRIS_VERSION;

}  // namespace osiris
