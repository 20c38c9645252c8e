// A copy is whole or none, and says what stopped it.
#include "protocol/base/copy_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "protocol/base/temporary_directory.h"
#include "tests/support/small_disk.h"

namespace osiris {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class CopyFile : public testing::Test {
 protected:
  fs::path at(const std::string& name) const { return directory_.path() / name; }
  void write(const std::string& name, const std::string& bytes) const {
    ASSERT_TRUE(write_file_atomically(at(name), bytes).ok());
  }
  static size_t entries(const fs::path& directory) {
    return static_cast<size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
  }

  const TemporaryDirectory directory_ = *TemporaryDirectory::make();
};

TEST_F(CopyFile, HasTheBytesAndTheMode) {
  for (const std::string& bytes : {std::string(), std::string("a\0b", 3), std::string(600'001, 'x')}) {
    write("from", bytes);
    ASSERT_EQ(::chmod(at("from").c_str(), 0750), 0);
    const Status copied = copy_whole_file(at("from"), at("to"));
    ASSERT_TRUE(copied.ok()) << copied.error().message;
    EXPECT_EQ(*read_file(at("to")), bytes);
    EXPECT_EQ(fs::status(at("to")).permissions(), fs::perms(0750));
  }
}

TEST_F(CopyFile, OfWhatIsNotThereLeavesTheOldFile) {
  write("to", "old");
  const Status copied = copy_whole_file(at("from"), at("to"));
  ASSERT_FALSE(copied.ok());
  EXPECT_EQ(code_name(copied.error().code), code_name(Code::kNotFound));
  EXPECT_THAT(copied.error().message, HasSubstr(at("from").string()));
  EXPECT_EQ(*read_file(at("to")), "old");
}

TEST_F(CopyFile, OfADirectoryIsAnError) {
  fs::create_directory(at("from"));
  const Status copied = copy_whole_file(at("from"), at("to"));
  ASSERT_FALSE(copied.ok());
  EXPECT_THAT(copied.error().message, HasSubstr("Is a directory"));
  EXPECT_FALSE(fs::exists(at("to")));
}

TEST_F(CopyFile, ToAFullDiskIsCalledOneAndLeavesTheOldFile) {
  const test::SmallDisk disk(at("disk"), "64k");
  OSIRIS_NEEDS_DISK(disk);
  write("from", std::string(200'000, 'x'));
  write("disk/to", "old");
  const Status copied = copy_whole_file(at("from"), at("disk/to"));
  ASSERT_FALSE(copied.ok());
  EXPECT_EQ(copied.error().category, category::kWriteDiskFull);
  EXPECT_THAT(copied.error().message, HasSubstr("No space left on device"));
  EXPECT_EQ(*read_file(at("disk/to")), "old");
  EXPECT_EQ(entries(at("disk")), 1u);
}

TEST_F(CopyFile, IsReadInPiecesUpToTheFirstError) {
  write("from", std::string(600'001, 'x'));
  size_t bytes = 0, pieces = 0;
  ASSERT_TRUE(read_in_pieces(at("from"), [&](std::string_view piece) -> Status {
                bytes += piece.size();
                ++pieces;
                return {};
              }).ok());
  EXPECT_EQ(bytes, 600'001u);
  EXPECT_GT(pieces, 1u);
  pieces = 0;
  const Status stopped = read_in_pieces(at("from"), [&](std::string_view) -> Status {
    ++pieces;
    return Error(Code::kExhausted, "enough");
  });
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().message, "enough");
  EXPECT_EQ(pieces, 1u);
}

}  // namespace
}  // namespace osiris
