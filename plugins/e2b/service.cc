#include "plugins/e2b/service.h"

#include <utility>

#include "plugins/e2b/api/failure.h"

namespace osiris::e2b {

Error E2bService::failure(FailureClass failure, std::string message, std::string hint, Json detail) const {
  return make_failure(failure, std::move(message), std::move(hint), std::move(detail));
}
FailureClass E2bService::class_of(const Error& error) const { return failure_class_of(error); }
bool E2bService::may_pass(const Error& error) const { return e2b::may_pass(error); }
sdk::Milliseconds E2bService::retry_after(const Error& error) const { return retry_after_of(error); }
Error E2bService::after_attempts(Error error, int attempts) const {
  return e2b::after_attempts(std::move(error), attempts);
}

}  // namespace osiris::e2b
