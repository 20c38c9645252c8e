// --param K=V.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "protocol/base/error.h"

namespace osiris {

// kInvalidArgument with Python Osiris's text for one without a name or '='.
Result<std::map<std::string, std::string>> parse_parameters(const std::vector<std::string>& params);

}  // namespace osiris
