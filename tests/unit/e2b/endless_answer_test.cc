// An answer that does not end is a class of failure like any other, whatever was asked.
#include <gtest/gtest.h>

#include "plugins/e2b/api/failure.h"

namespace osiris::e2b {
namespace {

TEST(EndlessAnswer, HasAClassAndAnOperation) {
  for (const char* operation : {"create a sandbox", "kill sandbox abc", "ask for sandbox abc"}) {
    http::ExchangeResult outcome;
    outcome.failure = http::Failure{Error(Code::kExhausted, "the reply is larger than 67108864 bytes"), true, 1};
    const Error error = failure_from(outcome, operation);
    EXPECT_EQ(failure_class_of(error), FailureClass::kNetworkError) << operation;
    EXPECT_EQ(detail_of(error, "class").as_string(), "NetworkError");
    EXPECT_EQ(detail_of(error, "operation").as_string(), operation);
    EXPECT_NE(error.message.find("larger than"), std::string::npos);
  }
}

TEST(EndlessAnswer, ACancelledCallIsNoFailureOfTheNetwork) {
  http::ExchangeResult outcome;
  outcome.failure = http::Failure{Error(Code::kCancelled, "cancelled"), true, 1};
  EXPECT_EQ(failure_from(outcome, "create a sandbox").code, Code::kCancelled);
}

}  // namespace
}  // namespace osiris::e2b
