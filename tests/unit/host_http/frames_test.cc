#include "host/http/frames.h"

#include <gmock/gmock.h>

namespace osiris::http {
namespace {

Frame through_bytes(const Frame& frame) {
  std::string bytes = to_bytes(frame);
  auto taken = take_frame(bytes);
  EXPECT_TRUE(taken.ok() && *taken);
  EXPECT_EQ(bytes, "");
  return taken.ok() && *taken ? **taken : Frame();
}

TEST(Frames, AreTakenOneByOneWhereverTheBytesAreCut) {
  const Frame first = {"", std::string("a\0b", 3), std::string(70'000, 'x')}, second = {"only"};
  const std::string all = to_bytes(first) + to_bytes(second);
  std::string bytes;
  std::vector<Frame> taken;
  for (const char c : all) {
    bytes += c;
    auto frame = take_frame(bytes);
    ASSERT_TRUE(frame.ok());
    if (*frame) taken.push_back(**frame);
  }
  EXPECT_EQ(taken, (std::vector<Frame>{first, second}));
}

TEST(Frames, ThatAreNoneAreRefused) {
  std::string text_too_long = to_bytes({"abc"});
  text_too_long[8] = 9;
  std::string no_length = std::string("\2\0\0\0\0\0\0\0ab", 10);
  for (std::string bytes : {text_too_long, no_length, std::string(8, '\xff')}) {
    const auto taken = take_frame(bytes);
    ASSERT_FALSE(taken.ok());
    EXPECT_EQ(taken.error().code, Code::kInternal);
  }
}

TEST(Frames, OfOptionsRequestsAndResultsSayWhatWasPutIn) {
  CurlOptions options;
  options.ca_file = "ca";
  options.system_ca_file = "system";
  options.proxy = "p";
  options.https_proxy = "ps";
  options.http_proxy = "ph";
  options.no_proxy = "none";
  options.user_agent = "agent";
  options.verifies_certificates = false;
  const auto read = options_of(through_bytes(options_frame(options)));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(options_frame(*read), options_frame(options));

  Request request;
  request.method = "POST";
  request.url = "u";
  request.label = "l";
  request.body = "b";
  request.idempotent = request.has_secrets = true;
  request.timeouts = {Milliseconds{1}, Milliseconds{2}, Milliseconds{3}};
  request.buffered_bytes_max = 4;
  request.headers = {{"a", "b"}, {"c", ""}};
  const auto asked = request_of(through_bytes(request_frame(request)));
  ASSERT_TRUE(asked.ok());
  EXPECT_EQ(request_frame(*asked), request_frame(request));

  ExchangeResult answered;
  answered.response = Response{204, {{"x", "y"}}, "body", 5, 6, 2};
  const auto response = result_of(through_bytes(result_frame(answered)));
  ASSERT_TRUE(response.ok() && response->response);
  EXPECT_EQ(result_frame(*response), result_frame(answered));

  ExchangeResult failed;
  failed.failure = Failure{Error(Code::kDeadline, "m", "h", "connection.timeout"), false, 3};
  const auto failure = result_of(through_bytes(result_frame(failed)));
  ASSERT_TRUE(failure.ok() && failure->failure);
  EXPECT_EQ(failure->failure->error.code, Code::kDeadline);
  EXPECT_EQ(result_frame(*failure), result_frame(failed));
}

TEST(Frames, WithATextTooManyTooFewOrNoNumberAreRefused) {
  Frame request = request_frame({}), options = options_frame({});
  request.push_back("a name without a value");
  options.pop_back();
  EXPECT_FALSE(request_of(request).ok());
  EXPECT_FALSE(options_of(options).ok());
  request = request_frame({});
  request[6] = "soon";
  EXPECT_FALSE(request_of(request).ok());
  EXPECT_FALSE(result_of({}).ok());
  EXPECT_FALSE(result_of({"response", "200"}).ok());
  EXPECT_FALSE(result_of({"else"}).ok());
}

}  // namespace
}  // namespace osiris::http
