// What an adapter's place throws and says is what the sdk's own errors and documents say, and the other way round.
#include "plugins/sdk/api/place.h"

#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>

#include "protocol/base/json.h"

namespace osiris::adapter_sdk {
namespace {

const ServiceDescription kFar{"far", "Far", "box", "boxes", "boxd", "--far-", {}};

// Fails every call in the same way, and remembers what it was asked of a failure.
class FailingPlace : public Place {
 public:
  std::optional<plugin::Failure> failure;  // none: an exception of another kind
  mutable std::string asked;

  const ServiceDescription& service() const override { return kFar; }
  std::string home() const override { return "/home/box"; }
  Milliseconds request_timeout() const override { return Milliseconds(7); }
  uint64_t calls() const override { return 5; }
  Machine create(const MachineSpec&, const CallLimits&) override { fail(); }
  CreateFailure classify_create_failure(const plugin::Failure& of) const override {
    asked = of.detail_json();
    CreateFailure what;
    what.is_late = true;
    return what;
  }
  bool may_honour_tokens() const override { return true; }
  bool is_template_failure(const plugin::Failure&) const override { return true; }
  std::vector<Machine> find(const Metadata&) override { fail(); }
  Machine take_over(const std::string&, int64_t) override { fail(); }
  Machine look(const std::string&, const CallLimits&) override { fail(); }
  void renew(const std::string&, int64_t, const CallLimits&) override { fail(); }
  bool is_end_of_life(const plugin::Failure& of) const override { return of.code() == OSIRIS_EXHAUSTED; }
  std::string_view short_life_hint() const override { return "be quick"; }
  void kill(const std::string&, const CallLimits&) override { fail(); }
  bool is_refusal(const plugin::Failure& of) const override { return of.code() == OSIRIS_UNAUTHENTICATED; }
  bool is_gone(const std::string&, const CallLimits&) override { fail(); }
  std::string hint(std::string_view failure_class) const override { return "about " + std::string(failure_class); }
  std::string shown_rules(const Egress&) const override { return R"({"allow":["db.example"]})"; }
  std::unique_ptr<MachineAccess> access(const Machine&, Milliseconds) override { return nullptr; }

 private:
  [[noreturn]] void fail() const {
    if (failure) throw *failure;
    throw std::runtime_error("out of paper");
  }
};

TEST(AdapterPlace, AFailureIsAnErrorWithItsClassAndItsWait) {
  FailingPlace place;
  place.failure = plugin::Failure(OSIRIS_UNAVAILABLE, "no room", "later",
                                  R"({"class":"CreationTimeout","retry_after_s":2,"category":"far.CreationTimeout"})");
  AdapterPlace own(place);
  const auto created = own.create(MachineSpec(), CallLimits());
  ASSERT_FALSE(created.ok());
  EXPECT_EQ(created.error().code, Code::kUnavailable);
  EXPECT_EQ(created.error().message, "no room");
  EXPECT_EQ(created.error().hint, "later");
  EXPECT_EQ(created.error().category, "far.CreationTimeout");
  EXPECT_EQ(failure_class_of(created.error()), FailureClass::kCreationTimeout);
  EXPECT_EQ(retry_after_of(created.error()), Milliseconds(2'000));
  EXPECT_TRUE(own.service().may_pass(created.error())) << "it is unavailable, and the place says no other thing";
}

TEST(AdapterPlace, AQuestionAboutAnErrorReachesThePlaceWithAllThatIsKnown) {
  FailingPlace place;
  place.failure = plugin::Failure(OSIRIS_UNAVAILABLE, "no", "", R"({"class":"SandboxError","http_status":502})");
  AdapterPlace own(place);
  const Error error = own.create(MachineSpec(), CallLimits()).error();
  EXPECT_TRUE(own.classify_create_failure(error).is_late);
  EXPECT_EQ((*parse_json(place.asked))["http_status"].as_int(), 502);
  EXPECT_FALSE(own.is_refusal(error));
  EXPECT_TRUE(own.is_refusal(Error(Code::kUnauthenticated, "no")));
  EXPECT_TRUE(own.is_end_of_life(Error(Code::kExhausted, "enough")));
}

TEST(AdapterPlace, WhatIsThrownBesidesEndsNoThread) {
  FailingPlace place;
  AdapterPlace own(place);
  const Status renewed = own.renew("b1", 60, CallLimits());
  ASSERT_FALSE(renewed.ok());
  EXPECT_EQ(renewed.error().code, Code::kInternal);
  EXPECT_EQ(renewed.error().message, "out of paper");
  EXPECT_FALSE(own.is_gone("b1", CallLimits()).ok());
  EXPECT_FALSE(own.kill("b1", CallLimits()).ok());
  EXPECT_FALSE(own.find({}).ok());
}

TEST(AdapterPlace, FailuresOfTheSdkAreTheServicesInItsWords) {
  FailingPlace place;
  AdapterPlace own(place);
  EXPECT_EQ(own.service().noun(), "box");
  const Error error = own.service().failure(FailureClass::kNetworkError, "no answer");
  EXPECT_EQ(error.category, "far.NetworkError");
  EXPECT_EQ(error.hint, "about NetworkError");
  EXPECT_EQ(own.service().failure(FailureClass::kNetworkError, "no answer", "wait").hint, "wait");
  EXPECT_EQ(own.shown_rules(Egress())["allow"].items().at(0).as_string(), "db.example");
}

TEST(AdapterPlace, KillAndVerifyThrowsWhatKeptIt) {
  FailingPlace place;
  place.failure = plugin::Failure(OSIRIS_UNAUTHENTICATED, "not yours");
  try {
    kill_and_verify(place, "b1", Milliseconds(1));
    ADD_FAILURE() << "it was said to be gone";
  } catch (const plugin::Failure& failure) {
    EXPECT_EQ(failure.code(), OSIRIS_UNAUTHENTICATED);
    EXPECT_NE(failure.message().find("not yours"), std::string::npos);
  }
}

}  // namespace
}  // namespace osiris::adapter_sdk
