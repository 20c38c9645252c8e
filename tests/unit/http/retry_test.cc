#include "protocol/http/retry.h"

#include <gtest/gtest.h>

#include <deque>

namespace osiris::http {
namespace {

using namespace std::chrono_literals;

// Answers from a list; an empty status means the given failure.
struct Answer {
  Answer(int s, std::string after = {}, bool reached = true) : status(s), retry_after(std::move(after)), reached_server(reached) {}
  int status;
  std::string retry_after;
  bool reached_server;
};

class ListedExchange : public Exchange {
 public:
  explicit ListedExchange(Answer answer) : answer_(std::move(answer)) {
    response_.status = answer_.status;
    if (!answer_.retry_after.empty()) response_.headers.add("Retry-After", answer_.retry_after);
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
  Outcome outcome;
  int requests;
  Milliseconds slept{0};
};

Tried run(std::deque<Answer> answers, const std::string& method, RetryPolicy policy = {}) {
  ListedTransport transport(std::move(answers));
  Tried result;
  policy.seed = 7;
  RetryingSender sender(transport, policy, [&](Milliseconds wait) {
    result.slept += wait;
    return true;
  });
  Request request;
  request.method = method;
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

TEST(Retry, APostThatCannotHaveArrivedIsRepeated) {
  EXPECT_EQ(run({{0, "", false}, {200}}, "POST").requests, 2);
}

TEST(Retry, APostAnswered429IsRepeatedAfterTheNamedWait) {
  const Tried r = run({{429, "2"}, {200}}, "POST");
  EXPECT_EQ(r.requests, 2);
  EXPECT_GE(r.slept, 2s);
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

TEST(Retry, AttemptsAreBounded) {
  RetryPolicy policy;
  policy.attempts_max = 3;
  const Tried r = run({503}, "GET", policy);
  EXPECT_EQ(r.requests, 3);
  EXPECT_EQ(r.outcome.response->status, 503);
}

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
  const Outcome outcome = sender.send({}, options);
  EXPECT_EQ(outcome.response->status, 503);
  EXPECT_EQ(sleeps, 3);
  EXPECT_EQ(transport.requests, 1);
}

TEST(Retry, WaitsGrowAndStayUnderTheirCeiling) {
  RetryPolicy policy;
  policy.attempts_max = 10;
  policy.delay_first = 100ms;
  policy.delay_max = 400ms;
  policy.budget = 60s;
  ListedTransport transport(std::deque<Answer>{503});
  std::vector<Milliseconds> waits;
  RetryingSender sender(transport, policy, [&](Milliseconds wait) {
    waits.push_back(wait);
    return true;
  });
  Request request;
  sender.send(request);
  ASSERT_EQ(waits.size(), 9u);
  EXPECT_GE(waits[0], 50ms);
  EXPECT_LE(waits[0], 100ms);
  for (const Milliseconds wait : waits) EXPECT_LE(wait, 400ms);
  EXPECT_GE(waits[8], 200ms);
}

TEST(RetryAfter, ReadsSecondsAndDates) {
  EXPECT_EQ(parse_retry_after("5", 0), 5s);
  EXPECT_EQ(parse_retry_after("Thu, 01 Jan 1970 00:01:40 GMT", 40), 60s);
  EXPECT_EQ(parse_retry_after("Thu, 01 Jan 1970 00:00:10 GMT", 40), 0s);
}

TEST(RetryAfter, RejectsWhatIsNeither) {
  for (const char* text : {"", "soon", "-1", "5s", "99999999999"}) EXPECT_FALSE(parse_retry_after(text, 0)) << text;
}

}  // namespace
}  // namespace osiris::http
