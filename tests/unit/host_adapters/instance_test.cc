#include "host/adapters/instance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <thread>

#include "protocol/base/clock.h"
#include "tests/support/eventually.h"
#include "tests/unit/host_adapters/instance_fixture.h"

namespace osiris {
namespace {

using fakes::behaviour;
using fakes::deliver;
using fakes::fail;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(Instance, GoesThroughItsLife) {
  auto instance = make();
  EXPECT_TRUE(instance->configure({{"patience", "90"}, {"label", "a"}, {"label", "b"}}).ok());
  EXPECT_TRUE(instance->validate(request_).ok());
  const StageOutcome prepared = instance->prepare(request_);
  ASSERT_TRUE(prepared.ok());
  EXPECT_EQ(prepared.document_text, R"({"schema":"osiris.prepared/1","files":[]})");
  EXPECT_EQ(prepared.document["schema"].as_string(), "osiris.prepared/1");
  EXPECT_TRUE(instance->execute(request_).ok());
  EXPECT_TRUE(instance->collect(request_).ok());
  instance->destroy();
  instance->destroy();
  EXPECT_EQ(behaviour().destroys, 1);
  EXPECT_EQ(behaviour().settings.size(), 3u);
  EXPECT_EQ(behaviour().settings[2].second, "b");
  EXPECT_THAT(events_.lines(), IsEmpty());
}

TEST_F(Instance, IsDestroyedWithItsOwner) {
  {
    const auto instance = make();
  }
  EXPECT_EQ(behaviour().destroys, 1);
}

TEST_F(Instance, GivesAbsentForWhatTheRequestLacks) {
  request_.run_id = "r1";
  auto instance = ready();
  const osiris_request& seen = behaviour().requests.at(0);
  EXPECT_EQ(seen.size, sizeof(osiris_request));
  EXPECT_EQ(seen.attempt, 1u);
  EXPECT_EQ(seen.prepared_json.data, nullptr);
  EXPECT_EQ(seen.settings_json.data, nullptr);
  EXPECT_EQ(seen.run_id.len, 2u);
  EXPECT_EQ(seen.deadline_unix_ns, 0);
}

// However the wall clock was set since the run began: what is left by the steady clock is what the adapter hears.
TEST_F(Instance, TellsTheDeadlineAsATimeOfDayMadeAtTheCall) {
  constexpr int64_t kLeftNs = 60'000'000'000;
  request_.deadline_monotonic_ns = system_clock().monotonic_ns() + kLeftNs;
  const int64_t earliest = system_clock().unix_ns() + kLeftNs - 1'000'000'000;
  auto instance = ready();
  const int64_t latest = system_clock().unix_ns() + kLeftNs;
  const int64_t told = behaviour().requests.at(0).deadline_unix_ns;
  EXPECT_GE(told, earliest);
  EXPECT_LE(told, latest);
}

TEST_F(Instance, RefusesCallsOutOfOrder) {
  auto instance = make();
  const auto is_out_of_order = [](const Status& status) {
    return !status.ok() && status.error().code == Code::kInvalidState &&
           status.error().message.starts_with("host misbehaving: ");
  };
  EXPECT_TRUE(is_out_of_order(instance->validate(request_)));
  EXPECT_TRUE(is_out_of_order(instance->prepare(request_).status));
  EXPECT_TRUE(is_out_of_order(instance->execute(request_).status));
  EXPECT_TRUE(is_out_of_order(instance->collect(request_).status));
  ASSERT_TRUE(instance->configure({}).ok());
  EXPECT_TRUE(is_out_of_order(instance->configure({})));
  EXPECT_TRUE(is_out_of_order(instance->execute(request_).status));
  ASSERT_TRUE(instance->validate(request_).ok());
  ASSERT_TRUE(instance->validate(request_).ok()) << "validate may come again";
  ASSERT_TRUE(instance->prepare(request_).ok());
  EXPECT_TRUE(is_out_of_order(instance->collect(request_).status));
  ASSERT_TRUE(instance->execute(request_).ok());
  EXPECT_TRUE(is_out_of_order(instance->execute(request_).status)) << "one run per instance";
  ASSERT_TRUE(instance->collect(request_).ok());
  EXPECT_TRUE(is_out_of_order(instance->collect(request_).status));
  instance->destroy();
  EXPECT_TRUE(is_out_of_order(instance->validate(request_)));
}

TEST_F(Instance, AFailureCarriesWhoWhereAndWhy) {
  behaviour().validate = [](const osiris_host* host) {
    return fail(host, OSIRIS_UNAVAILABLE, "the far side is full", R"({"retry_after_s":3,"category":"sandbox.quota"})");
  };
  auto instance = make();
  ASSERT_TRUE(instance->configure({}).ok());
  const Status status = instance->validate(request_);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, Code::kUnavailable);
  EXPECT_EQ(status.error().message, "adapter fake 1.0.0, validate: the far side is full");
  EXPECT_EQ(status.error().hint, "try again");
  EXPECT_EQ(status.error().category, "sandbox.quota");
  EXPECT_FALSE(instance->prepare(request_).ok()) << "not validated";
}

TEST_F(Instance, AFailedPipelineIsNoFailedAdapter) {
  behaviour().execute = [](const osiris_host* host) {
    deliver(host, "result", R"({"schema":"osiris.result/1","status":"failed","steps":[]})");
    return fail(host, OSIRIS_RUN_FAILED, "step load: no such table", R"({"retry_after_s":3})");
  };
  auto instance = ready();
  const StageOutcome outcome = instance->execute(request_);
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.status.error().code, Code::kStepFailed);
  EXPECT_EQ(outcome.status.error().message, "step load: no such table");
  EXPECT_EQ(outcome.document["status"].as_string(), "failed");
  EXPECT_EQ(outcome.status.error().detail["retry_after_s"].as_int(), 3);
  EXPECT_THAT(events_.lines(), IsEmpty());
}

TEST_F(Instance, RunFailedMustSayWhichStep) {
  behaviour().execute = [](const osiris_host* host) { return fail(host, OSIRIS_RUN_FAILED, "it failed"); };
  auto instance = ready();
  const StageOutcome outcome = instance->execute(request_);
  EXPECT_EQ(outcome.status.error().code, Code::kInternal);
  EXPECT_THAT(outcome.status.error().message,
              HasSubstr("execute: returned RUN_FAILED (1) without delivering 'result'; it had said: it failed"));
}

TEST_F(Instance, CancelledMayDeliverAPartialResult) {
  behaviour().execute = [](const osiris_host* host) {
    deliver(host, "result", R"({"schema":"osiris.result/1","status":"cancelled","steps":[]})");
    return fail(host, OSIRIS_CANCELLED, "cancelled");
  };
  auto instance = ready();
  const StageOutcome outcome = instance->execute(request_);
  EXPECT_EQ(outcome.status.error().code, Code::kCancelled);
  EXPECT_EQ(outcome.document["status"].as_string(), "cancelled");
  EXPECT_TRUE(instance->collect(request_).ok());
  EXPECT_THAT(events_.lines(), IsEmpty());
}

TEST_F(Instance, LendsDeclaredAndRequestedSecretsOnly) {
  events_.secrets = {{"FAKE_KEY", "k"}, {"env/TOKEN", "t"}, {"env/OTHER", "o"}};
  request_.secret_names = {"env/TOKEN", "env/UNSET"};
  std::vector<std::pair<std::string, osiris_status>> answers;
  behaviour().execute = [&](const osiris_host* host) {
    for (const char* name : {"FAKE_KEY", "env/TOKEN", "env/OTHER", "env/UNSET"}) {
      std::string value;
      const osiris_status status = host->with_secret(
          host, abi_str(name),
          [](void* user, osiris_str secret) noexcept { *static_cast<std::string*>(user) = abi_copy(secret); }, &value);
      answers.emplace_back(value, status);
    }
    return deliver(host, "result", R"({"schema":"osiris.result/1","status":"success"})");
  };
  EXPECT_TRUE(ready()->execute(request_).ok());
  ASSERT_EQ(answers.size(), 4u);
  EXPECT_EQ(answers[0], std::pair(std::string("k"), osiris_status{OSIRIS_OK}));
  EXPECT_EQ(answers[1], std::pair(std::string("t"), osiris_status{OSIRIS_OK}));
  EXPECT_EQ(answers[2], std::pair(std::string(), osiris_status{OSIRIS_NOT_FOUND})) << "not named by this request";
  EXPECT_EQ(answers[3], std::pair(std::string(), osiris_status{OSIRIS_NOT_FOUND})) << "named, but has no value";
}

TEST_F(Instance, PassesOnWhatTheAdapterTells) {
  behaviour().execute = [](const osiris_host* host) {
    osiris_log line{};
    line.size = sizeof line;
    line.level = OSIRIS_WARN;
    line.time_unix_ns = 1'700'000'000'000'000'000;
    line.message = OSIRIS_STR("careful");
    line.step_id = OSIRIS_STR("load");
    line.source = OSIRIS_STR("stderr");
    line.fields_json = OSIRIS_STR(R"({"a":1})");
    host->log(host, &line);
    osiris_event event{};
    event.size = sizeof event;
    event.name = OSIRIS_STR("step_start");
    host->emit_event(host, &event);
    osiris_metric metric{};
    metric.size = sizeof metric;
    metric.name = OSIRIS_STR("rows");
    host->emit_metric(host, &metric);
    osiris_progress progress{};
    progress.size = sizeof progress;
    progress.done = 1;
    progress.total = 2;
    progress.unit = OSIRIS_STR("rows");
    progress.step_id = OSIRIS_STR("load");
    progress.note = OSIRIS_STR("half");
    host->progress(host, &progress);
    EXPECT_EQ(host->extension(host, "osiris.nothing/1"), nullptr);
    EXPECT_EQ(host->is_cancelled(host), 0);
    return deliver(host, "result", R"({"schema":"osiris.result/1","status":"success"})");
  };
  EXPECT_TRUE(ready()->execute(request_).ok());
  EXPECT_THAT(events_.lines(), ElementsAre("log careful", "event step_start", "metric rows", "progress half"));
  EXPECT_EQ(events_.logged.level, OSIRIS_WARN);
  EXPECT_EQ(events_.logged.time_unix_ns, 1'700'000'000'000'000'000);
  EXPECT_EQ(events_.logged.step_id + " " + events_.logged.source, "load stderr");
  EXPECT_EQ(events_.logged.fields["a"].as_int(), 1);
  EXPECT_EQ(events_.told.done, 1);
  EXPECT_EQ(events_.told.total, 2);
  EXPECT_EQ(events_.told.unit + " of " + events_.told.step_id, "rows of load");
  EXPECT_EQ(behaviour().created_by, &tables_.type) << "a function may serve many tables";
}

TEST_F(Instance, TakesEventsFromManyThreads) {
  behaviour().execute = [](const osiris_host* host) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([host] {
        for (int n = 0; n < 100; ++n) {
          osiris_event event{};
          event.size = sizeof event;
          event.name = OSIRIS_STR("tick");
          host->emit_event(host, &event);
          host->is_cancelled(host);
        }
      });
    }
    for (auto& thread : threads) thread.join();
    return deliver(host, "result", R"({"schema":"osiris.result/1","status":"success"})");
  };
  EXPECT_TRUE(ready()->execute(request_).ok());
  EXPECT_EQ(events_.lines().size(), 400u);
}

// One thread executes, another cancels: the flag is seen, the nudge arrives, and destroy does not overtake it.
TEST_F(Instance, IsCancelledFromAnotherThread) {
  std::mutex mutex;
  std::condition_variable started;
  bool is_running = false;
  behaviour().execute = [&](const osiris_host* host) {
    {
      const std::lock_guard lock(mutex);
      is_running = true;
    }
    started.notify_one();
    EXPECT_TRUE(test::eventually([&] { return host->is_cancelled(host); }));
    return fail(host, OSIRIS_CANCELLED, "cancelled");
  };
  auto instance = ready();
  std::thread canceller([&] {
    std::unique_lock lock(mutex);
    started.wait(lock, [&] { return is_running; });
    events_.cancelled = true;
    instance->cancel();
    instance->cancel();
  });
  EXPECT_EQ(instance->execute(request_).status.error().code, Code::kCancelled);
  canceller.join();
  EXPECT_EQ(behaviour().cancels, 2);
  instance->destroy();
  instance->cancel();
  EXPECT_EQ(behaviour().cancels, 2) << "nothing is cancelled after destroy";
}

TEST_F(Instance, RefusesTwoCallsAtOnce) {
  AdapterInstance* instance_now = nullptr;
  Status second;
  behaviour().execute = [&](const osiris_host* host) {
    std::thread([&] { second = instance_now->collect(request_).status; }).join();
    return deliver(host, "result", R"({"schema":"osiris.result/1","status":"success"})");
  };
  auto instance = ready();
  instance_now = instance.get();
  EXPECT_TRUE(instance->execute(request_).ok());
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.error().message,
              HasSubstr("host misbehaving: collect while another call of the instance is in progress"));
}

TEST_F(Instance, ReportsDeliveriesWhereNoneIsDue) {
  behaviour().validate = [](const osiris_host* host) {
    EXPECT_EQ(deliver(host, "result", "{}"), OSIRIS_INVALID_STATE);
    EXPECT_EQ(host->deliver(host, nullptr, OSIRIS_STR("{}")), OSIRIS_INVALID_STATE);
    return osiris_status{OSIRIS_OK};
  };
  auto instance = make();
  ASSERT_TRUE(instance->configure({}).ok());
  EXPECT_TRUE(instance->validate(request_).ok());
  EXPECT_THAT(events_.lines(),
              Contains("adapter misbehaving: fake 1.0.0, validate: delivered 'result' where no document is due"));
}

TEST_F(Instance, ReadsOnlyTheFieldsAnErrorAnnounces) {
  behaviour().validate = [](const osiris_host* host) {
    osiris_error error{};
    error.size = offsetof(osiris_error, hint);
    error.code = OSIRIS_NOT_FOUND;
    error.message = OSIRIS_STR("gone");
    error.hint = {reinterpret_cast<const char*>(8), 1 << 20};  // would crash if it were read
    host->fail(host, &error);
    return osiris_status{OSIRIS_NOT_FOUND};
  };
  auto instance = make();
  ASSERT_TRUE(instance->configure({}).ok());
  EXPECT_EQ(instance->validate(request_).error().message, "adapter fake 1.0.0, validate: gone");
}

// The bytes after the host's table belong to nobody; a plugin that wrote there would be caught here.
TEST_F(Instance, ItsTableAnnouncesItsOwnSize) {
  behaviour().execute = [](const osiris_host* host) {
    EXPECT_EQ(host->size, sizeof(osiris_host));
    EXPECT_EQ(host->abi, OSIRIS_ABI_VERSION);
    return deliver(host, "result", R"({"schema":"osiris.result/1","status":"success"})");
  };
  EXPECT_TRUE(ready()->execute(request_).ok());
}

TEST(Statuses, HaveTheNumbersOfOurErrorCodes) {
  EXPECT_EQ(static_cast<int32_t>(Code::kStepFailed), OSIRIS_RUN_FAILED);
  EXPECT_EQ(static_cast<int32_t>(Code::kCancelled), OSIRIS_CANCELLED);
  EXPECT_EQ(static_cast<int32_t>(Code::kDeadline), OSIRIS_DEADLINE);
  EXPECT_EQ(static_cast<int32_t>(Code::kInvalidArgument), OSIRIS_INVALID_ARGUMENT);
  EXPECT_EQ(static_cast<int32_t>(Code::kInvalidState), OSIRIS_INVALID_STATE);
  EXPECT_EQ(static_cast<int32_t>(Code::kUnsupported), OSIRIS_UNSUPPORTED);
  EXPECT_EQ(static_cast<int32_t>(Code::kNotFound), OSIRIS_NOT_FOUND);
  EXPECT_EQ(static_cast<int32_t>(Code::kUnauthenticated), OSIRIS_UNAUTHENTICATED);
  EXPECT_EQ(static_cast<int32_t>(Code::kUnavailable), OSIRIS_UNAVAILABLE);
  EXPECT_EQ(static_cast<int32_t>(Code::kExhausted), OSIRIS_EXHAUSTED);
  EXPECT_EQ(static_cast<int32_t>(Code::kInternal), OSIRIS_INTERNAL);
}

}  // namespace
}  // namespace osiris
