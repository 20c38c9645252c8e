// When a file's hash is taken from memory, and when the file is read again.
#include "host/cache/file_hashes.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "protocol/base/file.h"
#include "protocol/base/temporary_directory.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

class FileHashesTest : public ::testing::Test {
 protected:
  FileHashesTest() { write("one"); }
  void write(const std::string& text) { EXPECT_TRUE(write_file_atomically(file_, text).ok()); }
  // Reads with the clock so far after the file's last change; how many files were read.
  size_t reads(std::chrono::nanoseconds after) {
    const auto identity = FileIdentity::of(file_);
    ManualClock clock(identity->ctime_ns + after.count());
    FileHashes hashes(memory_, clock);
    const auto hashed = hashes.of(file_);
    EXPECT_TRUE(hashed.ok());
    EXPECT_EQ(hashed->hash, sha256_hex(*read_file(file_)));
    hashes.save();
    return hashes.reads();
  }

  TemporaryDirectory directory_ = *TemporaryDirectory::make();
  const fs::path file_ = directory_.path() / "in.csv", memory_ = directory_.path() / "cache/files.json";
};

constexpr auto kLater = std::chrono::minutes(1);

TEST_F(FileHashesTest, AnUnchangedFileIsReadOnce) {
  EXPECT_EQ(reads(kLater), 1u);
  EXPECT_EQ(reads(kLater * 2), 0u);
  EXPECT_EQ(reads(kLater), 0u);
}

TEST_F(FileHashesTest, AChangedFileIsReadAgain) {
  EXPECT_EQ(reads(kLater), 1u);
  write("two");
  EXPECT_EQ(reads(kLater), 1u);
}

TEST_F(FileHashesTest, AChangeThatPutsSizeAndTimeBackIsSeenByTheOtherTime) {
  EXPECT_EQ(reads(kLater), 1u);
  struct stat before{};
  ASSERT_EQ(::stat(file_.c_str(), &before), 0);
  FileDescriptor open = FileDescriptor::open(file_, O_WRONLY);
  ASSERT_TRUE(write_all(open.get(), "two"));
  const timespec times[] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, file_.c_str(), times, 0), 0);
  EXPECT_EQ(reads(kLater), 1u);
}

TEST_F(FileHashesTest, AFileThatIsYoungerThanItsRecordIsReadAgain) {
  EXPECT_EQ(reads(std::chrono::milliseconds(5)), 1u);
  EXPECT_EQ(reads(kLater), 1u);
  EXPECT_EQ(reads(kLater), 0u);
}

TEST_F(FileHashesTest, ARecordFromTheFutureIsNotTrusted) {
  EXPECT_EQ(reads(kLater * 10), 1u);
  EXPECT_EQ(reads(kLater), 1u);  // the clock was set back
}

TEST_F(FileHashesTest, AMemoryThatIsDamagedIsEmpty) {
  EXPECT_EQ(reads(kLater), 1u);
  for (const char* text : {"", "{", "[]", R"({"format":2})", R"({"format":1,"files":{"x":7}})"}) {
    EXPECT_TRUE(write_file_atomically(memory_, text).ok());
    EXPECT_EQ(reads(kLater), 1u) << text;
  }
}

// Two kinds of one file, each remembered by itself.
TEST_F(FileHashesTest, ContentsHaveAHashOfTheirOwnThatDependsOnTheSecret) {
  const auto identity = FileIdentity::of(file_);
  ManualClock clock(identity->ctime_ns + std::chrono::nanoseconds(kLater).count());
  const auto content = [&](const std::string& secret, size_t reads) {
    FileHashes hashes(secret == "first" ? memory_ : directory_.path() / "other.json", clock);
    hashes.set_secret(secret);
    const auto hashed = hashes.content_of(file_);
    EXPECT_TRUE(hashed.ok());
    EXPECT_EQ(hashes.reads(), reads);
    hashes.save();
    return hashed->hash;
  };
  const std::string hash = content("first", 1);
  EXPECT_EQ(content("first", 0), hash);
  EXPECT_NE(content("second", 1), hash);
  EXPECT_NE(hash, sha256_hex("one"));
  EXPECT_EQ(reads(kLater), 1u) << "its SHA-256 is not known by that";
  EXPECT_EQ(reads(kLater * 2), 0u);
}

TEST_F(FileHashesTest, WhatIsNoFileIsAnError) {
  FileHashes hashes(memory_, system_clock());
  EXPECT_FALSE(hashes.of(directory_.path()).ok());
  EXPECT_EQ(hashes.of(directory_.path() / "nowhere").error().code, Code::kNotFound);
}

}  // namespace
}  // namespace osiris
