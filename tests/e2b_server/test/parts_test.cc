// Parts of the server on their own: the limit of calls, the form that files come in, the plan's words.
#include <gtest/gtest.h>

#include "servers/e2b/fault_plan.h"
#include "servers/e2b/multipart.h"
#include "servers/e2b/rate_limiter.h"

namespace osiris::e2b_server {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

TEST(RateLimiter, FillsAgainOverHalfAMinute) {
  RateLimiter limiter(60);  // two a second
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(limiter.take("a", 0).allowed) << i;
  EXPECT_FALSE(limiter.take("a", 0).allowed);
  EXPECT_FALSE(limiter.take("a", kSecond / 4).allowed) << "half a call";
  EXPECT_TRUE(limiter.take("a", kSecond / 2).allowed);
  EXPECT_FALSE(limiter.take("a", kSecond / 2).allowed);
  int taken = 0;
  while (limiter.take("a", kSecond / 2 + 3 * kSecond).allowed) ++taken;
  EXPECT_EQ(taken, 6);
  for (taken = 0; limiter.take("a", 1000 * kSecond).allowed;) ++taken;
  EXPECT_EQ(taken, 60) << "never more than the window's";
}

TEST(RateLimiter, SaysWhatIsLeftAndWhenItIsFull) {
  RateLimiter limiter(30);  // one a second
  auto decision = limiter.take("a", 0);
  EXPECT_EQ(decision.remaining, 29);
  EXPECT_EQ(decision.reset_s, 1);
  for (int i = 0; i < 29; ++i) decision = limiter.take("a", 0);
  EXPECT_EQ(decision.remaining, 0);
  EXPECT_EQ(decision.reset_s, 30);
  decision = limiter.take("a", 0);
  EXPECT_FALSE(decision.allowed);
  EXPECT_EQ(decision.reset_s, 1) << "until the next call";
  EXPECT_TRUE(limiter.take("b", 0).allowed) << "each route for itself";
}

TEST(RateLimiter, OfZeroRefusesNothing) {
  RateLimiter limiter(0);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(limiter.take("a", 0).allowed);
}

struct Collected {
  std::string contents, ends;
  MultipartReader::Sink sink() {
    return {[this](const std::string& name, const std::string& file) {
              contents += "[" + name + "," + file + "]";
              return Status();
            },
            [this](std::string_view bytes) { return contents += bytes, Status(); },
            [this] { return ends += "|", Status(); }};
  }
};

TEST(Multipart, BlanksMayFollowABoundary) {
  Collected collected;
  MultipartReader reader("B", collected.sink());
  ASSERT_TRUE(
      reader
          .feed("preamble\r\n--B  \t\r\nContent-Disposition: form-data; name=f\r\n\r\none\r\n--B\r\n\r\ntwo\r\n--B--x")
          .ok());
  EXPECT_TRUE(reader.finish().ok());
  EXPECT_EQ(collected.contents, "[f,]one[,]two");
  EXPECT_EQ(collected.ends, "||");
}

TEST(Multipart, ABoundarysLineMayComeInPieces) {
  Collected collected;
  MultipartReader reader("B", collected.sink());
  for (const char* piece : {"--B ", " \t", "\r", "\n\r\none\r\n--B-", "-"}) ASSERT_TRUE(reader.feed(piece).ok());
  EXPECT_TRUE(reader.finish().ok());
  EXPECT_EQ(collected.contents, "[,]one");
}

TEST(Multipart, LinesThatNeverEndAreRefused) {
  const std::string endless(1 << 20, 'x');
  for (const char* begin : {"--B", "--B\r\nContent-Disposition: "}) {
    Collected collected;
    MultipartReader reader("B", collected.sink());
    ASSERT_TRUE(reader.feed(begin).ok());
    EXPECT_FALSE(reader.feed(endless).ok()) << begin;
  }
}

TEST(FaultWords, EachTypeHasItsName) {
  const auto names = fault_types();
  EXPECT_EQ(names.size(), 11u);
  for (const std::string& name : names) {
    const std::string needs = name == "tell" ? R"(,"port":1)" : name == "bandwidth" ? R"(,"bytes_per_s":1)" : "";
    const auto faults =
        parse_faults(*parse_json(R"({"faults":[{"route":"*","action":{"type":")" + name + "\"" + needs + "}}]}"));
    ASSERT_TRUE(faults.ok()) << name << faults.error().message;
    EXPECT_EQ(type_name(faults->at(0).action.type), name);
  }
}

TEST(FaultWords, HitTheCallsTheyName) {
  const auto hits = [](const std::string& which) {
    FaultPlan plan;
    plan.replace(*parse_faults(
        *parse_json(R"({"faults":[{"route":"GET /x",)" + which + R"("action":{"type":"latency","ms":1}}]})")));
    std::string calls;
    for (int call = 1; call <= 9; ++call)
      if (!plan.next("GET /x", "").empty()) calls += std::to_string(call);
    EXPECT_TRUE(plan.next("GET /y", "").empty());
    return calls;
  };
  EXPECT_EQ(hits(""), "123456789");
  EXPECT_EQ(hits(R"("nth":3,)"), "3");
  EXPECT_EQ(hits(R"("from":4,)"), "456789");
  EXPECT_EQ(hits(R"("from":2,"every":3,)"), "258");
  EXPECT_EQ(hits(R"("from":2,"every":3,"count":2,)"), "25");
  EXPECT_EQ(hits(R"("count":1,)"), "1");
}

}  // namespace
}  // namespace osiris::e2b_server
