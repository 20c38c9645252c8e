#include "worker/drivers/filesystem.csv_extractor/quote_check.h"

#include <algorithm>
#include <memory>
#include <string>

#include "protocol/base/utf8.h"
#include "worker/drivers/filesystem.csv_extractor/byte_source.h"
#include "worker/drivers/filesystem.csv_extractor/encoding.h"

namespace osiris::worker::csv {
namespace {

constexpr size_t kReadBytes = size_t{1} << 18;
constexpr size_t kUtf8BytesMax = 4;  // of a character

}  // namespace

// Outside quotes. One within a field is text to both readers.
void QuoteCheck::meet_quote(std::string_view before) {
  const size_t last = before.find_last_not_of(' ');
  const char c = last == std::string_view::npos ? last_ : before[last];
  const size_t blanks = last == std::string_view::npos ? blanks_ + before.size() : before.size() - last - 1;
  if (c != delimiter_ && c != '\n' && c != '\r') return;
  if (blanks > 0) plain_ = false;
  state_ = State::kInside;
}

void QuoteCheck::push(std::string_view text) {
  size_t at = 0;
  while (at < text.size() && plain_) {
    if (state_ == State::kQuoteInside) {
      if (text[at] == '"') {
        state_ = State::kInside;
        ++at;
      } else {
        state_ = State::kOutside;
        plain_ = text[at] != ' ';
      }
      continue;
    }
    const size_t quote = text.find('"', at);
    if (quote == std::string_view::npos) break;
    if (state_ == State::kInside) {
      state_ = State::kQuoteInside;
    } else {
      meet_quote(text.substr(0, quote));
    }
    at = quote + 1;
  }
  const size_t last = text.find_last_not_of(' ');
  if (last == std::string_view::npos) {
    blanks_ += text.size();
  } else {
    last_ = text[last];
    blanks_ = text.size() - last - 1;
  }
}

Result<bool> text_is_plain(const Options& options, uint64_t first_line, const std::function<bool()>& stop) {
  OSIRIS_ASSIGN(const std::unique_ptr<ByteSource> bytes, open_bytes(options.file, options.compression));
  std::string buffer(kReadBytes + kUtf8BytesMax, '\0');
  size_t kept = 0;  // bytes at the start of the buffer: the first of a character that goes on
  QuoteCheck check(options.delimiter);
  const bool has_blanks = options.delimiter != ' ';  // otherwise DuckDB keeps them
  bool at_start = true;
  while (check.is_plain() && !stop()) {
    OSIRIS_ASSIGN(const size_t size, bytes->read(buffer.data() + kept, kReadBytes));
    if (size == 0) return kept == 0;
    const std::string_view all(buffer.data(), kept + size);
    std::string_view text = all.substr(kept);
    const size_t invalid = find_invalid_utf8(all);
    kept = invalid == std::string_view::npos ? 0 : all.size() - invalid;
    if (kept >= kUtf8BytesMax) return false;
    if (at_start && text.starts_with(kUtf8Mark)) text.remove_prefix(kUtf8Mark.size());
    at_start = false;
    for (size_t end; first_line > 0 && !text.empty(); text.remove_prefix(end + 1)) {
      end = std::min(text.find('\n'), text.size() - 1);
      if (text[end] == '\n') --first_line;
    }
    if (has_blanks) check.push(text);
    std::copy_n(all.end() - static_cast<std::ptrdiff_t>(kept), kept, buffer.begin());
  }
  return check.is_plain();
}

}  // namespace osiris::worker::csv
