// What becomes of a request to a web server that says nothing.
#include <gtest/gtest.h>

#include <atomic>

#include "protocol/base/categories.h"
#include "tests/drivers/harness.h"
#include "tests/unit/http/scripted_server.h"
#include "worker/drivers/remote/store.h"
#include "worker/drivers/web/client.h"

namespace osiris::worker::test {
namespace {

using http::Connection;
using http::ScriptedServer;

constexpr int64_t kPatience_ms = 300;

web::ClientOptions impatient() {
  web::ClientOptions options;
  options.silence_ms = kPatience_ms;
  options.retries_max = 5;
  options.retry_delay_ms = 1;
  return options;
}

// A server that answers its first requests as it is told to, and the others with "{}".
class Silent : public testing::Test {
 protected:
  enum class Answer { kNothing, kHalf, kUnavailable };

  explicit Silent(std::vector<Answer> answers = {})
      : answers_(std::move(answers)), server_([this](Connection& connection) { serve(connection); }) {}

  void serve(Connection& connection) {
    for (;;) {
      if (connection.receive().head.empty()) return;
      const size_t number = requests_++;
      if (number >= answers_.size()) {
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        continue;
      }
      if (answers_[number] == Answer::kUnavailable) {
        connection.send("HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n");
        continue;
      }
      if (answers_[number] == Answer::kHalf) connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{");
      return connection.wait_for_peer();
    }
  }

  Result<Json> ask(std::vector<Answer> answers, const web::ClientOptions& options = impatient()) {
    answers_ = std::move(answers);
    requests_ = 0;
    StepHarness step("asks");
    web::Client client(step, options);
    http::Request request;
    request.url = server_.url();
    return client.send(std::move(request));
  }

  std::vector<Answer> answers_;
  std::atomic<size_t> requests_ = 0;
  ScriptedServer server_;
};

TEST_F(Silent, AServerIsAskedTwiceAndNotMoreOften) {
  for (const Answer answer : {Answer::kNothing, Answer::kHalf}) {
    const auto answered = ask(std::vector<Answer>(9, answer));
    ASSERT_FALSE(answered.ok());
    EXPECT_EQ(requests_, 2u);
    EXPECT_EQ(answered.error().code, Code::kUnavailable);
    EXPECT_EQ(answered.error().category, category::kConnectionTimeout);
    EXPECT_NE(answered.error().message.find(": no byte for 300 ms (after 2 attempts)"), std::string::npos)
        << answered.error().message;
  }
}

TEST_F(Silent, AServerThatAnswersTheNextTimeIsNone) {
  EXPECT_TRUE(ask({Answer::kNothing}).ok());
  EXPECT_EQ(requests_, 2u);
  EXPECT_TRUE(ask({Answer::kUnavailable, Answer::kHalf, Answer::kUnavailable, Answer::kUnavailable}).ok());
  EXPECT_EQ(requests_, 5u);
}

TEST_F(Silent, SilenceCountsAmongOtherFailures) {
  EXPECT_FALSE(ask({Answer::kNothing, Answer::kUnavailable, Answer::kNothing}).ok());
  EXPECT_EQ(requests_, 3u);
}

TEST_F(Silent, NoFurtherAttemptIsMadeWhereNoneIsWanted) {
  web::ClientOptions options = impatient();
  options.retries_max = 0;
  EXPECT_FALSE(ask({Answer::kNothing}, options).ok());
  EXPECT_EQ(requests_, 1u);
}

TEST(Silence, IsAsLongForAllServers) {
  EXPECT_EQ(remote::client_options().silence_ms, web::kSilence_ms);
  EXPECT_EQ(web::timeouts_of({}).idle.count(), web::kSilence_ms);
  EXPECT_LE(web::timeouts_of({}).connect.count(), web::kSilence_ms);
  // A step that gives its API five minutes means it.
  web::ClientOptions patient;
  patient.timeout_ms = 300'000;
  EXPECT_EQ(web::timeouts_of(patient).idle.count(), 300'000);
}

}  // namespace
}  // namespace osiris::worker::test
