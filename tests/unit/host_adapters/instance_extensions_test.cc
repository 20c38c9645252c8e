// An instance asked for what an extension offers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/host_adapters/instance_fixture.h"

namespace osiris {
namespace {

using fakes::behaviour;

TEST_F(Instance, ExplainsARunOnceItIsValidated) {
  auto instance = make();
  EXPECT_TRUE(has_explanation(tables_.type));
  ASSERT_TRUE(instance->configure({}).ok());
  EXPECT_FALSE(instance->explain(request_).ok()) << "not validated";
  ASSERT_TRUE(instance->validate(request_).ok());
  const StageOutcome explained = instance->explain(request_);
  ASSERT_TRUE(explained.ok()) << explained.status.error().message;
  EXPECT_EQ(explained.document["facts"].items()[0]["text"].as_string(), "is asked");
  EXPECT_TRUE(instance->prepare(request_).ok()) << "and goes on";
  EXPECT_TRUE(instance->explain(request_).ok()) << "any number of times";
  EXPECT_TRUE(instance->execute(request_).ok());
  EXPECT_FALSE(instance->explain(request_).ok()) << "the run has been";
}

TEST_F(Instance, SaysWhenAnAdapterExplainsNothing) {
  tables_.type.extension = nullptr;
  auto instance = make();
  EXPECT_FALSE(has_explanation(tables_.type));
  ASSERT_TRUE(instance->configure({}).ok());
  ASSERT_TRUE(instance->validate(request_).ok());
  EXPECT_EQ(instance->explain(request_).status.error().code, Code::kUnsupported);
}

TEST_F(Instance, ListsAndReleasesResources) {
  auto instance = make();
  EXPECT_TRUE(instance->has_resources());
  EXPECT_FALSE(instance->list_resources({}).ok()) << "not configured";
  ASSERT_TRUE(instance->configure({}).ok());
  const StageOutcome listed =
      instance->list_resources({R"({"owner_id":"me"})", Json::object({{"kind", "sandbox"}}), {}, {}});
  ASSERT_TRUE(listed.ok());
  EXPECT_EQ(listed.document["filter"]["kind"].as_string(), "sandbox");
  EXPECT_EQ(listed.document["settings"]["owner_id"].as_string(), "me");
  const StageOutcome released = instance->release_resource({{}, {}, "sandbox", "abc"});
  ASSERT_TRUE(released.ok());
  EXPECT_EQ(released.document["released"].items()[0]["id"].as_string(), "abc");
  const StageOutcome stuck = instance->release_resource({{}, {}, "sandbox", "stuck"});
  EXPECT_EQ(stuck.status.error().code, Code::kUnavailable);
}

TEST_F(Instance, SaysWhenThereAreNoResources) {
  tables_.type.extension = nullptr;
  auto instance = make();
  ASSERT_TRUE(instance->configure({}).ok());
  EXPECT_FALSE(instance->has_resources());
  EXPECT_EQ(instance->list_resources({}).status.error().code, Code::kUnsupported);
}

}  // namespace
}  // namespace osiris
