// The service behind a remote worker as the sdk sees it, from what an adapter says of it.
#pragma once

#include <osiris/sdk/place.hpp>
#include <osiris/sdk/service.hpp>

#include <string_view>

#include "plugins/sdk/channel/service.h"

namespace osiris::adapter_sdk {

class DescribedService : public sdk::Service {
 public:
  // Borrows both. Without a place: a machine that an adapter reaches by a FileChannel; its errors are what the adapter
  // threw, and those that are unavailable may pass.
  explicit DescribedService(const ServiceDescription& description, const Place* place = nullptr)
      : description_(description), place_(place) {}

  std::string_view id() const override { return description_.id; }
  std::string_view noun() const override { return description_.noun; }
  std::string_view plural() const override { return description_.plural; }
  std::string_view daemon() const override { return description_.daemon; }

  Error failure(FailureClass failure, std::string message, std::string hint, Json detail) const override;
  bool may_pass(const Error& error) const override;
  Error after_attempts(Error error, int attempts) const override;

 private:
  const ServiceDescription& description_;
  const Place* const place_;
};

}  // namespace osiris::adapter_sdk
