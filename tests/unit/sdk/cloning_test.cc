// Machines made of a machine, by a service in memory: what a lost answer made is found, and what is known is left
// alone.
#include "plugins/sdk/place/cloning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/support/no_more_threads.h"
#include "tests/unit/sdk/holding.h"

namespace osiris::sdk {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class CloningTest : public Holding {
 protected:
  CloningTest() : Holding("cloning") {
    settings_.create_timeout = std::chrono::milliseconds(1);
    parent_.emplace(context());
    EXPECT_TRUE(parent_->acquire(request_).ok());
  }
  static std::set<std::string> ids(const Cloned& cloned) {
    std::set<std::string> all;
    for (const auto& each : cloned.machines) all.insert(each->machine().id);
    return all;
  }
  size_t left() const { return place_.machines.size(); }
  static void release(HeldMachine& machine) {
    Json released = Json::array();
    EXPECT_TRUE(machine.release(released, false).ok());
  }

  std::optional<HeldMachine> parent_;
};

TEST_F(CloningTest, AreMadeInCallsOfAsManyAsTheServiceTakesAndJournaledBefore) {
  const Cloned cloned = clone_machine(context(), *parent_, 7);
  EXPECT_FALSE(cloned.fewer);
  EXPECT_EQ(ids(cloned).size(), 7u);
  EXPECT_EQ(place_.count("clone"), 3u);
  const std::string said = journal();
  EXPECT_LT(said.find("\"cloning\""), said.find("\"made_of\""));
  EXPECT_THAT(said, HasSubstr("\"count\":3"));
  EXPECT_THAT(said, HasSubstr("\"count\":1"));
}

TEST_F(CloningTest, WhatTheServiceHasNoRoomForIsSaid) {
  place_.room = 3;
  const Cloned cloned = clone_machine(context(), *parent_, 3);
  EXPECT_EQ(ids(cloned).size(), 2u);
  ASSERT_TRUE(cloned.fewer);
  EXPECT_EQ(cloned.fewer->message, "no room");
  EXPECT_EQ(place_.count("clone"), 1u) << "it is not asked again";
}

TEST_F(CloningTest, AServiceThatMakesNoneIsAskedOnce) {
  place_.faults["clone"] = {{Error(Code::kUnsupported, "HTTP 404")}};
  const Cloned cloned = clone_machine(context(), *parent_, 3);
  EXPECT_TRUE(cloned.machines.empty());
  ASSERT_TRUE(cloned.fewer);
  EXPECT_EQ(cloned.fewer->code, Code::kUnsupported);
  EXPECT_EQ(place_.count("find"), 0u) << "there is nothing to be found";
}

TEST_F(CloningTest, WhatALostAnswerMadeIsTakenOver) {
  place_.faults["clone"] = {{FakePlace::lost(), true}};
  Cloned cloned = clone_machine(context(), *parent_, 3);
  EXPECT_EQ(ids(cloned), (std::set<std::string>{"box-2", "box-3", "box-4"}));
  EXPECT_TRUE(cloned.fewer);
  EXPECT_EQ(place_.count("take_over"), 3u);
  // The parent looks for more when it ends, and leaves those alone that are known.
  release(*parent_);
  EXPECT_EQ(left(), 3u);
  for (const auto& each : cloned.machines) release(*each);
  EXPECT_EQ(left(), 0u);
}

TEST_F(CloningTest, WhatALostAnswerMadeLaterEndsWithTheParent) {
  place_.faults["clone"] = {{FakePlace::lost()}};
  const Cloned cloned = clone_machine(context(), *parent_, 3);
  EXPECT_TRUE(cloned.machines.empty());
  Machine late;
  late.id = "box-late";
  late.metadata = parent_->machine().metadata;
  place_.machines[late.id] = late;
  release(*parent_);
  EXPECT_EQ(left(), 0u);
}

// Each has the token of its parent, whose create was in doubt too: its hunt for doubles finds them all.
TEST_F(CloningTest, AParentThatIsLostTakesNoCloneAlong) {
  Cloned cloned = clone_machine(context(), *parent_, 2);
  parent_->doubt_clones();
  release(*parent_);
  EXPECT_EQ(left(), 2u);
  for (const auto& each : cloned.machines) {
    EXPECT_TRUE(place_.machines.count(each->machine().id));
    release(*each);
  }
}

TEST_F(CloningTest, EachIsAnnouncedAndGivenBackByItself) {
  Cloned cloned = clone_machine(context(), *parent_, 1);
  const std::string id = cloned.machines.front()->machine().id;
  EXPECT_THAT(journal(), HasSubstr("\"made_of\":\"" + parent_->machine().id + "\""));
  release(*cloned.machines.front());
  EXPECT_EQ(place_.machines.count(id), 0u);
  EXPECT_EQ(left(), 1u);
}

TEST_F(CloningTest, ThatNothingWouldRenewAreGivenBack) {
  const NoMoreThreads none;
  const Cloned cloned = clone_machine(context(), *parent_, 2);
  EXPECT_TRUE(cloned.machines.empty());
  ASSERT_TRUE(cloned.fewer);
  EXPECT_THAT(cloned.fewer->message, HasSubstr("the machine has no more threads"));
  EXPECT_EQ(left(), 1u) << "the parent alone";
}

}  // namespace
}  // namespace osiris::sdk
