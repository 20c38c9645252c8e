// The store of kept outputs: what comes back, what is refused, what is let go.
#include "host/cache/kept_outputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "protocol/base/temporary_directory.h"
#include "tests/support/small_disk.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class KeptOutputsTest : public ::testing::Test {
 protected:
  static std::string key(int number) { return sha256_hex("key " + std::to_string(number)); }
  KeptEntry entry(int number, const std::string& rows) const {
    KeptEntry made;
    made.key = made.content = key(number);
    made.pipeline_id = number % 2 == 0 ? "even" : "odd";
    made.step_id = "s" + std::to_string(number);
    made.component = "duckdb.processor";
    made.run_id = "run-000001_A";
    made.created_unix_ns = 17;
    made.size_bytes = rows.size();
    made.sha256 = sha256_hex(rows);
    made.rows_out = 3;
    made.shard_rows = {1, 0, 2};
    return made;
  }
  void put(KeptOutputs& kept, int number, const std::string& rows) {
    const fs::path file = directory_.path() / "kept.parquet";
    ASSERT_TRUE(write_file_atomically(file, rows).ok());
    const Status done = kept.put(entry(number, rows), file);
    ASSERT_TRUE(done.ok()) << done.error().message;
    EXPECT_FALSE(fs::exists(file));
  }
  std::optional<KeptEntry> find(KeptOutputs& kept, int number) { return kept.find(key(number), damaged_); }
  size_t files() const {
    size_t count = 0;
    for (const auto& each : fs::recursive_directory_iterator(cache_ / "outputs")) count += each.is_regular_file();
    return count;
  }

  TemporaryDirectory directory_ = *TemporaryDirectory::make();
  const fs::path cache_ = directory_.path() / "cache";
  FileHashes hashes_{cache_ / "files.json", system_clock()};
  std::string damaged_;
};

TEST_F(KeptOutputsTest, ComeBackAsTheyWerePut) {
  KeptOutputs kept(cache_, 1000, hashes_);
  EXPECT_FALSE(find(kept, 1));
  put(kept, 1, "rows");
  const auto found = find(kept, 1);
  ASSERT_TRUE(found);
  EXPECT_EQ(*read_file(found->file), "rows");
  EXPECT_EQ(found->shard_rows, (std::vector<uint64_t>{1, 0, 2}));
  EXPECT_EQ(found->run_id, "run-000001_A");
  EXPECT_EQ(found->created_unix_ns, 17);
  EXPECT_EQ(found->rows_out, 3u);
  EXPECT_EQ(damaged_, "");
}

TEST_F(KeptOutputsTest, OneOfTwoThatFillAnEntryStays) {
  KeptOutputs kept(cache_, 1000, hashes_), other(cache_, 1000, hashes_);
  put(kept, 1, "rows");
  put(other, 1, "the same in another order");
  EXPECT_EQ(*read_file(find(kept, 1)->file), "the same in another order");
  EXPECT_EQ(files(), 2u);
}

TEST_F(KeptOutputsTest, WhatIsDamagedIsNotThere) {
  KeptOutputs kept(cache_, 1000, hashes_);
  for (const char* damage : {"ROWS", "row", "rows and more", ""}) {
    put(kept, 1, "rows");
    std::ofstream(find(kept, 1)->file, std::ios::trunc) << damage;
    EXPECT_FALSE(find(kept, 1)) << damage;
    EXPECT_THAT(damaged_, HasSubstr("is not what was kept"));
    EXPECT_EQ(files(), 0u);
  }
  put(kept, 1, "rows");
  fs::remove(find(kept, 1)->file);
  EXPECT_FALSE(find(kept, 1));
  put(kept, 1, "rows");
  std::ofstream(cache_ / "outputs" / key(1).substr(0, 2) / (key(1) + ".json"), std::ios::trunc) << "{\"format\":1";
  EXPECT_FALSE(find(kept, 1));
  EXPECT_THAT(damaged_, HasSubstr("is not understood"));
}

TEST_F(KeptOutputsTest, WhatWasNotUsedForLongestGoesFirst) {
  KeptOutputs kept(cache_, 12, hashes_);
  for (const int number : {1, 2, 3}) {
    put(kept, number, "rows");
    const auto past = fs::file_time_type::clock::now() - std::chrono::hours(10 - number);
    fs::last_write_time(cache_ / "outputs" / key(number).substr(0, 2) / (key(number) + ".json"), past);
  }
  kept.touch(*find(kept, 1));
  put(kept, 4, "rows");
  EXPECT_TRUE(find(kept, 1));
  EXPECT_FALSE(find(kept, 2));
  EXPECT_TRUE(find(kept, 3));
  EXPECT_EQ(kept.list().size(), 3u);
  put(kept, 5, "more than all the room");
  EXPECT_TRUE(kept.list().empty());
  EXPECT_EQ(files(), 0u);
}

TEST_F(KeptOutputsTest, RowsWithoutADescriptionAreSwept) {
  KeptOutputs kept(cache_, 1000, hashes_);
  put(kept, 1, "rows");
  std::ofstream(cache_ / "outputs" / key(1).substr(0, 2) / "of-a-host-that-died.parquet") << "rows";
  put(kept, 2, "rows");
  EXPECT_EQ(files(), 4u);
}

TEST_F(KeptOutputsTest, AreClearedByPipeline) {
  KeptOutputs kept(cache_, 1000, hashes_);
  EXPECT_EQ(kept.clear("")->entries, 0u);
  for (const int number : {1, 2, 3}) put(kept, number, "rows");
  const auto odd = kept.clear("odd");
  ASSERT_TRUE(odd.ok());
  EXPECT_EQ(odd->entries, 2u);
  EXPECT_EQ(odd->bytes, 8u);
  EXPECT_TRUE(find(kept, 2));
  EXPECT_EQ(kept.clear("")->entries, 1u);
  EXPECT_EQ(files(), 0u);
}

// Of another file system than the sessions', so that rows are copied there.
TEST_F(KeptOutputsTest, OnAFullDiskSayThatItIsFull) {
  const test::SmallDisk disk(cache_, "64k");
  OSIRIS_NEEDS_DISK(disk);
  KeptOutputs kept(cache_, 1'000'000, hashes_);
  const fs::path file = directory_.path() / "kept.parquet";
  const std::string rows(200'000, 'x');
  ASSERT_TRUE(write_file_atomically(file, rows).ok());
  const Status refused = kept.put(entry(1, rows), file);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().category, category::kWriteDiskFull);
  EXPECT_THAT(refused.error().message, HasSubstr("No space left on device"));
  EXPECT_FALSE(find(kept, 1));
  put(kept, 2, "rows");
  EXPECT_TRUE(find(kept, 2)) << "there is room for a small one";
}

}  // namespace
}  // namespace osiris
