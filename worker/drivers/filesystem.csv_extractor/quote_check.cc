#include "worker/drivers/filesystem.csv_extractor/quote_check.h"

#include <algorithm>
#include <memory>
#include <string>

#include "protocol/base/utf8.h"
#include "worker/drivers/files/byte_source.h"
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

void TextCheck::check_utf8(std::string_view piece) {
  if (!cut_.empty()) {
    const auto first = static_cast<unsigned char>(cut_.front());
    const size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : kUtf8BytesMax;
    const size_t missing = std::min(length - std::min(length, cut_.size()), piece.size());
    cut_ += piece.substr(0, missing);
    piece.remove_prefix(missing);
    if (cut_.size() < length) return;
    is_utf8_ = find_invalid_utf8(cut_) == std::string_view::npos;
    cut_.clear();
  }
  const size_t invalid = find_invalid_utf8(piece);
  if (invalid == std::string_view::npos) return;
  cut_ = piece.substr(invalid, kUtf8BytesMax);
  is_utf8_ &= cut_.size() < kUtf8BytesMax;
}

void TextCheck::push(std::string_view piece) {
  if (!is_plain()) return;
  check_utf8(piece);
  if (at_start_ && piece.starts_with(kUtf8Mark)) piece.remove_prefix(kUtf8Mark.size());
  at_start_ = false;
  for (size_t end; lines_left_ > 0 && !piece.empty(); piece.remove_prefix(end + 1)) {
    end = std::min(piece.find('\n'), piece.size() - 1);
    if (piece[end] == '\n') --lines_left_;
  }
  if (delimiter_ != ' ') quotes_.push(piece);  // otherwise DuckDB keeps blanks
}

Result<bool> text_is_plain(const Options& options, uint64_t first_line, const std::function<bool()>& stop) {
  OSIRIS_ASSIGN(const std::unique_ptr<ByteSource> bytes, open_bytes(options.file, options.compression));
  std::string buffer(kReadBytes, '\0');
  TextCheck check(options.delimiter, first_line);
  while (check.is_plain() && !stop()) {
    OSIRIS_ASSIGN(const size_t size, bytes->read(buffer.data(), buffer.size()));
    if (size == 0) return check.is_plain_to_the_end();
    check.push(std::string_view(buffer).substr(0, size));
  }
  return check.is_plain();
}

}  // namespace osiris::worker::csv
