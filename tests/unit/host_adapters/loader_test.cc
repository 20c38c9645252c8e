#include "host/adapters/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/host_adapters/fake_adapter.h"

namespace osiris {
namespace {

using ::testing::HasSubstr;

// Static tables live until exit, as in a program that links an adapter in.
const fakes::GoodTables& tables() {
  static const fakes::GoodTables instance;
  return instance;
}
const osiris_module* good_entry(const osiris_host_info*) { return &tables().module; }
const osiris_module* newer_entry(const osiris_host_info*) {
  static osiris_module module = tables().module;
  module.min_host_abi = OSIRIS_ABI(1, 9);
  return &module;
}
const osiris_module* nothing(const osiris_host_info*) { return nullptr; }

TEST(StaticAdapters, TakeTheSameChecksAsLibraries) {
  EXPECT_THAT(register_static_adapter(newer_entry).error().message, HasSubstr("static adapter: needs adapter ABI 1.9"));
  EXPECT_THAT(register_static_adapter(nothing).error().message,
              HasSubstr("static adapter: osiris_adapter_main_v1 returned NULL"));
  EXPECT_FALSE(load_adapter("fake", {}).ok());
  ASSERT_TRUE(register_static_adapter(good_entry).ok());
  EXPECT_THAT(register_static_adapter(good_entry).error().message, HasSubstr("two static adapters are called 'fake'"));
  const auto loaded = load_adapter("fake", {});
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->id(), "fake");
  EXPECT_EQ(loaded->type, &tables().type);
  EXPECT_THAT(static_adapter_ids(), ::testing::ElementsAre("fake"));

  const Json described = describe_adapter(*loaded);
  EXPECT_EQ(described["library"].as_string(), "linked into osiris");
  EXPECT_EQ(described["abi"].as_string(), "1.0");
  EXPECT_EQ(described["secrets"].dump(), R"([{"name":"FAKE_KEY","help":"opens the fake"}])");
  EXPECT_EQ(described["options"].items()[0]["flag"].as_string(), "--fake-patience");
  EXPECT_EQ(described["options"].items()[0]["default"].as_string(), "60");
}

}  // namespace
}  // namespace osiris
