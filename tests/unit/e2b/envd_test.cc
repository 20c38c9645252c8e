// envd's calls on a transport of the test's: files as one request, processes as streams of events, and nothing of a
// secret but where it belongs.
#include "plugins/e2b/api/envd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/base/text.h"
#include "tests/support/no_more_threads.h"
#include "tests/unit/http/fake_transport.h"

namespace osiris::e2b {
namespace {

using http::FakeAnswer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;
using Kind = ProcessEvent::Kind;

std::string end_of_stream(const std::string& json = "{}") {
  std::string bytes = encode_envelope(json);
  bytes[0] = 2;
  return bytes;
}

std::string event(const std::string& json) { return encode_envelope(R"({"event":)" + json + "}"); }

// The payloads of a body of envelopes.
std::vector<std::string> payloads(const std::string& body) {
  EnvelopeDecoder decoder;
  decoder.feed(body);
  std::vector<std::string> out;
  for (auto next = decoder.next(); next && *next; next = decoder.next()) out.push_back((*next)->payload);
  EXPECT_FALSE(decoder.has_partial());
  return out;
}

class EnvdCalls : public testing::Test {
 protected:
  EnvdCalls() {
    ApiConfig config;
    config.api_url = "https://api.test";
    config.sandbox_url = "https://sandbox.test";
    config.api_key = "e2b_key";
    config.timeouts = {1s, 2s, 3s};
    api_.emplace(config, transport_, http::RetryPolicy{.seed = 7}, [](http::Milliseconds) { return true; }, nullptr);
    Sandbox sandbox;
    sandbox.id = "i1";
    sandbox.envd_token = "tok";
    envd_.emplace(*api_, sandbox, 60s);
  }

  void answer(FakeAnswer answer) { transport_.answers.push_back(std::move(answer)); }
  const http::Request& sent(size_t index = 0) const { return transport_.requests.at(index); }
  static UploadPart part(const std::string& path, const std::string& content) {
    return {path, [content](const auto& sink) {
              return sink(content) ? Status() : Status(Error(Code::kCancelled, "not wanted any more"));
            }};
  }
  // A stream whose answer is `body`.
  std::unique_ptr<ProcessStream> stream(const std::string& body, int status = 200) {
    answer({status, body});
    return envd_->connect(7);
  }

  http::FakeTransport transport_;
  std::optional<ApiClient> api_;
  std::optional<Envd> envd_;
};

// ---- Where it answers

TEST(EnvdUrl, IsTheConfiguredOneOrTheServicesSharedHostOrTheSandboxesOwn) {
  ApiConfig config;
  Sandbox sandbox;
  sandbox.id = "i1";
  EXPECT_EQ(envd_url(config, sandbox), "https://sandbox.e2b.app");
  sandbox.domain = "e2b.dev";
  EXPECT_EQ(envd_url(config, sandbox), "https://sandbox.e2b.dev");
  sandbox.domain = "e2b.example.org";
  EXPECT_EQ(envd_url(config, sandbox), "https://49983-i1.e2b.example.org");
  config.sandbox_url = "http://127.0.0.1:3000";
  EXPECT_EQ(envd_url(config, sandbox), "http://127.0.0.1:3000");
}

TEST_F(EnvdCalls, EveryCallNamesItsSandboxAndNoneHasTheApiKey) {
  answer({204});
  EXPECT_TRUE(*envd_->is_alive());
  EXPECT_EQ(sent().headers.get("E2b-Sandbox-Id"), "i1");
  EXPECT_EQ(sent().headers.get("E2b-Sandbox-Port"), "49983");
  EXPECT_EQ(sent().headers.get("X-Access-Token"), "tok");
  for (const auto& [name, value] : sent().headers.entries()) EXPECT_THAT(value, Not(HasSubstr("e2b_key"))) << name;
}

// ---- Files

TEST_F(EnvdCalls, AnUploadIsOneRequestWithEveryPart) {
  answer({200, "[]"});
  bool opened = false;
  const auto uploaded = envd_->upload({part("/a", "first"), part("/b", "second")}, nullptr, [&] { opened = true; });
  ASSERT_TRUE(uploaded.ok()) << uploaded.error().message;
  EXPECT_TRUE(opened);
  EXPECT_EQ(*uploaded, sent().body.size());
  const std::string boundary =
      std::string(sent().headers.get("Content-Type")).substr(std::string("multipart/form-data; boundary=").size());
  const auto of = [&](const std::string& path, const std::string& content) {
    return "--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + path +
           "\"\r\nContent-Type: application/octet-stream\r\n\r\n" + content + "\r\n";
  };
  EXPECT_EQ(sent().body, of("/a", "first") + of("/b", "second") + "--" + boundary + "--\r\n");
  EXPECT_EQ(sent().timeouts.total, 0ms) << "as long as bytes move";
  EXPECT_EQ(sent().timeouts.idle, 60s) << "a stall shorter than the lease fails nothing";
}

TEST_F(EnvdCalls, AnUploadIsNotMadeTwice) {
  for (const FakeAnswer& bad : {FakeAnswer{503}, FakeAnswer{429}, FakeAnswer::lost(), FakeAnswer::refused()}) {
    transport_.requests.clear();
    transport_.answers = {bad, {200}};
    EXPECT_FALSE(envd_->upload({part("/a", "x")}, nullptr).ok());
    EXPECT_EQ(transport_.requests.size(), 1u);
  }
}

TEST_F(EnvdCalls, APartThatCannotBeMadeIsItsOwnError) {
  answer(FakeAnswer::lost());
  const UploadPart bad{"/b", [](const auto&) { return Status(Error(Code::kNotFound, "in.csv vanished")); }};
  const auto uploaded = envd_->upload({part("/a", "x"), bad}, nullptr);
  ASSERT_FALSE(uploaded.ok());
  EXPECT_EQ(uploaded.error().message, "in.csv vanished");
}

TEST_F(EnvdCalls, AnAnswerOfTheServiceSaysMoreThanAPartThatWasStopped) {
  answer({507, R"({"message":"no disk"})"});
  const UploadPart stopped{"/b", [](const auto&) { return Status(Error(Code::kCancelled, "the upload stopped")); }};
  const auto uploaded = envd_->upload({stopped}, nullptr);
  ASSERT_FALSE(uploaded.ok());
  EXPECT_EQ(failure_class_of(uploaded.error()), FailureClass::kQuotaExceeded);
}

TEST_F(EnvdCalls, ADownloadNamesItsFileAndWhereItGoesOn) {
  answer({200, "bytes"});
  answer({206, "es"});
  EXPECT_EQ(*envd_->download("/far/a b&c")->read(1s), "bytes");
  EXPECT_EQ(sent().url, "https://sandbox.test/files?path=%2Ffar%2Fa%20b%26c");
  EXPECT_FALSE(sent().headers.has("Range"));
  envd_->download("/x", 3);
  EXPECT_EQ(sent(1).headers.get("Range"), "bytes=3-");
  EXPECT_EQ(sent(1).timeouts.total, 0ms);
}

// ---- Starting and listening

TEST_F(EnvdCalls, AProcessIsStartedWithItsWordsAndNoDeadlineOfItsOwn) {
  answer({200});
  const StartSpec spec{"/bin/sh", {"-c", "exec w"}, {{"TZ", "UTC"}}};
  envd_->start(spec);
  EXPECT_EQ(sent().url, "https://sandbox.test/process.Process/Start");
  EXPECT_THAT(payloads(sent().body),
              ElementsAre(R"({"process":{"cmd":"/bin/sh","args":["-c","exec w"],"envs":{"TZ":"UTC"}},"stdin":true})"));
  EXPECT_EQ(sent().headers.get("Content-Type"), "application/connect+json");
  EXPECT_EQ(sent().headers.get("Connect-Protocol-Version"), "1");
  EXPECT_EQ(sent().headers.get("Keepalive-Ping-Interval"), "5");
  EXPECT_FALSE(sent().headers.has("Connect-Timeout-Ms")) << "it would kill the worker";
  EXPECT_EQ(sent().timeouts.total, 0ms);
  EXPECT_EQ(sent().timeouts.idle, 60s) << "it cannot be made twice, so it is waited for";
}

TEST_F(EnvdCalls, ListeningAnewGivesUpOnASilentStream) {
  answer({200});
  envd_->connect(42);
  EXPECT_EQ(sent().url, "https://sandbox.test/process.Process/Connect");
  EXPECT_THAT(payloads(sent().body), ElementsAre(R"({"process":{"pid":42}})"));
  EXPECT_EQ(sent().timeouts.idle, 15s) << "three keepalives";
}

TEST_F(EnvdCalls, EventsComeInTheirOrderAndWhatIsUnknownIsSkipped) {
  const auto events =
      stream(event(R"({"start":{"pid":42}})") + event(R"({"keepalive":{}})") +
             event(R"({"data":{"stdout":")" + base64("out") + R"("}})") +
             event(R"({"data":{"stderr":")" + base64("err") + R"("}})") + event(R"({"novelty":{}})") +
             event(R"({"end":{"exited":true,"exitCode":3,"status":"exit status 3"}})") + end_of_stream());
  const auto start = events->next(1s);
  ASSERT_TRUE(start.ok());
  EXPECT_EQ(start->kind, Kind::kStart);
  EXPECT_EQ(start->pid, 42);
  const auto out = events->next(1s), err = events->next(1s), end = events->next(1s);
  ASSERT_TRUE(out.ok() && err.ok() && end.ok());
  EXPECT_EQ(out->kind, Kind::kStdout);
  EXPECT_EQ(out->bytes, "out");
  EXPECT_EQ(err->kind, Kind::kStderr);
  EXPECT_EQ(err->bytes, "err");
  EXPECT_EQ(end->kind, Kind::kEnd);
  EXPECT_TRUE(end->exited);
  EXPECT_EQ(end->exit_code, 3);
  EXPECT_EQ(end->status, "exit status 3");
  EXPECT_FALSE(events->next(1s).ok()) << "nothing comes after the end";
}

TEST_F(EnvdCalls, AStreamThatEndsWithAnErrorTellsIt) {
  const auto events = stream(event(R"({"start":{"pid":42}})") +
                             end_of_stream(R"({"error":{"code":"not_found","message":"process 7 not found"}})"));
  ASSERT_TRUE(events->next(1s).ok());
  const auto next = events->next(1s);
  ASSERT_FALSE(next.ok());
  EXPECT_EQ(failure_class_of(next.error()), FailureClass::kNotFound);
  EXPECT_EQ(detail_of(next.error(), "rpc_code").as_string(), "not_found");
}

TEST_F(EnvdCalls, AStreamThatBreaksOrMakesNoSenseIsTheNetworksFailure) {
  const std::string start = event(R"({"start":{"pid":42}})");
  for (const std::string& rest : {std::string(), start.substr(0, 9), encode_envelope("{"),
                                  event(R"({"data":{"stdout":"*"}})"), std::string("\1\0\0\0\0", 5)}) {
    const auto events = stream(start + rest);
    ASSERT_TRUE(events->next(1s).ok());
    const auto next = events->next(1s);
    ASSERT_FALSE(next.ok()) << rest;
    EXPECT_EQ(failure_class_of(next.error()), FailureClass::kNetworkError) << rest;
    EXPECT_THAT(next.error().message, HasSubstr("reconnect to the worker: the stream broke"));
  }
}

TEST_F(EnvdCalls, AStreamThatIsRefusedTellsTheAnswer) {
  const auto events = stream(R"({"code":"unauthenticated","message":"bad token"})", 401);
  const auto next = events->next(1s);
  ASSERT_FALSE(next.ok());
  EXPECT_EQ(failure_class_of(next.error()), FailureClass::kAuthError);
  EXPECT_THAT(next.error().message, HasSubstr("bad token"));
}

TEST_F(EnvdCalls, AStreamThatNeverArrivedSaysSo) {
  answer(FakeAnswer::refused());
  const auto next = envd_->connect(7)->next(1s);
  ASSERT_FALSE(next.ok());
  EXPECT_THAT(next.error().message, Not(HasSubstr("the stream broke")));
  EXPECT_EQ(failure_class_of(next.error()), FailureClass::kNetworkError);
}

// ---- Input, which may hold secrets

TEST_F(EnvdCalls, InputIsOneStreamOfSlicesAndMarkedAsSecret) {
  answer({200, end_of_stream()});
  const std::string input = std::string(1u << 20, 'x') + "secret";
  ASSERT_TRUE(envd_->stream_input(42, input).ok());
  const auto messages = payloads(sent().body);
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[0], R"({"start":{"process":{"pid":42}}})");
  std::string arrived;
  for (size_t i = 1; i < messages.size(); ++i)
    arrived += *base64_decode((*parse_json(messages[i]))["data"]["input"]["stdin"].as_string());
  EXPECT_EQ(arrived, input);
  EXPECT_TRUE(sent().has_secrets);
  EXPECT_EQ(sent().url, "https://sandbox.test/process.Process/StreamInput");
  EXPECT_EQ(sent().timeouts.total, 60s);
}

TEST_F(EnvdCalls, InputOfWholeSlicesHasNoEmptyOne) {
  const std::pair<size_t, size_t> inputs[] = {{0, 1}, {1u << 20, 2}, {2u << 20, 3}};
  for (const auto& [bytes, messages] : inputs) {
    transport_.requests.clear();
    answer({200, end_of_stream()});
    ASSERT_TRUE(envd_->stream_input(42, std::string(bytes, 'x')).ok());
    EXPECT_EQ(payloads(sent().body).size(), messages) << bytes;
  }
}

TEST_F(EnvdCalls, InputThatMayHaveArrivedIsNotSentTwice) {
  for (const FakeAnswer& bad : {FakeAnswer{503}, FakeAnswer::lost()}) {
    transport_.requests.clear();
    transport_.answers = {bad, {200, end_of_stream()}};
    EXPECT_FALSE(envd_->stream_input(42, "x").ok());
    EXPECT_EQ(transport_.requests.size(), 1u);
  }
  transport_.requests.clear();
  transport_.answers = {{429}, {200, end_of_stream()}};
  EXPECT_TRUE(envd_->stream_input(42, "x").ok()) << "the service says that it did nothing";
  transport_.answers = {{409}, {409}, {200, end_of_stream()}};
  EXPECT_TRUE(envd_->stream_input(42, "x").ok()) << "the sandbox was being forked";
  transport_.answers = {{409, R"({"code":"already_exists"})"}, {200, end_of_stream()}};
  EXPECT_FALSE(envd_->stream_input(42, "x").ok()) << "envd's own word";
  transport_.answers = {{409}, {200, end_of_stream()}};
  const std::atomic<bool> cancelled = true;
  EXPECT_FALSE(envd_->stream_input(42, "x", &cancelled).ok());
}

TEST_F(EnvdCalls, AServiceWithoutStreamsOfInputIsToldApartFromAProcessThatIsNoMore) {
  for (const FakeAnswer& unknown :
       {FakeAnswer{404, "404 page not found"}, FakeAnswer{405}, FakeAnswer{501, R"({"code":"unimplemented"})"}}) {
    answer(unknown);
    EXPECT_THAT(envd_->stream_input(42, "x").error().message, HasSubstr("takes no process input as a stream"));
  }
  answer({404, R"({"code":"not_found","message":"process 42 not found"})"});
  EXPECT_THAT(envd_->stream_input(42, "x").error().message, Not(HasSubstr("takes no process input")));
  answer({503});
  EXPECT_THAT(envd_->stream_input(42, "x").error().message, Not(HasSubstr("takes no process input")));
}

TEST_F(EnvdCalls, InputIsTakenOnlyWhenTheStreamsEndSaysSo) {
  answer({200, ""});
  EXPECT_THAT(envd_->stream_input(42, "x").error().message, HasSubstr("its answer has no end"));
  answer({200, end_of_stream("no json")});
  EXPECT_EQ(failure_class_of(envd_->stream_input(42, "x").error()), FailureClass::kNetworkError);
  answer({200, encode_envelope("{}") +
                   end_of_stream(R"({"error":{"code":"internal","message":"error writing to stdin: it is closed"}})")});
  const Status closed = envd_->stream_input(42, "x");
  ASSERT_FALSE(closed.ok());
  EXPECT_EQ(detail_of(closed.error(), "rpc_code").as_string(), "internal");
}

// ---- Questions and signals

TEST_F(EnvdCalls, ASignalIsSentUntilItIsTaken) {
  transport_.answers = {{503}, {200, "{}"}, {200, "{}"}};
  EXPECT_TRUE(envd_->signal(42, true).ok());
  EXPECT_EQ(sent(1).url, "https://sandbox.test/process.Process/SendSignal");
  EXPECT_EQ(sent(1).body, R"({"process":{"pid":42},"signal":"SIGNAL_SIGKILL"})");
  EXPECT_TRUE(envd_->signal(42, false).ok());
  EXPECT_EQ(sent(2).body, R"({"process":{"pid":42},"signal":"SIGNAL_SIGTERM"})");
  answer({404, R"({"code":"not_found","message":""})"});
  EXPECT_EQ(failure_class_of(envd_->signal(42, true).error()), FailureClass::kNotFound);
}

TEST_F(EnvdCalls, QuestionsAboutHealthAreAskedOnceAndShortly) {
  answer({200, R"({"processes":[{"pid":1},{"pid":42}]})"});
  EXPECT_THAT(*envd_->list_processes(), ElementsAre(1, 42));
  EXPECT_EQ(sent().timeouts.total, kAskWait);
  answer({503});
  EXPECT_FALSE(envd_->list_processes().ok());
  answer({204});
  EXPECT_TRUE(*envd_->is_alive());
  EXPECT_EQ(transport_.requests.size(), 3u);
  EXPECT_EQ(transport_.requests.back().timeouts.total, kAskWait);
}

TEST_F(EnvdCalls, ASandboxIsNoMoreOnlyWhenTheServicesProxySaysSo) {
  for (const int status : {502, 404}) {
    answer({status, R"({"sandboxId":"i1","message":"The sandbox was not found","code":502})"});
    EXPECT_FALSE(*envd_->is_alive()) << status;
    answer({status, "<html>bad gateway</html>"});
    EXPECT_FALSE(envd_->is_alive().ok()) << status;
    answer({status, R"({"message":"trouble"})"});
    EXPECT_FALSE(envd_->is_alive().ok()) << status;
  }
  answer({500, R"({"sandboxId":"i1"})"});
  EXPECT_FALSE(envd_->is_alive().ok());
}

TEST_F(EnvdCalls, AnUploadThatNoThreadCanMakeIsNotSent) {
  const NoMoreThreads none;
  const auto uploaded = envd_->upload({part("/a", "x")}, nullptr);
  ASSERT_FALSE(uploaded.ok());
  EXPECT_EQ(uploaded.error().message, "cannot upload files: the machine has no more threads");
  EXPECT_TRUE(transport_.requests.empty());
}

}  // namespace
}  // namespace osiris::e2b
