// An adapter in C++ as a host calls it: through the C tables that osiris/adapter.hpp makes, with everything that such
// an adapter may throw.
#include <osiris/adapter.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <new>
#include <stdexcept>

#include "tests/unit/sdk/recording_host.h"

namespace osiris::plugin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int kOwnTable = 7;

// Does in its next call what the test says.
class Told : public Adapter, public Resources {
 public:
  static constexpr osiris_str kId = OSIRIS_STR("told"), kName = OSIRIS_STR("Told"), kVersion = OSIRIS_STR("1.2.3"),
                              kSummary = OSIRIS_STR("does as it is told");
  static constexpr std::array<osiris_option, 2> kOptions = {option(OSIRIS_TEXT, "a", "first"),
                                                            option(OSIRIS_INT, "b", "second", "7", OSIRIS_REPEATED)};
  static constexpr std::array<osiris_secret, 1> kSecrets = {secret("TOLD_KEY", "opens it", OSIRIS_REQUIRED)};
  static const void* extension(const char* id) { return std::string_view(id) == "told.own/1" ? &kOwnTable : nullptr; }

  explicit Told(Host host) : Adapter(host) {}
  ~Told() override { --alive; }

  void configure(const std::vector<Setting>& settings) override {
    for (const Setting& setting : settings)
      configured.push_back(std::string(setting.name) + "=" + std::string(setting.value));
  }
  void validate(const Request&) override { act(host()); }
  std::string prepare(const Request& request) override { return "{\"run\":\"" + std::string(request.run_id) + "\"}"; }
  RunResult execute(const Request&) override {
    if (thrown) throw *thrown;
    return {"{\"status\":\"x\"}", failure};
  }
  std::string collect(const Request&) override { return "{\"files\":[]}"; }
  void cancel() noexcept override { ++cancels; }
  std::string list_resources(const ResourceQuery& query) override {
    return "{\"filter\":\"" + std::string(query.filter_json) + "\"}";
  }
  std::string release_resource(const ResourceQuery& query) override {
    return "{\"released\":\"" + std::string(query.kind) + " " + std::string(query.id) + "\"}";
  }

  static inline std::function<void(Host)> act;
  static inline std::optional<Failure> failure, thrown;
  static inline std::vector<std::string> configured;
  static inline int cancels = 0, alive = 0;
};

class AdapterHpp : public testing::Test {
 protected:
  AdapterHpp() {
    Told::act = [](Host) {};
    Told::failure.reset();
    Told::thrown.reset();
    Told::configured.clear();
    Told::cancels = 0;
    Told::alive = 1;
    EXPECT_EQ(type_.create(&type_, recording_.table(), &self_), OSIRIS_OK);
    request_.size = sizeof request_;
    request_.run_id = OSIRIS_STR("run_1");
  }
  ~AdapterHpp() override {
    type_.destroy(self_);
    EXPECT_EQ(Told::alive, 0);
  }

  osiris_status validate(std::function<void(Host)> act) {
    Told::act = std::move(act);
    return type_.validate(self_, &request_);
  }
  test::RecordingHost::Failure last_failure() const {
    return recording_.failures().empty() ? test::RecordingHost::Failure() : recording_.failures().back();
  }

  test::RecordingHost recording_;
  const osiris_adapter_type& type_ = *module<Told>()->adapters[0];
  osiris_adapter* self_ = nullptr;
  osiris_request request_{};
};

TEST_F(AdapterHpp, TheTablesSayWhatTheClassSays) {
  EXPECT_EQ(module<Told>()->abi, OSIRIS_ABI_VERSION);
  EXPECT_EQ(module<Told>()->min_host_abi, OSIRIS_ABI(1, 0)) << "it works in every host of this major version";
  EXPECT_EQ(module<Told>()->adapter_count, 1u);
  EXPECT_EQ(to_view(type_.id), "told");
  EXPECT_EQ(to_view(type_.version), "1.2.3");
  ASSERT_EQ(type_.option_count, 2u);
  EXPECT_EQ(type_.options[1]->size, sizeof(osiris_option));
  EXPECT_EQ(type_.options[1]->type, uint32_t{OSIRIS_INT});
  EXPECT_EQ(type_.options[1]->flags, uint32_t{OSIRIS_REPEATED});
  EXPECT_EQ(to_view(type_.options[1]->name), "b");
  EXPECT_EQ(to_view(type_.options[1]->help), "second");
  EXPECT_EQ(to_view(type_.options[1]->default_value), "7");
  ASSERT_EQ(type_.secret_count, 1u);
  EXPECT_EQ(to_view(type_.secrets[0]->name), "TOLD_KEY");
  EXPECT_EQ(to_view(type_.secrets[0]->help), "opens it");
  EXPECT_EQ(type_.secrets[0]->flags, uint32_t{OSIRIS_REQUIRED});
}

TEST_F(AdapterHpp, AnInstanceIsOne) {
  EXPECT_FALSE(std::is_copy_constructible_v<Told>);
  EXPECT_FALSE(std::is_copy_assignable_v<Told>);
}

TEST_F(AdapterHpp, SettingsArriveInOrderAndNoMore) {
  const osiris_setting settings[] = {
      {OSIRIS_STR("a"), OSIRIS_STR("1")}, {OSIRIS_STR("b"), OSIRIS_STR("2")}, {OSIRIS_STR("c"), {}}};
  EXPECT_EQ(type_.configure(self_, settings, 2), OSIRIS_OK);
  EXPECT_THAT(Told::configured, ElementsAre("a=1", "b=2"));
}

TEST_F(AdapterHpp, DocumentsAreDelivered) {
  EXPECT_EQ(type_.prepare(self_, &request_), OSIRIS_OK);
  EXPECT_EQ(type_.execute(self_, &request_), OSIRIS_OK);
  EXPECT_EQ(type_.collect(self_, &request_), OSIRIS_OK);
  EXPECT_EQ((*recording_.document("prepared"))["run"].as_string(), "run_1");
  EXPECT_EQ((*recording_.document("result"))["status"].as_string(), "x");
  EXPECT_TRUE(recording_.document("artifacts"));
  EXPECT_THAT(recording_.failures(), IsEmpty());
}

TEST_F(AdapterHpp, ADocumentThatTheHostDoesNotTakeIsAnError) {
  EXPECT_EQ(type_.prepare(self_, &request_), OSIRIS_OK);
  EXPECT_EQ(type_.prepare(self_, &request_), OSIRIS_INTERNAL);
  EXPECT_EQ(last_failure().message, "the host did not take the document 'prepared'");
}

TEST_F(AdapterHpp, AFailedRunDeliversItsResultAndTellsWhy) {
  Told::failure = Failure(OSIRIS_RUN_FAILED, "step a failed", "mend it", "{\"step\":\"a\"}");
  EXPECT_EQ(type_.execute(self_, &request_), OSIRIS_RUN_FAILED);
  EXPECT_TRUE(recording_.document("result"));
  EXPECT_EQ(last_failure().code, OSIRIS_RUN_FAILED);
  EXPECT_EQ(last_failure().message, "step a failed");
  EXPECT_EQ(last_failure().hint, "mend it");
  EXPECT_EQ(last_failure().detail["step"].as_string(), "a");
}

TEST_F(AdapterHpp, AFailedRunMayAlsoBeThrown) {
  Told::thrown = Failure(OSIRIS_RUN_FAILED, "step a failed");
  EXPECT_EQ(type_.execute(self_, &request_), OSIRIS_RUN_FAILED);
  EXPECT_EQ((*recording_.document("result"))["status"].as_string(), "failed");
  EXPECT_EQ(last_failure().message, "step a failed");
}

TEST_F(AdapterHpp, AnotherFailureThatExecuteThrowsComesWithoutADocument) {
  Told::thrown = Failure(OSIRIS_UNAVAILABLE, "no route");
  EXPECT_EQ(type_.execute(self_, &request_), OSIRIS_UNAVAILABLE);
  EXPECT_FALSE(recording_.document("result"));
}

TEST_F(AdapterHpp, WhateverIsThrownIsToldAndBecomesAStatus) {
  EXPECT_EQ(validate([](Host) { throw Failure(OSIRIS_UNAVAILABLE, "no route"); }), OSIRIS_UNAVAILABLE);
  EXPECT_EQ(last_failure().message, "no route");
  EXPECT_EQ(validate([](Host) { throw Failure(OSIRIS_OK, "a failure that says OK"); }), OSIRIS_INTERNAL);
  EXPECT_EQ(last_failure().message, "a failure that says OK");
  EXPECT_EQ(validate([](Host) { throw std::bad_alloc(); }), OSIRIS_EXHAUSTED);
  EXPECT_EQ(last_failure().code, OSIRIS_EXHAUSTED);
  EXPECT_EQ(validate([](Host) { throw std::runtime_error("broken"); }), OSIRIS_INTERNAL);
  EXPECT_EQ(last_failure().message, "broken");
  EXPECT_EQ(validate([](Host) { throw 7; }), OSIRIS_INTERNAL);
  EXPECT_EQ(last_failure().message, "an unknown exception was thrown");
}

TEST_F(AdapterHpp, ASecretIsLentForTheTimeOfACall) {
  recording_.secrets["TOLD_KEY"] = "value";
  std::string seen;
  EXPECT_EQ(validate([&](Host host) {
              EXPECT_TRUE(host.with_secret("TOLD_KEY", [&](std::string_view value) { seen = value; }));
              EXPECT_FALSE(host.with_secret("ANOTHER", [](std::string_view) { ADD_FAILURE(); }));
            }),
            OSIRIS_OK);
  EXPECT_EQ(seen, "value");
  EXPECT_EQ(validate([](Host host) {
              host.with_secret("TOLD_KEY", [](std::string_view) { throw std::runtime_error("thrown in use"); });
            }),
            OSIRIS_INTERNAL);
  EXPECT_EQ(last_failure().message, "thrown in use");
}

TEST_F(AdapterHpp, ASecretThatTheHostCannotLendIsAnError) {
  osiris_host refusing = *recording_.table();
  refusing.with_secret = [](const osiris_host*, osiris_str, void (*)(void*, osiris_str) noexcept, void*) noexcept {
    return osiris_status{OSIRIS_UNAVAILABLE};
  };
  try {
    Host(&refusing).with_secret("TOLD_KEY", [](std::string_view) {});
    ADD_FAILURE();
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), OSIRIS_UNAVAILABLE);
    EXPECT_STREQ(failure.what(), "the host did not lend the secret TOLD_KEY");
  }
}

TEST_F(AdapterHpp, EventsAndMetricsNameTheirStep) {
  validate([](Host host) {
    host.event("began", "{\"n\":1}", "step_1");
    host.metric("rows", 3, "rows", "step_2");
    host.log(OSIRIS_INFO, "said");
  });
  EXPECT_EQ(recording_.events("began").at(0).step_id, "step_1");
  EXPECT_EQ(recording_.events("began").at(0).data["n"].as_int(), 1);
  EXPECT_EQ(recording_.metrics().at(0).step_id, "step_2");
  EXPECT_EQ(recording_.metrics().at(0).value, 3);
  EXPECT_TRUE(recording_.logged("said"));
}

TEST_F(AdapterHpp, ACancelReachesTheAdapter) {
  std::vector<bool> seen;
  const auto look = [&seen](Host host) { seen.push_back(host.is_cancelled()); };
  validate(look);
  recording_.cancel();
  validate(look);
  EXPECT_THAT(seen, ElementsAre(false, true));
  type_.cancel(self_);
  type_.cancel(self_);
  EXPECT_EQ(Told::cancels, 2);
}

TEST_F(AdapterHpp, ExtensionsAreTheBasesOwnAndTheClasss) {
  EXPECT_EQ(type_.extension(&type_, "told.own/1"), &kOwnTable);
  EXPECT_EQ(type_.extension(&type_, "osiris.other/1"), nullptr);
  EXPECT_EQ(type_.extension(&type_, OSIRIS_EXPLAIN_V1), nullptr) << "it is no Explanation";
  const auto* resources = static_cast<const osiris_resources*>(type_.extension(&type_, OSIRIS_RESOURCES_V1));
  ASSERT_NE(resources, nullptr);
  osiris_resource_query query{};
  query.size = sizeof query;
  query.filter_json = OSIRIS_STR("mine");
  query.kind = OSIRIS_STR("box");
  query.id = OSIRIS_STR("b1");
  EXPECT_EQ(resources->list(self_, &query), OSIRIS_OK);
  EXPECT_EQ((*recording_.document("resources"))["filter"].as_string(), "mine");
  EXPECT_EQ(resources->release(self_, &query), OSIRIS_OK);
  EXPECT_EQ((*recording_.document("released"))["released"].as_string(), "box b1");
}

}  // namespace
}  // namespace osiris::plugin
