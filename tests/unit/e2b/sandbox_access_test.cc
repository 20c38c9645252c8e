// What envd says of a sandbox's processes and files, in the words of the sdk.
#include "plugins/e2b/sandbox_access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "plugins/e2b/failures.h"
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

  adapter_sdk::ProcessEvent event(const std::string& json) {
    transport_.answers.push_back({200, encode_envelope(R"({"event":)" + json + "}")});
    const auto next = access_->connect(7)->next(1s);
    EXPECT_TRUE(next);
    return next.value_or(adapter_sdk::ProcessEvent());
  }
  std::unique_ptr<adapter_sdk::ByteSource> download(FakeAnswer answer, uint64_t offset = 0) {
    transport_.answers.push_back(std::move(answer));
    return access_->download("/far/a.bin", offset, "download the artifacts");
  }

  static Error error_of(adapter_sdk::ByteSource& source) {
    const Status read = status_of([&] { source.read(1s); });
    EXPECT_FALSE(read.ok());
    return read.ok() ? Error() : read.error();
  }

  http::FakeTransport transport_;
  std::optional<ApiClient> api_;
  std::optional<SandboxAccess> access_;
};

TEST_F(SandboxAccessTest, AProcessEndsAsItsStatusSays) {
  const auto exited = event(R"({"end":{"exited":true,"exitCode":3,"status":"exit status 3"}})");
  EXPECT_EQ(exited.exit.kind, adapter_sdk::Exit::Kind::kExited);
  EXPECT_EQ(exited.exit.status, 3);
  const std::pair<const char*, int> signals[] = {
      {"killed", SIGKILL}, {"terminated", SIGTERM}, {"segmentation fault", SIGSEGV}, {"aborted", SIGABRT}};
  for (const auto& [word, number] : signals) {
    const auto end = event(R"({"end":{"exited":false,"exitCode":-1,"status":"signal: )" + std::string(word) + "\"}}");
    EXPECT_EQ(end.exit.kind, adapter_sdk::Exit::Kind::kSignaled);
    EXPECT_EQ(end.exit.status, number) << word;
  }
  EXPECT_EQ(event(R"({"end":{"exited":false,"status":"signal: hangup"}})").exit.status, 0)
      << "a signal of no name here";
}

TEST_F(SandboxAccessTest, AKillOfAProcessThatIsNoMoreSucceeds) {
  transport_.answers = {FakeAnswer::json(404, R"({"code":"not_found","message":"process 7 not found"})"),
                        FakeAnswer::json(403, R"({"code":"permission_denied","message":"no"})")};
  EXPECT_NO_THROW(access_->kill(7));
  EXPECT_THROW(access_->kill(7), plugin::Failure);
}

TEST_F(SandboxAccessTest, AFileIsReadFromWhereItBroke) {
  const auto whole = download({200, "bytes"});
  EXPECT_EQ(*whole->read(1s), "bytes");
  EXPECT_EQ(*whole->read(1s), "");
  EXPECT_EQ(*download({206, "es"}, 3)->read(1s), "es");
  EXPECT_EQ(*download({416}, 5)->read(1s), "") << "it broke after the last byte";
}

TEST_F(SandboxAccessTest, ARangeThatWasNotAskedForOrNotGivenIsAnError) {
  EXPECT_THROW(download({206, "es"})->read(1s), plugin::Failure);
  EXPECT_THROW(download({200, "bytes"}, 3)->read(1s), plugin::Failure);
  EXPECT_THROW(download({416})->read(1s), plugin::Failure);
}

TEST_F(SandboxAccessTest, AFileThatBreaksOffIsANetworkErrorThatNamesWhatItWasFor) {
  const auto stream = download({200, "by", true});
  EXPECT_EQ(*stream->read(1s), "by");
  const Error broken = error_of(*stream);
  EXPECT_THAT(broken.message, HasSubstr("cannot download the artifacts"));
  EXPECT_EQ(failure_class_of(broken), FailureClass::kNetworkError);
  const auto missing = download(FakeAnswer::json(404, R"({"code":404,"message":"path '/far/a.bin' does not exist"})"));
  EXPECT_EQ(failure_class_of(error_of(*missing)), FailureClass::kNotFound);
}

TEST_F(SandboxAccessTest, ErrorsOfInputSayWhetherTheProcessIsEnding) {
  const auto said = [](const char* code) {
    return to_failure(make_failure(FailureClass::kSandboxError, "no", "", Json::object({{"rpc_code", code}})));
  };
  EXPECT_TRUE(access_->is_unknown_process(said("not_found")));
  EXPECT_FALSE(access_->is_unknown_process(said("internal")));
  EXPECT_TRUE(access_->is_input_closed(said("not_found")));
  EXPECT_TRUE(access_->is_input_closed(said("internal")));
  EXPECT_FALSE(access_->is_input_closed(said("unavailable")));
}

}  // namespace
}  // namespace osiris::e2b
