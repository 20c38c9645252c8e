// `osiris-worker --hold`: a worker that outlives the stream by which it is reached, until its lease is over.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "protocol/base/file.h"
#include "protocol/base/subprocess.h"
#include "protocol/base/temporary_directory.h"
#include "tests/support/eventually.h"
#include "tests/worker/line_reader.h"
#include "tests/worker/worker_process.h"

namespace osiris::worker::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// `osiris-worker --hold <directory> ...`, whose streams a test holds.
class Client {
 public:
  Client(const fs::path& directory, std::vector<std::string> arguments) : process_(start(directory, arguments)) {}

  void write(const std::string& text) const {
    ASSERT_EQ(::send(process_.stdin_fd(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  // The next line of its stdout; empty at the end.
  std::string line() { return lines_.next(process_.stdout_fd()); }
  // Reads on until a line holds `text`.
  std::string until(const std::string& text) {
    for (;;) {
      const std::string each = line();
      if (each.empty() || each == "nothing came" || each.find(text) != std::string::npos) return each;
    }
  }
  // As a machine whose connection breaks: the program is gone at once.
  void cut() { ::kill(process_.pid(), SIGKILL); }
  int end() {
    const auto exit = process_.wait(30'000);
    return exit ? (exit->signaled ? 128 + exit->value : exit->value) : -1;
  }

 private:
  static Subprocess start(const fs::path& directory, const std::vector<std::string>& arguments) {
    SpawnOptions options;
    options.arguments = {worker_binary(), "--hold", directory.string()};
    options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
    options.environment = {{"PATH", "/usr/bin:/bin"}, {"HOME", "/"}, {"TZ", "UTC"}, {"LC_ALL", "C"}};
    return *Subprocess::spawn(options);
  }
  Subprocess process_;
  LineReader lines_;
};

class Hold : public ::testing::Test {
 protected:
  // The worker's pid as its hello tells it.
  static pid_t pid_of(const std::string& hello) {
    const auto json = parse_json(hello);
    return json.ok() ? static_cast<pid_t>((*json)["pid"].as_int(-1)) : -1;
  }
  static bool lives(pid_t pid) { return ::kill(pid, 0) == 0; }
  fs::path directory() const { return temporary_->path() / "hold"; }

  Result<TemporaryDirectory> temporary_ = TemporaryDirectory::make();
};

constexpr const char* kShutdown = "{\"id\":\"req_2\",\"method\":\"shutdown\",\"params\":{}}\n";

TEST_F(Hold, AnAttachedWorkerIsSpokenToAsAnyOther) {
  Client client(directory(), {"--lease", "30"});
  EXPECT_THAT(client.line(), HasSubstr("\"hello\""));
  client.write(kShutdown);
  EXPECT_THAT(client.until("req_2"), HasSubstr("req_2"));
  EXPECT_EQ(client.end(), 0);
  EXPECT_FALSE(fs::exists(directory() / "socket"));
  EXPECT_EQ(Client(directory(), {"--attach"}).end(), 0) << "who comes later hears how it ended";
}

TEST_F(Hold, AClientThatHasEndedFindsHowTheWorkerEnded) {
  for (int round = 0; round < 25; ++round) {
    const fs::path held = temporary_->path() / std::to_string(round);
    Client client(held, {"--lease", "30"});
    client.write(kShutdown);
    ASSERT_EQ(client.end(), 0);
    ASSERT_FALSE(fs::exists(held / "socket")) << "in round " << round;
    ASSERT_FALSE(fs::exists(held / "pid")) << "in round " << round;
    ASSERT_TRUE(fs::exists(held / "ended")) << "in round " << round;
  }
}

TEST_F(Hold, ItLivesOnWhenTheStreamIsCutAndIsAttachedToAgain) {
  Client first(directory(), {"--lease", "60"});
  const pid_t worker = pid_of(first.line());
  ASSERT_GT(worker, 0);
  first.cut();
  first.end();
  EXPECT_TRUE(lives(worker));
  Client second(directory(), {"--attach"});
  second.write(kShutdown);
  EXPECT_THAT(second.until("req_2"), HasSubstr("req_2"));
  EXPECT_EQ(second.end(), 0);
  EXPECT_FALSE(lives(worker));
}

TEST_F(Hold, ASecondClientTakesItOver) {
  Client first(directory(), {"--lease", "60"});
  ASSERT_THAT(first.line(), HasSubstr("\"hello\""));
  Client second(directory(), {"--attach"});
  EXPECT_EQ(first.end(), 3);
  second.write(kShutdown);
  EXPECT_EQ(second.end(), 0);
}

TEST_F(Hold, ALeaseThatIsNotRenewedEndsTheWorker) {
  Client client(directory(), {"--lease", "1"});
  const pid_t worker = pid_of(client.line());
  ASSERT_GT(worker, 0);
  client.cut();
  EXPECT_TRUE(osiris::test::eventually([&] { return !lives(worker); }));
  EXPECT_TRUE(osiris::test::eventually([&] { return !fs::exists(directory() / "socket"); }));
  EXPECT_EQ(Client(directory(), {"--renew"}).end(), 3);
}

TEST_F(Hold, AKilledWorkerIsToldByItsSignal) {
  Client client(directory(), {"--lease", "60"});
  const pid_t worker = pid_of(client.line());
  ASSERT_GT(worker, 0);
  EXPECT_EQ(Client(directory(), {"--renew"}).end(), 0);
  ::kill(worker, SIGKILL);
  EXPECT_EQ(client.end(), 128 + SIGKILL);
}

TEST_F(Hold, WrongUseIsRefused) {
  for (const auto& arguments : {std::vector<std::string>{}, {"--lease"}, {"--lease", "0"}, {"--lease", "1x"}, {"--x"}})
    EXPECT_EQ(Client(directory(), arguments).end(), 2);
  EXPECT_EQ(Client(directory(), {"--attach"}).end(), 3);
  fs::create_directories(directory());
  fs::permissions(directory(), fs::perms::all);
  EXPECT_EQ(Client(directory(), {"--lease", "5"}).end(), 3) << "others could attach";
}

}  // namespace
}  // namespace osiris::worker::test
