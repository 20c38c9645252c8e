#include "host/run/user_state.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <thread>

#include "host/installation/installation.h"
#include "host/project/user_directories.h"
#include "host/run/worker_binary.h"
#include "protocol/base/file.h"
#include "protocol/base/json.h"
#include "protocol/base/sha256.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

class UserStateTest : public testing::Test {
 protected:
  UserStateTest() {
    std::string pattern = fs::temp_directory_path() / "osiris-state-XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~UserStateTest() override { fs::remove_all(directory_); }
  fs::path directory_;
};

TEST_F(UserStateTest, TheCacheIsWhereXdgSaysOrBelowHome) {
  const Environment xdg({{"XDG_CACHE_HOME", "/var/x"}, {"HOME", "/home/me"}});
  EXPECT_EQ(user_cache_directory(xdg), "/var/x/osiris");
  const Environment relative({{"XDG_CACHE_HOME", "x"}, {"HOME", "/home/me"}});
  EXPECT_EQ(user_cache_directory(relative), "/home/me/.cache/osiris") << "a relative one counts for nothing";
}

TEST_F(UserStateTest, HasOneOwnerIdForEver) {
  const UserState state(directory_ / "osiris");
  const auto id = state.owner_id();
  ASSERT_TRUE(id.ok());
  EXPECT_EQ(id->size(), 26u);
  EXPECT_EQ(*UserState(directory_ / "osiris").owner_id(), *id);
  EXPECT_NE(*UserState(directory_ / "another").owner_id(), *id);
}

TEST_F(UserStateTest, GivesEveryoneTheSameOwnerIdEvenAtOnce) {
  std::vector<std::thread> threads;
  std::vector<std::string> ids(8);
  for (std::string& id : ids) threads.emplace_back([&] { id = *UserState(directory_).owner_id(); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 1u);
}

TEST_F(UserStateTest, KnowsWhichRunsLive) {
  const UserState state(directory_);
  auto first = state.begin("run-1");
  const auto second = state.begin("run-2");
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(state.live_run_ids(), (std::vector<std::string>{"run-1", "run-2"}));
  first->end();
  EXPECT_EQ(state.live_run_ids(), std::vector<std::string>{"run-2"});
  EXPECT_TRUE(state.dead_run_ids().empty()) << "one lives, one ended in order";
}

// A process that registers a run and is killed.
void die_in(const fs::path& directory, const std::string& run_id) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto run = UserState(directory).begin(run_id);
    ::raise(SIGKILL);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
}

TEST_F(UserStateTest, KnowsWhichRunsDied) {
  const UserState state(directory_);
  die_in(directory_, "run-1");
  EXPECT_EQ(state.dead_run_ids(), std::vector<std::string>{"run-1"});
  EXPECT_TRUE(state.live_run_ids().empty());
  auto second = state.begin("run-2");
  ASSERT_TRUE(second.ok());
  second->leave();
  EXPECT_EQ(state.dead_run_ids(), (std::vector<std::string>{"run-1", "run-2"}))
      << "it ended, and something is held still";
}

TEST_F(UserStateTest, KnowsNothingOfRunsThatItsFilesWereCopiedFrom) {
  const UserState original(directory_ / "original"), copy(directory_ / "copy");
  const auto live = original.begin("run-1");
  die_in(directory_ / "original", "run-2");
  fs::copy(directory_ / "original", directory_ / "copy", fs::copy_options::recursive);
  EXPECT_EQ(original.dead_run_ids(), std::vector<std::string>{"run-2"});
  EXPECT_TRUE(copy.dead_run_ids().empty()) << "run-1 lives where the copy was made";
  EXPECT_TRUE(copy.live_run_ids().empty());
}

TEST_F(UserStateTest, TakesAFileThatNoRunWroteForNoDeadRun) {
  const UserState state(directory_);
  fs::create_directories(directory_ / "runs");
  ASSERT_TRUE(write_file_atomically(directory_ / "runs/run-3", "").ok());
  ASSERT_TRUE(write_file_atomically(directory_ / "runs/run-4", std::string(32, '0')).ok());
  EXPECT_TRUE(state.dead_run_ids().empty());
  EXPECT_TRUE(state.live_run_ids().empty());
}

TEST_F(UserStateTest, ForgetsDeadRunsAfterAWeekAndLivingOnesNever) {
  const UserState state(directory_);
  die_in(directory_, "run-1");
  const auto living = state.begin("run-2");
  for (const char* run : {"run-1", "run-2"})
    fs::last_write_time(directory_ / "runs" / run, fs::file_time_type::clock::now() - std::chrono::hours(8 * 24));
  const auto next = state.begin("run-3");
  EXPECT_TRUE(state.dead_run_ids().empty());
  EXPECT_EQ(state.live_run_ids(), (std::vector<std::string>{"run-2", "run-3"}));
}

TEST_F(UserStateTest, FailsWithAReasonWhereNothingCanBeWritten) {
  ASSERT_TRUE(write_file_atomically(directory_ / "file", "").ok());
  EXPECT_FALSE(UserState(directory_ / "file").owner_id().ok());
  EXPECT_FALSE(UserState(directory_ / "file").begin("run-1").ok());
}

class WorkerBinaryTest : public UserStateTest {
 protected:
  WorkerBinaryTest() {
    fs::create_directories(worker_.parent_path());
    EXPECT_TRUE(write_file_atomically(worker_, "#!/bin/sh\n", {.mode = 0755}).ok());
  }
  Result<WorkerBinary> find(const Environment& environment = {}) {
    return find_worker(directory_ / "bin", environment, directory_ / "cache");
  }
  const fs::path worker_ = installed_library_directory(directory_ / "bin") / "osiris-worker";
};

TEST_F(WorkerBinaryTest, IsFoundBesideOsirisAndHashed) {
  const auto worker = find();
  ASSERT_TRUE(worker.ok());
  EXPECT_EQ(worker->path, worker_);
  EXPECT_EQ(worker->sha256, sha256_hex("#!/bin/sh\n"));
}

TEST_F(WorkerBinaryTest, RemembersTheHashUntilTheFileChanges) {
  ASSERT_TRUE(find().ok());
  // A remembered hash is believed...
  Json cache = *parse_json(*read_file(directory_ / "cache/worker.json"));
  cache.set("sha256", std::string(64, 'f'));
  ASSERT_TRUE(write_file_atomically(directory_ / "cache/worker.json", cache.dump()).ok());
  EXPECT_EQ(find()->sha256, std::string(64, 'f'));
  // ...but not for another file.
  ASSERT_TRUE(write_file_atomically(worker_, "#!/bin/sh\nexit 0\n", {.mode = 0755}).ok());
  EXPECT_EQ(find()->sha256, sha256_hex("#!/bin/sh\nexit 0\n"));
}

TEST_F(WorkerBinaryTest, IsNamedWhenMissingOrNotExecutable) {
  fs::permissions(worker_, fs::perms::owner_read);
  EXPECT_EQ(find().error().code, Code::kUnavailable);
  fs::remove(worker_);
  EXPECT_NE(find().error().message.find(worker_.string()), std::string::npos);
  Environment environment;
  environment.set("OSIRIS_WORKER", "relative/worker");
  EXPECT_EQ(find(environment).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace osiris
