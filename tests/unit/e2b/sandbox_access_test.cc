// What envd says of a sandbox's processes and files, in the words of the sdk.
#include "plugins/e2b/sandbox_access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/unit/http/fake_transport.h"

namespace osiris::e2b {
namespace {

using http::FakeAnswer;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

class SandboxAccessTest : public testing::Test {
 protected:
  SandboxAccessTest() {
    ApiConfig config;
    config.sandbox_url = "https://sandbox.test";
    api_.emplace(config, transport_, http::RetryPolicy{}, [](http::Milliseconds) { return true; }, nullptr);
    Sandbox sandbox;
    sandbox.id = "i1";
    access_.emplace(*api_, sandbox, 60s);
  }

  sdk::ProcessEvent event(const std::string& json) {
    transport_.answers.push_back({200, encode_envelope(R"({"event":)" + json + "}")});
    auto event = access_->connect(7)->next(1s);
    EXPECT_TRUE(event.ok()) << event.error().message;
    return event.ok() ? *event : sdk::ProcessEvent();
  }
  // How a process ended that envd says this of.
  std::string ending(const std::string& end) { return event(R"({"end":)" + end + "}").exit.describe(); }
  std::unique_ptr<sdk::ByteStream> download(FakeAnswer answer, uint64_t offset = 0) {
    transport_.answers.push_back(std::move(answer));
    return access_->download("/far/a.bin", offset, "download the artifacts");
  }

  http::FakeTransport transport_;
  std::optional<ApiClient> api_;
  std::optional<SandboxAccess> access_;
};

TEST_F(SandboxAccessTest, AProcessEndsAsItsStatusSays) {
  EXPECT_EQ(ending(R"({"exited":true,"exitCode":3,"status":"exit status 3"})"), "exited with status 3");
  const std::pair<const char*, int> signals[] = {
      {"killed", SIGKILL}, {"terminated", SIGTERM}, {"segmentation fault", SIGSEGV}, {"aborted", SIGABRT}};
  for (const auto& [word, number] : signals) {
    const auto end = event(R"({"end":{"exited":false,"exitCode":-1,"status":"signal: )" + std::string(word) + "\"}}");
    EXPECT_EQ(end.exit.kind, sdk::ExitInfo::Kind::kSignaled);
    EXPECT_EQ(end.exit.status, number) << word;
  }
  EXPECT_EQ(event(R"({"end":{"exited":false,"status":"signal: hangup"}})").exit.status, 0)
      << "a signal of no name here";
}

TEST_F(SandboxAccessTest, AKillOfAProcessThatIsNoMoreSucceeds) {
  transport_.answers = {FakeAnswer::json(404, R"({"code":"not_found","message":"process 7 not found"})"),
                        FakeAnswer::json(403, R"({"code":"permission_denied","message":"no"})")};
  EXPECT_TRUE(access_->kill(7).ok());
  EXPECT_FALSE(access_->kill(7).ok());
}

TEST_F(SandboxAccessTest, AFileIsReadFromWhereItBroke) {
  const auto whole = download({200, "bytes"});
  EXPECT_EQ(*whole->read(1s), "bytes");
  EXPECT_EQ(*whole->read(1s), "");
  EXPECT_EQ(*download({206, "es"}, 3)->read(1s), "es");
  EXPECT_EQ(*download({416}, 5)->read(1s), "") << "it broke after the last byte";
}

TEST_F(SandboxAccessTest, ARangeThatWasNotAskedForOrNotGivenIsAnError) {
  EXPECT_FALSE(download({206, "es"})->read(1s).ok());
  EXPECT_FALSE(download({200, "bytes"}, 3)->read(1s).ok());
  EXPECT_FALSE(download({416})->read(1s).ok());
}

TEST_F(SandboxAccessTest, AFileThatBreaksOffIsANetworkErrorThatNamesWhatItWasFor) {
  const auto stream = download({200, "by", true});
  EXPECT_EQ(*stream->read(1s), "by");
  const auto broken = stream->read(1s);
  ASSERT_FALSE(broken.ok());
  EXPECT_THAT(broken.error().message, HasSubstr("cannot download the artifacts"));
  EXPECT_EQ(failure_class_of(broken.error()), FailureClass::kNetworkError);
  EXPECT_EQ(
      failure_class_of(download(FakeAnswer::json(404, R"({"code":404,"message":"path '/far/a.bin' does not exist"})"))
                           ->read(1s)
                           .error()),
      FailureClass::kNotFound);
}

TEST_F(SandboxAccessTest, ErrorsOfInputSayWhetherTheProcessIsEnding) {
  const auto said = [](const char* code) {
    return make_failure(FailureClass::kSandboxError, "no", "", Json::object({{"rpc_code", code}}));
  };
  EXPECT_TRUE(access_->is_unknown_process(said("not_found")));
  EXPECT_FALSE(access_->is_unknown_process(said("internal")));
  EXPECT_TRUE(access_->is_input_closed(said("not_found")));
  EXPECT_TRUE(access_->is_input_closed(said("internal")));
  EXPECT_FALSE(access_->is_input_closed(said("unavailable")));
}

}  // namespace
}  // namespace osiris::e2b
