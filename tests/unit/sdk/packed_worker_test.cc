// The worker as it travels, when it is packed on the way: in pieces, and from what is there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <string_view>

#include "plugins/sdk/package/delivery.h"

namespace osiris::sdk {
namespace {

using ::testing::HasSubstr;

// Of the two skippable frames: magic, length and hash; magic, length and a table of four frames.
constexpr size_t kHeadBytes = 8 + 64 + 8 + 4 * 16;

// A worker of bytes that are made when they are asked for.
class MadeWorker {
 public:
  explicit MadeWorker(uint64_t ends_at) : ends_at_(ends_at) {}
  Result<size_t> read(uint64_t offset, char* into, size_t bytes) {
    for (size_t most = largest_; most < bytes && !largest_.compare_exchange_weak(most, bytes);) {
    }
    const auto given = static_cast<size_t>(std::min<uint64_t>(bytes, ends_at_ - std::min(offset, ends_at_)));
    for (size_t i = 0; i < given; ++i) into[i] = byte(offset + i);
    return given;
  }
  static char byte(uint64_t at) { return static_cast<char>((at * 2654435761u) >> 24); }
  size_t largest() const { return largest_; }

 private:
  const uint64_t ends_at_;
  std::atomic<size_t> largest_{0};
};

TEST(PackedWorker, IsReadInBlocksAndNeverHeldWhole) {
  constexpr uint64_t kBytes = (uint64_t{18} << 20) + 7;
  MadeWorker worker(kBytes);
  const auto read = [&](uint64_t offset, char* into, size_t bytes) { return worker.read(offset, into, bytes); };
  const std::string packed = *compress_worker(kBytes, read, std::string(64, 'a'), 1);
  EXPECT_LE(worker.largest(), size_t{1} << 20);

  std::string whole(kBytes, '\0');
  std::string_view frames = std::string_view(packed).substr(kHeadBytes);
  size_t at = 0, count = 0;
  for (; !frames.empty(); ++count) {
    const size_t size = ZSTD_findFrameCompressedSize(frames.data(), frames.size());
    const size_t plain = ZSTD_getFrameContentSize(frames.data(), frames.size());
    ASSERT_LE(at + plain, whole.size());
    ASSERT_EQ(ZSTD_decompress(whole.data() + at, plain, frames.data(), size), plain);
    frames.remove_prefix(size);
    at += plain;
  }
  EXPECT_EQ(count, 4u);
  ASSERT_EQ(at, kBytes);
  std::string made(kBytes, '\0');
  for (uint64_t i = 0; i < kBytes; ++i) made[i] = MadeWorker::byte(i);
  EXPECT_TRUE(whole == made);
}

TEST(PackedWorker, OneThatGetsShorterMeanwhileIsAnError) {
  MadeWorker worker(uint64_t{9} << 20);
  const auto read = [&](uint64_t offset, char* into, size_t bytes) { return worker.read(offset, into, bytes); };
  const auto packed = compress_worker(uint64_t{10} << 20, read, std::string(64, 'a'), 1);
  ASSERT_FALSE(packed.ok());
  EXPECT_THAT(packed.error().message, HasSubstr("changed while it was being packed"));
  const auto failing = [](uint64_t, char*, size_t) -> Result<size_t> { return Error(Code::kUnavailable, "no disk"); };
  EXPECT_THAT(compress_worker(uint64_t{10} << 20, failing, std::string(64, 'a'), 1).error().message, "no disk");
}

}  // namespace
}  // namespace osiris::sdk
