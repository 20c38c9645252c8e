// Files, text and documents at their edges: names that are no UTF-8, umasks, full disks.
#include "protocol/base/file.h"
#include "protocol/base/temporary_directory.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>
#include <thread>
#include <vector>

#include "protocol/base/fd.h"
#include "protocol/base/json.h"
#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

class Files : public testing::Test {
 protected:
  Files() {
    std::string pattern = fs::temp_directory_path() / "osiris-file-XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~Files() override { fs::remove_all(directory_); }
  // The permission bits of a file written under `mask`.
  unsigned written_under(mode_t mask, WriteOptions options = {}) {
    const mode_t before = ::umask(mask);
    EXPECT_TRUE(write_file_atomically(directory_ / "file", "text", options).ok());
    ::umask(before);
    struct stat info{};
    ::stat((directory_ / "file").c_str(), &info);
    return info.st_mode & 0777;
  }
  fs::path directory_;
};

TEST_F(Files, AreWrittenAsTheUmaskAllows) {
  EXPECT_EQ(written_under(022), 0644u);
  EXPECT_EQ(written_under(077), 0600u);
  EXPECT_EQ(written_under(0), 0644u) << "never more than was asked for";
  EXPECT_EQ(written_under(0, {.mode = 0600}), 0600u);
}

TEST_F(Files, AreReplacedAndLeaveNothingBeside) {
  ASSERT_TRUE(write_file_atomically(directory_ / "file", "one").ok());
  ASSERT_TRUE(write_file_atomically(directory_ / "file", "two").ok());
  EXPECT_EQ(*read_file(directory_ / "file"), "two");
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_), fs::directory_iterator()), 1);
  fs::create_directory(directory_ / "folder");
  EXPECT_FALSE(write_file_atomically(directory_ / "folder", "text").ok());
  EXPECT_FALSE(write_file_atomically(directory_ / "nowhere/file", "text").ok());
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_), fs::directory_iterator()), 2);
}

TEST_F(Files, AreReadUpToALimit) {
  ASSERT_TRUE(write_file_atomically(directory_ / "file", "12345").ok());
  EXPECT_EQ(*read_file(directory_ / "file", 5), "12345");
  EXPECT_EQ(read_file(directory_ / "file", 4).error().code, Code::kExhausted);
}

TEST_F(Files, ALineThatCannotBeWrittenIsAnError) {
  auto full = LineFile::open("/dev/full");
  ASSERT_TRUE(full.ok());
  EXPECT_FALSE(full->append("line").ok());
}

// They share flushes, and append while another one waits for the disk.
TEST_F(Files, LinesOfManyThreadsAreFlushedTogether) {
  auto opened = LineFile::open(directory_ / "lines");
  ASSERT_TRUE(opened.ok());
  LineFile lines = *std::move(opened);
  constexpr int kThreads = 8, kLines = 20;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([&lines, i] {
      for (int k = 0; k < kLines; ++k) {
        EXPECT_TRUE(lines.append(std::to_string(i) + " " + std::to_string(k)).ok());
        EXPECT_TRUE(lines.sync().ok());
      }
    });
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> seen;
  ASSERT_TRUE(for_each_line(directory_ / "lines", [&](std::string_view line) { seen.emplace(line); }).ok());
  EXPECT_EQ(seen.size(), size_t{kThreads} * kLines);
}

TEST_F(Files, AFlushThatFailsIsAnErrorEachTime) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const FileDescriptor reads(ends[0]), writes(ends[1]);
  auto opened = LineFile::open("/proc/self/fd/" + std::to_string(ends[1]));  // a pipe cannot be flushed
  if (!opened.ok()) GTEST_SKIP() << opened.error().message;
  ASSERT_TRUE(opened->append("line").ok());
  EXPECT_FALSE(opened->sync().ok());
  EXPECT_FALSE(opened->sync().ok());
}

TEST(Json, HoldsNoByteThatIsNoText) {
  EXPECT_EQ(valid_utf8("plain \xC3\xA9"), "plain \xC3\xA9");
  EXPECT_EQ(valid_utf8("a\xFF"
                       "b\xC3"),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD");
  const Json document = Json::object({{"n\xFE", "v\xED\xA0\x80"}});
  for (const std::string& text :
       {document.dump(), document.dump_pretty(), document.dump_canonical(), document.dump_canonical(true)}) {
    const auto read = parse_json(text);
    ASSERT_TRUE(read.ok()) << text;
    EXPECT_TRUE(read->contains("n\xEF\xBF\xBD")) << text;
  }
  EXPECT_EQ(Json("\xC3\xA9").dump(), "\"\xC3\xA9\"");
}

TEST(TemporaryDirectories, GoWithEverythingInThemAndOnlyOnce) {
  std::filesystem::path path;
  {
    auto made = TemporaryDirectory::make();
    ASSERT_TRUE(made.ok());
    const TemporaryDirectory directory = *std::move(made);
    path = directory.path();
    EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms::owner_all);
    ASSERT_TRUE(make_directories(path / "a/b").ok());
    ASSERT_TRUE(write_file_atomically(path / "a/b/c", "x").ok());
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace osiris
