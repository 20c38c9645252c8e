// E2B as the sdk judges its failures.
#pragma once

#include <memory>

#include "plugins/e2b/place.h"
#include "plugins/sdk/api/service.h"
#include "tests/unit/http/fake_transport.h"

namespace osiris::e2b {

inline const sdk::Service& e2b_service() {
  static E2bPlace place(
      std::make_unique<http::FakeTransport>(), ApiConfig(), http::RetryPolicy(),
      [](http::Milliseconds) { return true; }, nullptr);
  static const adapter_sdk::DescribedService service(place.service(), &place);
  return service;
}

}  // namespace osiris::e2b
