#include "plugins/sdk/api/service.h"

#include <string>
#include <utility>

#include "plugins/sdk/abi/host.h"

namespace osiris::adapter_sdk {

Error DescribedService::failure(FailureClass failure, std::string message, std::string hint, Json detail) const {
  if (hint.empty() && place_) hint = place_->hint(failure_class_name(failure));
  return service_failure(description_.id, failure, std::move(message), std::move(hint), std::move(detail));
}

bool DescribedService::may_pass(const Error& error) const {
  return place_ ? place_->may_pass(sdk::to_failure(error)) : error.code == Code::kUnavailable;
}

Error DescribedService::after_attempts(Error error, int attempts) const {
  return osiris::after_attempts(std::move(error), attempts);
}

}  // namespace osiris::adapter_sdk
