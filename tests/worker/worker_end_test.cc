// How a worker ends with its host, by a signal or by a driver that crashes, and what becomes of its children.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <tuple>

#include "tests/support/eventually.h"
#include "tests/worker/worker_fixture.h"

namespace osiris::worker::test {
namespace {

bool is_running(pid_t pid) {
  // A zombie that init has not reaped yet is dead for our purpose.
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(stat, text);
  const size_t end = text.rfind(')');
  return end != std::string::npos && text.size() > end + 2 && text[end + 2] != 'Z' && text[end + 2] != 'X';
}

// Two of the steps never end by themselves, so that the worker ends at all is the promise kept.
TEST_F(WorkerTest, EndsWithItsHostWhateverTheStepsDo) {
  WorkerProcess worker;
  run(worker, {mock_step("deaf", R"({"hang":"deaf"})"), mock_step("query", R"({"hang":"query"})"),
               mock_step("child", R"({"child":true,"hang":"deaf"})")});
  const auto child = static_cast<pid_t>(worker.event("mock_child")["data"]["pid"].as_int());
  ASSERT_TRUE(is_running(child));
  worker.close_stdin();
  EXPECT_EQ(worker.wait().value, 1);
  EXPECT_FALSE(is_running(child));
}

TEST_F(WorkerTest, EndsOnSigtermWithItsRecordsWrittenAndItsChildrenGone) {
  WorkerProcess worker;
  run(worker, {mock_step("a", R"({"child":true,"hang":"politely"})"), mock_step("b", "{}", {"a"})});
  const auto child = static_cast<pid_t>(worker.event("mock_child")["data"]["pid"].as_int());
  worker.signal(SIGTERM);
  const ExitStatus exit = worker.wait();
  EXPECT_FALSE(exit.signaled);
  EXPECT_EQ(exit.value, 143);
  EXPECT_EQ(worker.response("a")["error"]["code"].as_string(), "cancelled");
  EXPECT_TRUE(worker.response("b")["error"]["data"]["skipped"].as_bool());
  EXPECT_FALSE(is_running(child));
}

// More than the pipe holds, and nothing of it read before the worker was told to end.
TEST_F(WorkerTest, AShutdownEndsItWithItsRecordsWritten) {
  WorkerProcess worker;
  run(worker, {mock_step("flood", R"({"events":4000})"), mock_step("mark", R"({"write":"mark"})", {"flood"})});
  ASSERT_TRUE(osiris::test::eventually([&] { return std::filesystem::exists(session_.directory() / "mark"); }));
  worker.request("bye", "shutdown");
  EXPECT_TRUE(worker.wait().success());
  EXPECT_EQ(worker.records().back()["id"].as_string(), "bye");
}

TEST_F(WorkerTest, DiesVisiblyWhenADriverCrashesOrExits) {
  for (const auto& [cfg, signaled, value] :
       {std::tuple(R"({"signal":11})", true, 11), std::tuple(R"({"signal":9})", true, 9),
        std::tuple(R"({"signal":6})", true, 6), std::tuple(R"({"exit":77})", false, 77)}) {
    WorkerProcess worker;
    run(worker, {mock_step("a", cfg)});
    const ExitStatus exit = worker.wait();
    EXPECT_EQ(exit.signaled, signaled) << cfg;
    EXPECT_EQ(exit.value, value) << cfg;
    EXPECT_EQ(worker.records().back()["data"]["event"].as_string(), "artifact_created")
        << "what was said before is whole";
  }
}

TEST_F(WorkerTest, SurvivesTheDeathOfAChildProcess) {
  WorkerProcess worker;
  run(worker, {mock_step("a", R"({"child":true,"sleep_ms":1})"), mock_step("b", "{}", {"a"})});
  ::kill(static_cast<pid_t>(worker.event("mock_child")["data"]["pid"].as_int()), SIGKILL);
  EXPECT_TRUE(worker.response("b").contains("result"));
}

}  // namespace
}  // namespace osiris::worker::test
