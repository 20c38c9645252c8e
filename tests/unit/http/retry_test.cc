#include "protocol/http/retry.h"

#include <gtest/gtest.h>

#include <deque>

namespace osiris::http {
namespace {

using namespace std::chrono_literals;

// Answers from a list; an empty status means the given failure.
struct Answer {
  Answer(int s, std::string after = {}, bool reached = true)
      : status(s), retry_after(std::move(after)), reached_server(reached) {}
  Answer with(std::string told) const {
    Answer copy = *this;
    copy.should_retry = std::move(told);
    return copy;
  }
  int status;
  std::string retry_after;
  bool reached_server;
  std::string should_retry = {};
};

class ListedExchange : public Exchange {
 public:
  explicit ListedExchange(Answer answer) : answer_(std::move(answer)) {
    response_.status = answer_.status;
    if (!answer_.retry_after.empty()) response_.headers.add("Retry-After", answer_.retry_after);
    if (!answer_.should_retry.empty()) response_.headers.add("Should-Retry", answer_.should_retry);
  }
  Result<const Response*> head() override {
    if (answer_.status) return static_cast<const Response*>(&response_);
    return Error(Code::kUnavailable, "the connection broke");
  }
  Result<std::string> read(Milliseconds) override {
    if (answer_.status) return std::string();
    return Error(Code::kUnavailable, "the connection broke", "", "connection.failed");
  }
  void cancel() override {}
  bool reached_server() const override { return answer_.reached_server; }

 private:
  Answer answer_;
  Response response_;
};

class ListedTransport : public Transport {
 public:
  explicit ListedTransport(std::deque<Answer> answers) : answers_(std::move(answers)) {}
  std::unique_ptr<Exchange> open(Request) override {
    ++requests;
    Answer answer = answers_.front();
    if (answers_.size() > 1) answers_.pop_front();
    return std::make_unique<ListedExchange>(answer);
  }
  int requests = 0;

 private:
  std::deque<Answer> answers_;
};

struct Tried {
  ExchangeResult outcome;
  int requests;
  Milliseconds slept{0};
};

Tried run(std::deque<Answer> answers, const std::string& method, RetryPolicy policy = {},
          bool (*is_refusal)(const Response&) = nullptr) {
  ListedTransport transport(std::move(answers));
  Tried result;
  policy.seed = 7;
  RetryingSender sender(transport, policy, [&](Milliseconds wait) {
    result.slept += wait;
    return true;
  });
  Request request;
  request.method = method;
  request.is_refusal = is_refusal;
  result.outcome = sender.send(request);
  result.requests = transport.requests;
  return result;
}

TEST(Retry, AGetIsRepeatedUntilItSucceeds) {
  const Tried r = run({502, 503, 200}, "GET");
  EXPECT_EQ(r.requests, 3);
  EXPECT_EQ(r.outcome.response->status, 200);
  EXPECT_EQ(r.outcome.response->attempts, 3);
}

TEST(Retry, APostThatMayHaveActedIsNotRepeated) {
  EXPECT_EQ(run({502, 200}, "POST").requests, 1);
  EXPECT_EQ(run({{0, "", true}, {200}}, "POST").requests, 1);
}

TEST(Retry, APostThatCannotHaveArrivedIsRepeated) { EXPECT_EQ(run({{0, "", false}, {200}}, "POST").requests, 2); }

TEST(Retry, APostAnswered429IsRepeatedAfterTheNamedWait) {
  const Tried r = run({{429, "2"}, {200}}, "POST");
  EXPECT_EQ(r.requests, 2);
  EXPECT_GE(r.slept, 2s);
}

TEST(Retry, AnAnswerThatTheRequestTakesForARefusalIsRepeatedAsA429) {
  const auto is_409 = [](const Response& response) { return response.status == 409; };
  EXPECT_EQ(run({409, 409, 200}, "POST", {}, is_409).requests, 3);
  EXPECT_EQ(run({409, 200}, "POST").requests, 1);
  EXPECT_EQ(run({503, 200}, "POST", {}, is_409).requests, 1) << "another status is not one";
  EXPECT_EQ(run({Answer(409, "1").with("false"), 200}, "POST", {}, is_409).requests, 1);
}

TEST(Retry, ARetryAfterBeyondTheBudgetIsGivenBackAtOnce) {
  const Tried r = run({{429, "3600"}, {200}}, "GET");
  EXPECT_EQ(r.requests, 1);
  EXPECT_EQ(r.outcome.response->status, 429);
  EXPECT_EQ(r.slept, 0ms);
}

TEST(Retry, AClientErrorIsNotRepeated) {
  for (const int status : {400, 401, 403, 404, 409, 507}) EXPECT_EQ(run({status, 200}, "GET").requests, 1) << status;
}

TEST(Retry, AttemptsGoOnUntilTheBudgetIsUsedUp) {
  RetryPolicy policy;
  policy.budget = 30s;
  const Tried r = run({503}, "GET", policy);
  EXPECT_EQ(r.outcome.response->status, 503);
  EXPECT_EQ(r.outcome.response->attempts, r.requests);
  EXPECT_GT(r.requests, 6) << "waits of 0.1 to 8 s";
  EXPECT_LE(r.slept, 30s);
  EXPECT_GT(r.slept, 29s) << "the last attempt starts at the end of the budget";
}

TEST(Retry, AServiceThatComesBackBeforeTheBudgetEndsIsMet) {
  const Tried r = run({503, 503, 503, 503, 503, 503, 200}, "GET");
  EXPECT_EQ(r.outcome.response->status, 200);
  EXPECT_EQ(r.requests, 7);
}

TEST(Retry, WithoutABudgetThereIsOneAttempt) {
  RetryPolicy policy;
  policy.budget = 0ms;
  EXPECT_EQ(run({503, 200}, "GET", policy).requests, 1);
}

TEST(Retry, WhatTheServerSaysOfRetriesCountsMoreThanItsStatus) {
  EXPECT_EQ(run({Answer(503).with("false"), 200}, "GET").requests, 1);
  EXPECT_EQ(run({Answer(429, "1").with("false"), 200}, "POST").requests, 1);
  EXPECT_EQ(run({Answer(409).with("true"), 200}, "GET").requests, 2);
  EXPECT_EQ(run({Answer(409).with("TRUE"), 200}, "DELETE").requests, 2);
  EXPECT_EQ(run({Answer(503).with("perhaps"), 200}, "GET").requests, 2) << "what cannot be read says nothing";
}

TEST(Retry, APostIsNotSentTwiceBecauseTheServerThinksSo) {
  EXPECT_EQ(run({Answer(503).with("true"), 200}, "POST").requests, 1);
  EXPECT_EQ(run({Answer(409).with("true"), 200}, "POST").requests, 1);
}

TEST(Retry, ASuccessIsNeverRepeated) { EXPECT_EQ(run({Answer(200).with("true"), 200}, "GET").requests, 1); }

TEST(Retry, AnInterruptedWaitEndsTheAttempts) {
  ListedTransport transport(std::deque<Answer>{503});
  RetryingSender sender(transport, {}, [](Milliseconds) { return false; });
  Request request;
  EXPECT_EQ(sender.send(request).response->status, 503);
  EXPECT_EQ(transport.requests, 1);
}

TEST(Retry, ACancelEndsAWait) {
  ListedTransport transport(std::deque<Answer>{503});
  std::atomic<bool> cancelled{false};
  int sleeps = 0;
  RetryingSender sender(transport, {.delay_first = 10s, .delay_max = 10s, .budget = 60s}, [&](Milliseconds) {
    cancelled = ++sleeps == 3;
    return true;
  });
  SendOptions options;
  options.cancelled = &cancelled;
  const ExchangeResult outcome = sender.send({}, options);
  EXPECT_EQ(outcome.response->status, 503);
  EXPECT_EQ(sleeps, 3);
  EXPECT_EQ(transport.requests, 1);
}

TEST(Retry, WaitsGrowAndStayUnderTheirCeiling) {
  RetryPolicy policy;
  policy.delay_first = 100ms;
  policy.delay_max = 400ms;
  policy.budget = 3s;
  ListedTransport transport(std::deque<Answer>{503});
  std::vector<Milliseconds> waits;
  RetryingSender sender(transport, policy, [&](Milliseconds wait) {
    waits.push_back(wait);
    return true;
  });
  Request request;
  sender.send(request);
  ASSERT_GE(waits.size(), 8u);
  EXPECT_GE(waits[0], 50ms);
  EXPECT_LE(waits[0], 100ms);
  for (const Milliseconds wait : waits) EXPECT_LE(wait, 400ms);
  EXPECT_GE(waits[6], 200ms);
}

TEST(RetryAfter, ReadsSecondsAndDates) {
  EXPECT_EQ(parse_retry_after("5", 0), 5s);
  EXPECT_EQ(parse_retry_after("Thu, 01 Jan 1970 00:01:40 GMT", 40), 60s);
  EXPECT_EQ(parse_retry_after("Thu, 01 Jan 1970 00:00:10 GMT", 40), 0s);
}

// The wall clock here may be set, and another machine's may be wrong: what counts is what the answer says of itself.
TEST(RetryAfter, OfADateCountsFromTheAnswersOwn) {
  ManualClock clock(0);
  Headers headers = {{"Date", "Thu, 01 Jan 1970 01:00:00 GMT"}, {"Retry-After", "Thu, 01 Jan 1970 01:00:05 GMT"}};
  EXPECT_EQ(retry_after(headers, clock), 5s);
  clock.set_wall(std::chrono::seconds(1000));
  EXPECT_EQ(retry_after(headers, clock), 5s);
  EXPECT_EQ(retry_after({{"Retry-After", "Thu, 01 Jan 1970 00:16:45 GMT"}}, clock), 5s)
      << "by the clock where it says nothing";
  EXPECT_EQ(retry_after({{"Date", "Thu, 01 Jan 1970 01:00:00 GMT"}, {"Retry-After", "7"}}, clock), 7s);
  EXPECT_FALSE(retry_after({{"Date", "Thu, 01 Jan 1970 01:00:00 GMT"}}, clock));
}

TEST(RetryAfter, RejectsWhatIsNeither) {
  for (const char* text : {"", "soon", "-1", "5s", "99999999999"}) EXPECT_FALSE(parse_retry_after(text, 0)) << text;
}

}  // namespace
}  // namespace osiris::http
