#include "host/hooks/hook_runner.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <mutex>

#include "protocol/base/clock.h"
#include "protocol/base/file.h"
#include "tests/unit/host_http/built_program.h"
#include "tests/unit/http/scripted_server.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;
using http::Connection;
using http::ScriptedServer;
using testing::HasSubstr;
using testing::Not;

class HookRunnerTest : public testing::Test {
 protected:
  HookRunnerTest() {
    std::string pattern = fs::temp_directory_path() / "osiris-hooks-XXXXXX";
    directory_ = mkdtemp(pattern.data());
    environment_.set("PATH", "/usr/bin:/bin");
    environment_.set("HOOK_KEY", "cAn4ry-key-of-the-hook");
  }
  ~HookRunnerTest() override { fs::remove_all(directory_); }

  std::string error_of(const Hook& hook) {
    const HookDocument document{"{\"n\":1}\n", "on_failure", "run-1", "nightly", "failed"};
    HookRunner runner(environment_, directory_, http::built_client_program(), masking_, {{"TRACEPARENT", "00-a"}});
    const Status done = runner.run(hook, document);
    return done.ok() ? "" : done.error().message;
  }
  static Hook command(std::vector<std::string> words, bool shell = false) {
    Hook hook;
    hook.command = std::move(words);
    hook.shell = shell;
    return hook;
  }

  fs::path directory_;
  Environment environment_;
  Masking masking_;
};

TEST_F(HookRunnerTest, ACommandGetsTheDocumentAndTheVariables) {
  EXPECT_EQ(error_of(command({"tee", "made.json"})), "");
  EXPECT_EQ(*read_file(directory_ / "made.json"), "{\"n\":1}\n");
  EXPECT_EQ(error_of(command({"echo $OSIRIS_HOOK $OSIRIS_RUN_ID $OSIRIS_PIPELINE $OSIRIS_OUTCOME $TRACEPARENT > said"},
                             true)),
            "");
  EXPECT_EQ(*read_file(directory_ / "said"), "on_failure run-1 nightly failed 00-a\n");
}

TEST_F(HookRunnerTest, NoShellReadsACommandUnlessAsked) {
  EXPECT_EQ(error_of(command({"touch", "$(id)", "a;b"})), "");
  EXPECT_TRUE(fs::exists(directory_ / "$(id)"));
  EXPECT_TRUE(fs::exists(directory_ / "a;b"));
}

TEST_F(HookRunnerTest, AProgramIsFoundOnPathOrFromTheProject) {
  ASSERT_TRUE(write_file_atomically(directory_ / "tell.sh", "#!/bin/sh\nset -eu\ncat > told\n", {.mode = 0755}).ok());
  EXPECT_EQ(error_of(command({"./tell.sh"})), "");
  EXPECT_TRUE(fs::exists(directory_ / "told"));
  EXPECT_THAT(error_of(command({"osiris-no-such-program"})), HasSubstr("no program osiris-no-such-program on PATH"));
  EXPECT_THAT(error_of(command({"./absent"})), HasSubstr("there is no program"));
}

TEST_F(HookRunnerTest, AFailureIsToldMasked) {
  masking_.learn("cAn4ry-key-of-the-hook");
  const std::string error = error_of(command({"echo no $HOOK_KEY >&2; exit 3"}, true));
  EXPECT_EQ(error, "on_failure: the command echo no $HOOK_KEY >&2; exit 3 exited with status 3: no ***MASKED***");
}

TEST_F(HookRunnerTest, ACommandHasItsTimeAndIsThenEnded) {
  Hook hook = command({"sleep 60 & sleep 60"}, true);
  hook.timeout_s = 0.2;
  const int64_t before = system_clock().monotonic_ns();
  EXPECT_THAT(error_of(hook), HasSubstr("was not done in 0.2 s"));
  EXPECT_LT(system_clock().monotonic_ns() - before, int64_t{20'000'000'000});
}

TEST_F(HookRunnerTest, ACommandThatReadsNothingIsFine) { EXPECT_EQ(error_of(command({"true"})), ""); }

TEST_F(HookRunnerTest, AWebhookIsPostedTheDocument) {
  std::mutex mutex;
  Connection::Received received;
  ScriptedServer server([&](Connection& connection) {
    const std::lock_guard lock(mutex);
    received = connection.receive();
    connection.send("HTTP/1.1 204 Fine\r\nContent-Length: 0\r\n\r\n");
  });
  Hook hook;
  hook.webhook = server.url("/in");
  hook.headers = {{"X-Key", "${HOOK_KEY}"}};
  EXPECT_EQ(error_of(hook), "");
  const std::lock_guard lock(mutex);
  EXPECT_EQ(received.body, "{\"n\":1}\n");
  EXPECT_THAT(received.head, HasSubstr("POST /in "));
  EXPECT_THAT(received.head, HasSubstr("X-Key: cAn4ry-key-of-the-hook"));
  EXPECT_THAT(received.head, HasSubstr("application/json"));
}

TEST_F(HookRunnerTest, AWebhookThatRefusesIsNamedWithoutItsKey) {
  ScriptedServer server([&](Connection& connection) {
    connection.receive();
    connection.send("HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\nno: \x1b");
  });
  environment_.set("HOOK_URL", server.url("/services/cAn4ry-path-of-the-hook"));
  Hook hook;
  hook.webhook = "${HOOK_URL}";
  const std::string error = error_of(hook);
  EXPECT_THAT(error, HasSubstr("the webhook at http://127.0.0.1:" + std::to_string(server.port()) + " answered 403"));
  EXPECT_THAT(error, Not(HasSubstr("cAn4ry")));
  EXPECT_THAT(error, Not(HasSubstr("\x1b")));
}

TEST_F(HookRunnerTest, AWebhookThatIsDownOrSlowIsAnErrorInTime) {
  Hook hook;
  hook.webhook = "http://127.0.0.1:" + std::to_string(http::unused_port()) + "/cAn4ry-path";
  EXPECT_THAT(error_of(hook), HasSubstr("the webhook at http://127.0.0.1"));
  ScriptedServer server([](Connection& connection) { connection.wait_for_peer(); });
  hook.webhook = server.url("/");
  hook.timeout_s = 0.2;
  const int64_t before = system_clock().monotonic_ns();
  EXPECT_NE(error_of(hook), "");
  EXPECT_LT(system_clock().monotonic_ns() - before, int64_t{20'000'000'000});
}

TEST_F(HookRunnerTest, AVariableThatIsNotSetIsNamed) {
  Hook hook;
  hook.webhook = "${NOT_SET}";
  EXPECT_THAT(error_of(hook), HasSubstr("NOT_SET, which is not set"));
  environment_.set("NOT_SET", "file:///etc/passwd");
  EXPECT_THAT(error_of(hook), HasSubstr("neither http:// nor https://"));
}

}  // namespace
}  // namespace osiris
