// A value as Python's str() writes it: what stood in a text for a parameter there stands in it here.
#pragma once

#include <string>

#include "protocol/base/json.h"

namespace osiris {

// True, None, 1.0, 1e+20, ['a', 1], {'k': 'it\'s'}; text as it is.
std::string python_text(const Json& value);

}  // namespace osiris
