// What a failed call of the control plane means for a machine that is being made, kept alive or ended.
#include "plugins/e2b/place.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/http/fake_transport.h"

namespace osiris::e2b {
namespace {

using http::FakeAnswer;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class E2bPlaceTest : public testing::Test {
 protected:
  E2bPlaceTest() {
    ApiConfig config;
    config.api_url = "https://api.test";
    config.api_key = "e2b_key";
    auto transport = std::make_unique<http::FakeTransport>();
    transport_ = transport.get();
    // No call is repeated: its first answer is judged.
    place_.emplace(
        std::move(transport), config, http::RetryPolicy{.budget = http::Milliseconds(0)},
        [](http::Milliseconds) { return false; }, nullptr);
  }

  plugin::Failure create_failure(FakeAnswer answer) {
    transport_->answers = {std::move(answer)};
    adapter_sdk::MachineSpec wanted;
    wanted.template_id = "base";
    try {
      place_->create(wanted, {http::Milliseconds(1'000), nullptr});
    } catch (const plugin::Failure& failure) {
      return failure;
    }
    ADD_FAILURE() << "it was created";
    return {OSIRIS_INTERNAL, "it was created"};
  }
  // "doubt late honours under_way lost", those that hold.
  std::vector<std::string> judged(FakeAnswer answer) {
    const adapter_sdk::CreateFailure failure = place_->classify_create_failure(create_failure(std::move(answer)));
    std::vector<std::string> words;
    if (failure.leaves_doubt) words.push_back("doubt");
    if (failure.is_late) words.push_back("late");
    if (failure.honours_token) words.push_back("honours");
    if (failure.is_under_way) words.push_back("under_way");
    if (failure.lost_outcome) words.push_back("lost");
    return words;
  }
  static FakeAnswer coded(int status, const std::string& code) {
    return FakeAnswer::json(
        status, R"({"code":)" + std::to_string(status) + R"(,"error_code":")" + code + R"(","message":"m"})");
  }

  http::FakeTransport* transport_ = nullptr;
  std::optional<E2bPlace> place_;
};

TEST_F(E2bPlaceTest, ACreateWithoutAnAnswerLeavesDoubtIfItMayHaveArrived) {
  EXPECT_THAT(judged(FakeAnswer::lost()), ElementsAre("doubt", "late"));
  EXPECT_THAT(judged(FakeAnswer::refused()), IsEmpty());
}

TEST_F(E2bPlaceTest, TheServicesOwnTroubleLeavesDoubtAndAGatewaysIsLateToo) {
  for (const int status : {502, 504}) EXPECT_THAT(judged({status}), ElementsAre("doubt", "late")) << status;
  for (const int status : {500, 503}) EXPECT_THAT(judged({status}), ElementsAre("doubt")) << status;
}

TEST_F(E2bPlaceTest, ARefusalLeavesNone) {
  for (const int status : {400, 401, 403, 429}) EXPECT_THAT(judged({status}), IsEmpty()) << status;
  EXPECT_THAT(judged(coded(500, "sandbox_create_refused")), IsEmpty());
}

TEST_F(E2bPlaceTest, AnAnswerThatCannotBeReadLeavesDoubt) {
  EXPECT_THAT(judged({201, "{\"sandboxID\":"}), Contains("doubt"));
}

TEST_F(E2bPlaceTest, WhatTheServiceSaysOfATokenShowsThatItKnowsThem) {
  EXPECT_THAT(judged(coded(409, "idempotency_in_progress")), ElementsAre("honours", "under_way"));
  EXPECT_THAT(judged(coded(409, "idempotency_outcome_unknown")), ElementsAre("honours", "lost"));
}

TEST_F(E2bPlaceTest, ATemplateIsAtFaultWhereTheServiceRefusesOrDoesNotFindIt) {
  for (const int status : {400, 404})
    EXPECT_TRUE(place_->is_template_failure(
        create_failure(FakeAnswer::json(status, R"({"code":404,"message":"template 'x' not found"})"))))
        << status;
  for (const int status : {401, 500}) EXPECT_FALSE(place_->is_template_failure(create_failure({status}))) << status;
}

TEST_F(E2bPlaceTest, ARefusalIsWhatTheServiceUnderstoodAndWillSayAgain) {
  for (const int status : {400, 401, 403}) EXPECT_TRUE(place_->is_refusal(create_failure({status}))) << status;
  for (const int status : {429, 500, 503}) EXPECT_FALSE(place_->is_refusal(create_failure({status}))) << status;
  EXPECT_FALSE(place_->is_refusal(create_failure(FakeAnswer::lost())));
}

}  // namespace
}  // namespace osiris::e2b
