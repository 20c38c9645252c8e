// Answers that are none: what is tried again, what is an error, and with which words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/drivers/graphql.extractor/api.h"
#include "tests/support/eventually.h"
#include "worker/drivers/graphql.extractor/driver.h"

namespace osiris::worker::test {
namespace {

using ::testing::HasSubstr;

constexpr const char* kRow = R"({"data":{"plants":[{"id":1,"name":"a"}]}})";
constexpr const char* kRows = "id BIGINT, name VARCHAR\n1|a\n";

TEST(GraphqlAnswers, WithErrorsAreErrorsWhateverDataTheyBring) {
  const Api api(R"({"data":{"plants":[{"id":1}]},"errors":[{"message":"field x is unknown","path":["plants",0,"x"],)"
                R"("locations":[{"line":2,"column":5}]}]})");
  GraphqlStep step(api);
  const Error error = step.error();
  EXPECT_EQ(error.code, Code::kStepFailed);
  EXPECT_THAT(error.message, HasSubstr("GraphQL API request failed: GraphQL errors: field x is unknown at plants.0.x "
                                       "(line 2, column 5 of the query)"));
  EXPECT_EQ(api.requests().size(), 1u) << "the same query would have the same errors";
  EXPECT_FALSE(step.has_output_table());
  EXPECT_EQ(GraphqlStep(Api(R"({"data":{"plants":[{"id":1,"name":"a"}]},"errors":[]})")).rows(), kRows);
}

TEST(GraphqlAnswers, ThatPassAreAskedForAgain) {
  const ApiAnswer passing[] = {{"busy", 503},
                               {"slow down", 429},
                               {"", 502},
                               {"timeout", 504},
                               {R"({"errors":[{"message":"m","extensions":{"code":"THROTTLED"}}]})"},
                               {R"({"errors":[{"message":"m","type":"RATE_LIMITED"}]})"}};
  for (const ApiAnswer& first : passing) {
    const Api api([&](const ApiRequest&, size_t number) { return number < 3 ? first : ApiAnswer{kRow}; });
    EXPECT_EQ(GraphqlStep(api).rows(), kRows) << first.status << first.body;
    EXPECT_EQ(api.requests().size(), 3u);
    const Api always([&](const ApiRequest&, size_t) { return first; });
    GraphqlStep step(always, {{"max_retries", 1}});
    EXPECT_THAT(step.error().message, HasSubstr("after 2 attempts"));
    EXPECT_EQ(always.requests().size(), 2u);
  }
}

TEST(GraphqlAnswers, OfOtherStatusesAreErrorsAtOnce) {
  const std::pair<int, Code> statuses[] = {{400, Code::kInvalidArgument}, {401, Code::kUnauthenticated},
                                           {403, Code::kUnauthenticated}, {404, Code::kNotFound},
                                           {412, Code::kInvalidArgument}, {302, Code::kInvalidArgument}};
  for (const auto& [status, code] : statuses) {
    const Api api([&](const ApiRequest&, size_t) { return ApiAnswer{"why\r\nnot", status, "Location: /x\r\n"}; });
    const Error error = GraphqlStep(api).error();
    EXPECT_EQ(error.code, code) << status;
    EXPECT_THAT(error.message, HasSubstr("answered " + std::to_string(status) + ": why??not"));
    EXPECT_EQ(api.requests().size(), 1u);
  }
}

TEST(GraphqlAnswers, ARetryAfterIsWaitedFor) {
  const Api api([](const ApiRequest&, size_t number) {
    return number == 1 ? ApiAnswer{"later", 429, "Retry-After: 1\r\n"} : ApiAnswer{kRow};
  });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(GraphqlStep(api).rows(), kRows);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(900));
}

TEST(GraphqlAnswers, ThatAreNoJsonOrNoGraphqlAreNamed) {
  EXPECT_THAT(GraphqlStep(Api("<html>hello</html>")).error().message, HasSubstr("no JSON"));
  EXPECT_THAT(GraphqlStep(Api("<html>hello</html>")).error().message, HasSubstr("<html>hello"));
  EXPECT_THAT(GraphqlStep(Api("[]")).error().message, HasSubstr("it has no 'data'"));
  EXPECT_THAT(GraphqlStep(Api("{}")).error().message, HasSubstr("it has no 'data'"));
}

TEST(GraphqlAnswers, ABrokenConnectionIsTriedAgainAndThenNamed) {
  GraphqlStep step("http://127.0.0.1:" + std::to_string(http::unused_port()) + "/graphql", {{"max_retries", 1}});
  const Error error = step.error();
  EXPECT_EQ(error.code, Code::kUnavailable);
  EXPECT_THAT(error.message, HasSubstr("after 2 attempts"));
}

TEST(GraphqlAnswers, CancelEndsAWaitingStep) {
  const Api api([](const ApiRequest&, size_t) { return ApiAnswer{"later", 429, "Retry-After: 300\r\n"}; });
  GraphqlStep step(api);
  std::thread user([&] {
    EXPECT_TRUE(osiris::test::eventually([&] { return !api.requests().empty(); }));
    step.cancel();
  });
  EXPECT_EQ(step.error().code, Code::kCancelled);
  user.join();
}

TEST(GraphqlAnswers, OnlyQueriesAreSent) {
  const Api api(kRow);
  for (const char* query : {"mutation { drop }", "subscription S { x }", "query A { a } query B { b }"})
    EXPECT_EQ(GraphqlStep(api, {{"query", query}}).error().code, Code::kInvalidArgument) << query;
  EXPECT_TRUE(api.requests().empty());
}

TEST(GraphqlAnswers, DoctorAsksForTheTypeOfTheRoot) {
  const Api api(R"({"data":{"__typename":"Query"}})");
  GraphqlStep step(api);
  EXPECT_TRUE(step.check(graphql_extractor()).ok());
  EXPECT_EQ(api.requests().at(0).body["query"].as_string(), "{ __typename }");
  const Api closed([](const ApiRequest&, size_t) { return ApiAnswer{"no", 401}; });
  EXPECT_EQ(GraphqlStep(closed).check(graphql_extractor()).error().code, Code::kUnauthenticated);
}

}  // namespace
}  // namespace osiris::worker::test
