// E2B as the sdk sees a service: its words, and what its errors mean (api/failure.h).
#pragma once

#include "plugins/sdk/channel/service.h"

namespace osiris::e2b {

class E2bService : public sdk::Service {
 public:
  std::string_view id() const override { return "e2b"; }
  std::string_view noun() const override { return "sandbox"; }
  std::string_view plural() const override { return "sandboxes"; }
  std::string_view daemon() const override { return "envd"; }

  Error failure(FailureClass failure, std::string message, std::string hint, Json detail) const override;
  FailureClass class_of(const Error& error) const override;
  bool may_pass(const Error& error) const override;
  sdk::Milliseconds retry_after(const Error& error) const override;
  Error after_attempts(Error error, int attempts) const override;
};

}  // namespace osiris::e2b
