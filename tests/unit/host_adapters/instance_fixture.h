// An instance of the fake adapter, at the stage that a test wants.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "host/adapters/instance.h"
#include "tests/unit/host_adapters/fake_adapter.h"

namespace osiris {

class Instance : public ::testing::Test {
 protected:
  std::unique_ptr<AdapterInstance> make() {
    auto made = AdapterInstance::create(tables_.type, events_);
    EXPECT_TRUE(made.ok());
    return *std::move(made);
  }
  // As far as `prepared`.
  std::unique_ptr<AdapterInstance> ready() {
    auto instance = make();
    EXPECT_TRUE(instance->configure({}).ok());
    EXPECT_TRUE(instance->validate(request_).ok());
    EXPECT_TRUE(instance->prepare(request_).ok());
    return instance;
  }

  fakes::GoodTables tables_;
  fakes::EventLog events_;
  AdapterRequest request_;
};

}  // namespace osiris
