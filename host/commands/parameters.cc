#include "host/commands/parameters.h"

namespace osiris {

Result<std::map<std::string, std::string>> parse_parameters(const std::vector<std::string>& params) {
  std::map<std::string, std::string> values;
  for (const std::string& param : params) {
    const size_t equals = param.find('=');
    if (equals == std::string::npos || equals == 0)
      return Error(Code::kInvalidArgument,
                   "Invalid parameter format: " + param.substr(0, param.find('=')) + " (expected key=value)",
                   "write --param NAME=VALUE");
    values[param.substr(0, equals)] = param.substr(equals + 1);
  }
  return values;
}

}  // namespace osiris
