#include "worker/drivers/filesystem.csv_extractor/record_blocks.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "worker/drivers/filesystem.csv_extractor/encoding.h"

namespace osiris::worker::csv {
namespace {

// Of a record that goes on in the next block. What is longer is for the careful reader.
constexpr size_t kRecordBytes = 2'000'000;

Error unfit(const char* why) { return Error(Code::kUnsupported, why); }

}  // namespace

// An empty block of so much room.
void RecordBlocks::make_room(TextBlock& block, size_t room) {
  block.size = 0;
  if (block.bytes && block.bytes->room() >= room && !block.bytes->is_held()) return;
  block.bytes = std::make_shared<BlockBytes>(room);
}

void RecordBlocks::fill(TextBlock& block) {
  while (block.size < block.bytes->room() && !is_ended_) {
    const size_t got = read_(block.data() + block.size, block.bytes->room() - block.size);
    is_ended_ = got == 0;
    block.size += got;
    bytes_read_ += got;
  }
}

size_t RecordBlocks::end_of_records(std::string_view text, bool& is_open) const {
  size_t end = 0;  // of the records so far
  is_open = false;
  for (size_t from = 0;;) {
    const size_t quote = text.find('"', from);
    const std::string_view outside = text.substr(from, quote - from);
    if (const size_t line_end = outside.rfind('\n'); line_end != std::string_view::npos) end = from + line_end + 1;
    if (quote == std::string_view::npos) return end;
    from = quote + 1;
    const char before = quote == 0 ? '\n' : text[quote - 1];
    if (before != delimiter_ && before != '\n' && before != '\r') continue;  // it is text
    for (;; from += 2) {
      from = text.find('"', from);
      is_open = from == std::string_view::npos || (from + 1 == text.size() && !is_ended_);  // a second one may follow
      if (is_open) return end;
      if (from + 1 == text.size() || text[from + 1] != '"') break;
    }
    ++from;
  }
}

// How many bytes at the start of the file are no records.
size_t RecordBlocks::skip_head(std::string_view text) {
  size_t at = text.starts_with(kUtf8Mark) ? kUtf8Mark.size() : 0;
  while (skip_lines_ > 0 && at < text.size()) {
    at = std::min(text.find_first_of("\r\n", at), text.size());
    if (at == text.size()) break;
    at += text.substr(at).starts_with("\r\n") ? 2 : 1;
    --skip_lines_;
  }
  return at;
}

Result<bool> RecordBlocks::next(TextBlock& block) {
  const std::lock_guard lock(mutex_);
  make_room(block, std::max(kBlockBytes, rest_.size() + kRecordBytes));
  std::memcpy(block.data(), rest_.data(), rest_.size());
  block.size = rest_.size();
  fill(block);
  if (!std::exchange(is_begun_, true)) {
    const size_t head = skip_head(block.text());
    if (skip_lines_ > 0 && !is_ended_) return unfit("the lines before the first record are too long");
    block.size -= head;
    std::memmove(block.data(), block.data() + head, block.size);
  }
  bool is_open = false;
  size_t end = end_of_records(block.text(), is_open);
  if (is_ended_ && is_open) return unfit("a quote is never closed");
  if (is_ended_) end = block.size;
  if (block.size - end > kRecordBytes || (end == 0 && !is_ended_)) return unfit("a record is very long");
  rest_.assign(block.data() + end, block.size - end);
  block.size = end;
  std::memset(block.data() + end, 0, kBlockSlack);
  block.number = blocks_++;
  return end > 0;
}

}  // namespace osiris::worker::csv
