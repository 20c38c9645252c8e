#include <osiris/sdk/egress.hpp>

#include "plugins/sdk/abi/host.h"
#include "plugins/sdk/abi/request.h"
#include "plugins/sdk/place/egress.h"

namespace osiris::adapter_sdk {

Egress derive_egress(const EgressOptions& options, const ServiceDescription& service, const plugin::Request& request) {
  return sdk::value_or_throw(sdk::derive_egress(options, service, sdk::value_or_throw(sdk::read_request(request)),
                                                sdk::system_resolver(service.option_prefix)));
}

}  // namespace osiris::adapter_sdk
