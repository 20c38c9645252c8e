// `osiris-worker --relay`: many runs over one pair of streams, each in a worker of its own, one after the other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "protocol/base/file.h"
#include "protocol/base/subprocess.h"
#include "protocol/base/text.h"
#include "tests/support/children.h"
#include "tests/support/eventually.h"
#include "tests/worker/line_reader.h"
#include "tests/worker/worker_fixture.h"

namespace osiris::worker::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class RelayTest : public WorkerTest {
 protected:
  fs::path directory(int run) const { return session_.directory() / ("run-" + std::to_string(run)); }
  fs::path archive(int run) const { return directory(run) / "artifacts.tar.zst"; }

  void write(const Json& header, const std::string& bytes = {}) {
    const std::string text = header.dump() + "\n" + bytes;
    ASSERT_TRUE(write_all(process_.stdin_fd(), text));
  }
  static std::string request(const std::string& id, const std::string& method, Json params = Json::object()) {
    return Json::object({{"id", id}, {"method", method}, {"params", std::move(params)}}).dump() + "\n";
  }
  // As a run loop opens a run: everything in one piece.
  std::string opening(int run, const std::string& step) const {
    Json params = session_.prepare_params({mock_step("a", step)});
    params.set("session_dir", (directory(run) / "session").string());
    params.set("work_dir", directory(run).string());
    return request("prepare", "prepare", std::move(params)) +
           request("a", "execute_step", Json::object({{"step_id", "a"}})) + request("finish", "finish") +
           request("pack", "pack", Json::object({{"path", archive(run).string()}}));
  }
  void hand_over(int run, const std::string& step, const std::string& package = {}, uint64_t result_max = 1 << 18,
                 const Json& drivers = Json::array()) {
    const std::string input = opening(run, step);
    Json header = Json::object({{"run", run},
                                {"directory", directory(run).string()},
                                {"answer", "pack"},
                                {"result", archive(run).string()},
                                {"result_max", result_max},
                                {"drivers", drivers},
                                {"input", uint64_t{input.size()}}});
    if (!package.empty()) {
      header.set("package", uint64_t{package.size()});
      header.set("package_path", (directory(run) / "package").string());
    }
    write(header, package + input);
  }
  // The next line; empty at the end.
  std::string line() { return lines_.next(process_.stdout_fd()); }
  // All lines until one begins so.
  std::vector<std::string> until(const std::string& beginning) {
    std::vector<std::string> lines;
    do {
      lines.push_back(line());
    } while (!lines.back().empty() && lines.back() != "nothing came" && !lines.back().starts_with(beginning));
    return lines;
  }
  pid_t pid_of(const std::string& hello) const {
    const auto record = parse_json(std::string_view(hello).substr(hello.find(' ') + 1));
    return record ? static_cast<pid_t>((*record)["pid"].as_int()) : 0;
  }

  Subprocess process_ = [] {
    SpawnOptions options;
    options.arguments = {worker_binary(), "--relay"};
    options.environment = {{"PATH", "/usr/bin:/bin"}, {"HOME", "/"}, {"TZ", "UTC"}, {"LC_ALL", "C"}};
    return *Subprocess::spawn(options);
  }();
  LineReader lines_;
};

TEST_F(RelayTest, RunsTakeTurnsInWorkersOfTheirOwn) {
  hand_over(1, R"({"sleep_ms":100,"write":"out.txt","text":"one"})");
  hand_over(2, R"({"write":"out.txt","text":"two"})");
  const auto first = until("1 !"), second = until("2 !");
  ASSERT_EQ(first.back(), R"(1 !{"exit":0})");
  ASSERT_EQ(second.back(), R"(2 !{"exit":0})");
  for (const std::string& each : first) EXPECT_THAT(each, StartsWith("1 ")) << "the second began before its turn";
  for (const std::string& each : second) EXPECT_THAT(each, StartsWith("2 "));
  EXPECT_THAT(first.front(), HasSubstr("\"hello\""));
  EXPECT_NE(pid_of(first.front()), pid_of(second.front()));
  EXPECT_EQ(*read_file(directory(1) / "out.txt"), "one");
  EXPECT_EQ(*read_file(directory(2) / "out.txt"), "two");
}

TEST_F(RelayTest, WhatARunPackedComesBeforeTheAnswerThatNamesIt) {
  hand_over(1, R"({"write":"out.txt","text":"one"})");
  const auto lines = until("1 !");
  ASSERT_GE(lines.size(), 3u);
  const std::string &result = lines[lines.size() - 3], &answer = lines[lines.size() - 2];
  ASSERT_THAT(result, StartsWith("1 ="));
  EXPECT_EQ(base64_decode(result.substr(3)), *read_file(archive(1)));
  EXPECT_THAT(answer, HasSubstr("\"pack\""));
}

TEST_F(RelayTest, AResultThatIsTooLargeIsToBeFetched) {
  hand_over(1, R"({"write":"out.txt","text":"one"})", {}, 10);
  for (const std::string& each : until("1 !")) EXPECT_FALSE(each.starts_with("1 =")) << each;
  EXPECT_TRUE(fs::exists(archive(1)));
}

TEST_F(RelayTest, APackageIsThereBeforeItsWorkerHearsOfIt) {
  const std::string package(300'000, '\x7f');
  hand_over(1, R"({"hang":"politely"})");
  hand_over(2, R"({"rows":1})", package);
  ASSERT_TRUE(osiris::test::eventually([&] { return fs::exists(directory(2) / "package"); }))
      << "while the run before is at work";
  EXPECT_EQ(*read_file(directory(2) / "package"), package);
}

TEST_F(RelayTest, AWorkerGetsReadyForItsDriversBeforeItsTurn) {
  hand_over(1, R"({"hang":"politely"})");
  hand_over(2, R"({"rows":1})", {}, 1 << 18, Json::array({"duckdb.processor"}));
  const auto words = [&] {
    std::string all;
    for (const pid_t child : osiris::test::children_of(process_.pid())) all += osiris::test::words_of(child);
    return all;
  };
  EXPECT_TRUE(osiris::test::eventually(
      [&] { return words().find(std::string("--ahead\0duckdb.processor", 24)) != std::string::npos; }));
}

TEST_F(RelayTest, OneThatIsKilledLeavesTheNextItsTurn) {
  hand_over(1, R"({"hang":"politely"})");
  hand_over(2, R"({"rows":1})");
  EXPECT_THAT(line(), HasSubstr("\"hello\""));
  write(Json::object({{"run", 1}, {"kill", true}}));
  EXPECT_EQ(until("1 !").back(), R"(1 !{"signal":9})");
  EXPECT_EQ(until("2 !").back(), R"(2 !{"exit":0})");
}

TEST_F(RelayTest, OneWhoseTurnHasNotComeCanBeAskedBack) {
  hand_over(1, R"({"hang":"politely"})");
  hand_over(2, R"({"write":"out.txt","text":"two"})");
  hand_over(3, R"({"rows":1})");
  EXPECT_THAT(line(), HasSubstr("\"hello\""));
  write(Json::object({{"run", 2}, {"drop", true}}));
  write(Json::object({{"run", 1}, {"drop", true}}));  // it has begun
  EXPECT_EQ(until("2 -").back(), "2 -");
  write(Json::object({{"run", 1}, {"kill", true}}));
  EXPECT_EQ(until("1 !").back(), R"(1 !{"signal":9})");
  for (const std::string& each : until("3 !")) EXPECT_THAT(each, StartsWith("3 "));
  EXPECT_FALSE(fs::exists(directory(2) / "out.txt"));
}

TEST_F(RelayTest, WhatComesLaterReachesTheWorkerThatRuns) {
  hand_over(1, R"({"hang":"politely"})");
  until("1 {\"");
  const std::string cancel = request("cancel", "cancel");
  write(Json::object({{"run", 1}, {"input", uint64_t{cancel.size()}}}), cancel);
  EXPECT_EQ(until("1 !").back(), R"(1 !{"exit":0})") << "it has answered `pack`";
}

// The host may have heard nothing of how a run ended: its stream broke.
TEST_F(RelayTest, AnEndIsSaidAgainToWhoAsks) {
  hand_over(1, R"({"write":"out.txt","text":"one"})");
  const auto lines = until("1 !");
  const std::string replay = request("replay", "replay");
  write(Json::object({{"run", 1}, {"input", uint64_t{replay.size()}}}), replay);
  EXPECT_EQ(line(), lines[lines.size() - 3]);
  EXPECT_EQ(line(), lines.back());
  EXPECT_TRUE(fs::exists(directory(1) / "session/.worker/records.jsonl")) << "it is fetched after such a break";
}

TEST_F(RelayTest, WhatARunLeftIsRemovedWithTheNextButOne) {
  hand_over(1, R"({"rows":1})");
  until("1 !");
  hand_over(2, R"({"rows":1})");
  until("2 !");
  EXPECT_TRUE(fs::exists(directory(1)));
  hand_over(3, R"({"rows":1})");
  until("3 !");
  EXPECT_FALSE(fs::exists(directory(1)));
  EXPECT_TRUE(fs::exists(directory(2)));
}

TEST_F(RelayTest, AWorkerThatCannotBeStartedIsSaid) {
  ASSERT_TRUE(write_file_atomically(directory(1), "no directory").ok());
  hand_over(1, R"({"rows":1})");
  EXPECT_THAT(line(), StartsWith("1 !{\"error\":"));
  hand_over(2, R"({"rows":1})");
  EXPECT_EQ(until("2 !").back(), R"(2 !{"exit":0})");
}

TEST_F(RelayTest, EndOfInputEndsItAndItsWorker) {
  hand_over(1, R"({"hang":"politely"})");
  const pid_t worker = pid_of(line());
  ASSERT_GT(worker, 0);
  process_.close_stdin();
  EXPECT_TRUE(process_.wait(30'000));
  EXPECT_TRUE(osiris::test::eventually([&] { return ::kill(worker, 0) != 0; }));
}

TEST_F(RelayTest, InputThatMakesNoSenseEndsIt) {
  write(Json::object({{"run", 1}, {"input", uint64_t{1} << 40}}));
  const auto exit = process_.wait(30'000);
  ASSERT_TRUE(exit);
  EXPECT_FALSE(exit->success());
}

}  // namespace
}  // namespace osiris::worker::test
