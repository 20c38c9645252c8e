#include <osiris/sdk/options.hpp>

#include "plugins/sdk/abi/host.h"
#include "plugins/sdk/run/lent_variables.h"

namespace osiris::adapter_sdk {

std::vector<std::string> lent_variable_names(const EnvironmentOptions& options) {
  return sdk::value_or_throw(sdk::environment_names(options));
}

}  // namespace osiris::adapter_sdk
