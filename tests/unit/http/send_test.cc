// One exchange run to its end, on a transport of the test's.
#include <gtest/gtest.h>

#include "tests/unit/http/fake_transport.h"

namespace osiris::http {
namespace {

TEST(Send, KeepsSixtyFourMebibytesOfAnAnswerAndNoMore) {
  FakeTransport transport;
  constexpr size_t kMax = size_t{64} << 20;
  transport.answers = {{.body = std::string(kMax, 'x')}, {.body = std::string(kMax + 1, 'x')}};
  const ExchangeResult whole = send(transport, Request());
  ASSERT_TRUE(whole.response);
  EXPECT_EQ(whole.response->body.size(), kMax);
  const ExchangeResult refused = send(transport, Request());
  ASSERT_TRUE(refused.failure);
  EXPECT_EQ(refused.failure->error.code, Code::kExhausted);
}

TEST(Send, SaysWhetherAFailedRequestMayHaveArrived) {
  FakeTransport transport;
  transport.answers = {FakeAnswer::lost(), FakeAnswer::refused()};
  EXPECT_TRUE(send(transport, Request()).failure->reached_server);
  EXPECT_FALSE(send(transport, Request()).failure->reached_server);
}

TEST(Send, AnAnswerThatBreaksOffIsNone) {
  FakeTransport transport;
  transport.answers = {{.body = "half", .breaks = true}};
  const ExchangeResult outcome = send(transport, Request());
  EXPECT_FALSE(outcome.response);
  EXPECT_EQ(outcome.failure->error.message, "connection reset");
}

TEST(Send, ACancelledRequestIsNotWaitedFor) {
  FakeTransport transport;
  const std::atomic<bool> cancelled{true};
  SendOptions options;
  options.cancelled = &cancelled;
  EXPECT_EQ(send(transport, Request(), options).failure->error.code, Code::kCancelled);
  options.cancel_grace = Milliseconds(60'000);
  EXPECT_TRUE(send(transport, Request(), options).response) << "it may end within its grace";
}

}  // namespace
}  // namespace osiris::http
