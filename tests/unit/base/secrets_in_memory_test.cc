// Memory that holds secrets: closed to others, wiped after use, and programs of the user's kept out of it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <new>
#include <string>

#include "protocol/base/guarded_memory.h"
#include "protocol/base/own_user.h"
#include "protocol/base/wipe.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

// What `act` returns, in a process of its own.
int in_child(const std::function<int()>& act) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(act());
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(Wipe, EmptiesEveryTextOfAValue) {
  Json value = Json::object({{"a", "secret one"}, {"b", Json::array({"secret two", 3})}});
  wipe(value);
  EXPECT_EQ(value.dump(), "{\"a\":\"\",\"b\":[\"\",3]}");
}

TEST(Wipe, LeavesNothingInTheTextsMemory) {
  alignas(std::string) unsigned char place[sizeof(std::string)];
  auto* text = new (place) std::string("fifteen bytes s");  // short: inside the object itself
  ASSERT_NE(std::memchr(place, 'f', sizeof place), nullptr);
  wipe(*text);
  EXPECT_EQ(std::memchr(place, 'f', sizeof place), nullptr);
  text->~basic_string();
}

TEST(SecretString, LeavesNothingWhereItMovedFromAndWhereItDied) {
  alignas(SecretString) unsigned char place[sizeof(SecretString)];
  auto* secret = new (place) SecretString(std::string_view("fifteen bytes s"));  // short: inside the object itself
  SecretString other = std::move(*secret);
  EXPECT_EQ(std::memchr(place, 'f', sizeof place), nullptr);
  EXPECT_EQ(other.view(), "fifteen bytes s");
  *secret = std::move(other);
  EXPECT_EQ(secret->copy().view(), "fifteen bytes s");
  secret->~SecretString();
  EXPECT_EQ(std::memchr(place, 'f', sizeof place), nullptr);
}

TEST(GuardMemory, LeavesNoCoreAndLetsNobodyLook) {
  EXPECT_EQ(in_child([] {
              guard_memory();
              rlimit limit{};
              ::getrlimit(RLIMIT_CORE, &limit);
              return ::prctl(PR_GET_DUMPABLE) == 0 && limit.rlim_cur == 0 ? 0 : 1;
            }),
            0);
}

class OwnUser : public testing::Test {
 protected:
  OwnUser() {
    char name[] = "/tmp/osiris-user-XXXXXX";
    dir_ = ::mkdtemp(name);
    ::chmod(dir_.c_str(), 0700);
  }
  ~OwnUser() override { fs::remove_all(dir_); }
  fs::path dir_;
};

TEST_F(OwnUser, IsGivenByRootOnlyAndNeverTwice) {
  const auto one = spare_user(), two = spare_user();
  EXPECT_EQ(one.has_value(), two.has_value());
  EXPECT_TRUE(!one || ::geteuid() == 0);
  EXPECT_TRUE(!one || *one != *two);
}

TEST_F(OwnUser, ReachesFilesAndNoProcess) {
  const auto user = spare_user();
  if (!user) GTEST_SKIP() << "this process may not give a user of its own away";
  std::ofstream(dir_ / "private") << "x";
  ::chmod((dir_ / "private").c_str(), 0600);
  const std::string memory = "/proc/" + std::to_string(::getpid()) + "/mem",
                    environment = "/proc/" + std::to_string(::getpid()) + "/environ";
  EXPECT_EQ(in_child([&] {
              if (!become_user(*user)) return 1;
              if (::getuid() != *user) return 2;
              if (::open((dir_ / "private").c_str(), O_RDWR) < 0) return 3;
              if (::open((dir_ / "made").c_str(), O_WRONLY | O_CREAT, 0600) < 0) return 4;
              if (::open(memory.c_str(), O_RDONLY) >= 0) return 5;
              const int fd = ::open(environment.c_str(), O_RDONLY);
              char block[64];
              if (fd >= 0 && ::read(fd, block, sizeof block) > 0) return 6;
              if (::kill(::getppid(), 0) == 0) return 7;
              if (::setuid(0) == 0) return 8;
              return 0;
            }),
            0);
  struct stat info{};
  ::stat((dir_ / "made").c_str(), &info);
  EXPECT_EQ(info.st_uid, *user);
  change_owner(dir_, *user, ::geteuid());
  ::stat((dir_ / "made").c_str(), &info);
  EXPECT_EQ(info.st_uid, ::geteuid());
}

TEST_F(OwnUser, OnlyWhatBelongsToItChangesHands) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may give files away";
  std::ofstream(dir_ / "of another") << "x";
  ASSERT_EQ(::chown((dir_ / "of another").c_str(), 12345, 12345), 0);
  std::ofstream(dir_ / "target") << "x";
  fs::create_symlink(dir_ / "target", dir_ / "link");
  change_owner(dir_, 0, 1'900'000'000);
  struct stat info{};
  ::lstat((dir_ / "of another").c_str(), &info);
  EXPECT_EQ(info.st_uid, 12345u);
  ::lstat((dir_ / "link").c_str(), &info);
  EXPECT_EQ(info.st_uid, 1'900'000'000u);
}

}  // namespace
}  // namespace osiris
