// Descriptors, locks and characters: the ground floor.
#include "protocol/base/fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "protocol/base/file.h"
#include "protocol/base/file_lock.h"
#include "protocol/base/read_block.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

class Descriptors : public testing::Test {
 protected:
  Descriptors() : directory_(fs::path(testing::TempDir()) / ("fd_" + std::to_string(::getpid()))) {
    fs::create_directories(directory_);
  }
  ~Descriptors() override { fs::remove_all(directory_); }
  fs::path file(const char* name) const { return directory_ / name; }
  fs::path directory_;
};

TEST_F(Descriptors, CloseWithTheirOwner) {
  int number = -1;
  {
    const FileDescriptor open = FileDescriptor::open(file("x"), O_WRONLY | O_CREAT);
    number = open.get();
    EXPECT_GE(::fcntl(number, F_GETFD), 0);
    EXPECT_TRUE(::fcntl(number, F_GETFD) & FD_CLOEXEC);
  }
  EXPECT_LT(::fcntl(number, F_GETFD), 0);
  FileDescriptor first = FileDescriptor::open(file("x"), O_RDONLY);
  FileDescriptor second = std::move(first);
  EXPECT_FALSE(first.is_open());
  EXPECT_TRUE(second.is_open());
}

TEST_F(Descriptors, ReadAndWriteEverything) {
  const std::string text(1u << 20, 'x');
  {
    const FileDescriptor out = FileDescriptor::open(file("x"), O_WRONLY | O_CREAT);
    EXPECT_TRUE(write_all(out.get(), text));
  }
  const FileDescriptor in = FileDescriptor::open(file("x"), O_RDONLY);
  EXPECT_EQ(*read_all(in.get(), file("x"), 1u << 20), text);
  const FileDescriptor again = FileDescriptor::open(file("x"), O_RDONLY);
  EXPECT_EQ(read_all(again.get(), file("x"), 1000).error().code, Code::kExhausted);
}

TEST_F(Descriptors, WaitWhereAPipeIsFull) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  const FileDescriptor reader(ends[0]), writer(ends[1]);
  const std::string text(1u << 20, 'x');  // more than a pipe holds
  size_t got = 0;
  std::thread other([&] {
    char block[65536];
    while (got < text.size()) {
      pollfd ready{reader.get(), POLLIN, 0};
      ::poll(&ready, 1, -1);
      if (const int64_t count = read_some(reader.get(), block, sizeof block); count > 0)
        got += static_cast<size_t>(count);
    }
  });
  EXPECT_TRUE(write_all(writer.get(), text));
  other.join();
  EXPECT_EQ(got, text.size());
}

TEST_F(Descriptors, AnEventWakesAPollUntilItIsDrained) {
  const EventDescriptor event;
  pollfd ready{event.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&ready, 1, 0), 0);
  event.signal();
  event.signal();
  EXPECT_EQ(::poll(&ready, 1, 0), 1);
  event.drain();
  EXPECT_EQ(::poll(&ready, 1, 0), 0);
}

TEST_F(Descriptors, ALockKeepsOthersOutUntilItIsGivenBack) {
  auto held = FileLock::try_take(file("lock"));
  ASSERT_TRUE(held.ok() && *held);
  EXPECT_TRUE(FileLock::is_held(file("lock")));
  EXPECT_FALSE(*FileLock::try_take(file("lock")));
  EXPECT_FALSE(FileLock::try_take_existing(file("lock")));
  std::thread waits([&] { EXPECT_TRUE(FileLock::wait(file("lock")).ok()); });
  (*held)->give_back();
  waits.join();
  EXPECT_FALSE(FileLock::is_held(file("lock")));
  EXPECT_TRUE(FileLock::try_take_existing(file("lock")));
}

TEST_F(Descriptors, ABlockToReadIntoBeginsAPage) {
  for (const size_t bytes : {size_t{1}, size_t{4096}, size_t{1} << 18}) {
    ReadBlock block(bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block.data()) % 4096, 0u);
    EXPECT_GE(block.size(), bytes);
    block.data()[bytes - 1] = 'x';
    EXPECT_EQ(block.first(bytes).back(), 'x');
  }
}

TEST_F(Descriptors, ALockIsNotTakenThroughALinkOrWithoutAFile) {
  EXPECT_FALSE(FileLock::try_take_existing(file("none")));
  EXPECT_FALSE(FileLock::is_held(file("none")));
  fs::create_symlink(file("target"), file("link"));
  EXPECT_FALSE(FileLock::wait(file("link")).ok());
  EXPECT_FALSE(fs::exists(file("target")));
}

}  // namespace
}  // namespace osiris
