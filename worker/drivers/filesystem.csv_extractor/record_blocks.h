// The text of a file in blocks of whole records, handed out in the order of the file to threads that split them side by
// side. Where a record ends follows from the quotes before it, so the blocks are cut by one thread after the other;
// what is left to the threads is the work. Quotes are read as the tokenizer reads them: one counts at the start of a
// field only.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/base/error.h"

namespace osiris::worker::csv {

// As much as is read at once: what a core's cache holds, so that each look at it after the first costs little. Each
// thread holds a block, and they are not counted in the engine's memory limit. A writer's batches follow from it.
inline constexpr size_t kBlockBytes = size_t{2} << 20;
// Behind a block's text there is room for as much, in zeros: it is looked at in words that long.
inline constexpr size_t kBlockSlack = 64;

// The memory of a block. What is given from it may point into it: it is written to again once nothing holds it.
class BlockBytes {
 public:
  explicit BlockBytes(size_t room) : bytes_(new char[room + kBlockSlack]), room_(room) {}

  char* get() const { return bytes_.get(); }
  size_t room() const { return room_; }  // without the slack
  // What the threads that held it have done with it is before this. shared_ptr's use_count() promises no such order.
  bool is_held() const { return holds_ > 0; }

  // [any thread] For as long as something points into it.
  class Hold {
   public:
    explicit Hold(std::shared_ptr<BlockBytes> bytes) : bytes_(std::move(bytes)) { ++bytes_->holds_; }
    ~Hold() { --bytes_->holds_; }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    const std::shared_ptr<BlockBytes> bytes_;
  };

 private:
  const std::unique_ptr<char[]> bytes_;
  const size_t room_;
  std::atomic<size_t> holds_{0};
};

struct TextBlock {
  std::shared_ptr<BlockBytes> bytes;
  size_t size = 0;
  uint64_t number = 0;  // from 0
  size_t file = 0;      // of several that are read one after the other

  char* data() const { return bytes->get(); }
  std::string_view text() const { return {data(), size}; }
};

class RecordBlocks {
 public:
  // `read` fills a buffer with what follows; 0 at the end. `skip_lines` and a byte order mark before them are left out.
  using Read = std::function<size_t(char* buffer, size_t size)>;
  RecordBlocks(Read read, char delimiter, uint64_t skip_lines)
      : read_(std::move(read)), delimiter_(delimiter), skip_lines_(skip_lines) {}

  // [any thread] The next block into `block`; false at the end. An error where the text is not for this reader: a
  // record longer than kRecordBytes, a quote that is never closed.
  Result<bool> next(TextBlock& block);
  uint64_t bytes_read() const { return bytes_read_; }

 private:
  static void make_room(TextBlock& block, size_t room);
  void fill(TextBlock& block);
  // The end of the last whole record; 0: there is none. `is_open`: the text ends within quotes.
  size_t end_of_records(std::string_view text, bool& is_open) const;
  size_t skip_head(std::string_view text);

  const Read read_;
  const char delimiter_;
  std::mutex mutex_;
  uint64_t skip_lines_;
  bool is_begun_ = false, is_ended_ = false;
  std::string rest_;  // the beginning of a record, from the block before
  uint64_t blocks_ = 0;
  std::atomic<uint64_t> bytes_read_{0};
};

}  // namespace osiris::worker::csv
