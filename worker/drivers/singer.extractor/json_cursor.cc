#include "worker/drivers/singer.extractor/json_cursor.h"

#include <algorithm>
#include <charconv>

#include "protocol/base/utf8.h"

namespace osiris::worker::singer {
namespace {

constexpr int kDepthMax = 200;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Four hex digits at `at`.
bool unit_at(std::string_view text, size_t at, unsigned& unit) {
  if (at + 4 > text.size()) return false;
  const char* end = text.data() + at + 4;
  const auto [stop, error] = std::from_chars(text.data() + at, end, unit, 16);
  return error == std::errc() && stop == end;
}

}  // namespace

void JsonCursor::skip_blanks() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r' || text_[at_] == '\n'))
    ++at_;
}

bool JsonCursor::take(char c) {
  skip_blanks();
  if (at_ >= text_.size() || text_[at_] != c) return false;
  ++at_;
  return true;
}

bool JsonCursor::at_end() {
  skip_blanks();
  return at_ == text_.size();
}

bool JsonCursor::string(bool& is_plain) {
  for (++at_; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c == '"') {
      ++at_;
      return true;
    }
    if (static_cast<unsigned char>(c) < 0x20) return false;
    if (c != '\\') continue;
    is_plain = false;
    ++at_;
  }
  return false;
}

bool JsonCursor::number() {
  const auto digits = [this] {
    const size_t begin = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return at_ - begin;
  };
  if (text_[at_] == '-') ++at_;
  const size_t first = at_;
  const size_t whole = digits();
  if (whole == 0 || (whole > 1 && text_[first] == '0')) return false;
  if (at_ < text_.size() && text_[at_] == '.') {
    ++at_;
    if (digits() == 0) return false;
  }
  if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
    ++at_;
    if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
    if (digits() == 0) return false;
  }
  return true;
}

bool JsonCursor::word(std::string_view word) {
  if (!text_.substr(at_).starts_with(word)) return false;
  at_ += word.size();
  return true;
}

bool JsonCursor::nested(char close, int depth) {
  ++at_;
  if (take(close)) return true;
  for (;;) {
    Token member;
    if (close == '}') {
      skip_blanks();
      bool is_plain = true;
      if (at_ >= text_.size() || text_[at_] != '"' || !string(is_plain) || !take(':')) return false;
    }
    if (!any(member, depth + 1)) return false;
    if (take(close)) return true;
    if (!take(',')) return false;
  }
}

bool JsonCursor::any(Token& token, int depth) {
  skip_blanks();
  if (at_ >= text_.size() || depth > kDepthMax) return false;
  const size_t begin = at_;
  bool is_whole = false;
  token.is_plain = true;
  switch (text_[at_]) {
    case '"':
      token.kind = TokenKind::kString;
      is_whole = string(token.is_plain);
      break;
    case '{':
      token.kind = TokenKind::kObject;
      is_whole = nested('}', depth);
      break;
    case '[':
      token.kind = TokenKind::kArray;
      is_whole = nested(']', depth);
      break;
    case 't':
      token.kind = TokenKind::kTrue;
      is_whole = word("true");
      break;
    case 'f':
      token.kind = TokenKind::kFalse;
      is_whole = word("false");
      break;
    case 'n':
      token.kind = TokenKind::kNull;
      is_whole = word("null");
      break;
    default:
      token.kind = TokenKind::kNumber;
      is_whole = number();
  }
  token.raw = text_.substr(begin, at_ - begin);
  return is_whole;
}

bool JsonCursor::value(Token& token) { return any(token, 0); }

bool text_of(const Token& token, std::string& buffer, std::string_view& text) {
  const std::string_view inside = token.raw.substr(1, token.raw.size() - 2);
  text = inside;
  if (!token.is_plain) {
    static constexpr std::string_view kEscapes = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
    buffer.clear();
    for (size_t at = 0; at < inside.size(); ++at) {
      if (inside[at] != '\\') {
        buffer += inside[at];
        continue;
      }
      const char kind = inside[++at];
      if (const size_t found = kEscapes.find(kind); found != std::string_view::npos) {
        buffer += kMeanings[found];
        continue;
      }
      unsigned unit = 0, low = 0;
      if (kind != 'u' || !unit_at(inside, at + 1, unit)) return false;
      at += 4;
      if (unit >= 0xdc00 && unit <= 0xdfff) return false;
      if (unit >= 0xd800 && unit <= 0xdbff) {
        if (inside.substr(at + 1, 2) != "\\u" || !unit_at(inside, at + 3, low) || low < 0xdc00 || low > 0xdfff)
          return false;
        at += 6;
        unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
      }
      append_utf8(buffer, unit);
    }
    text = buffer;
  }
  const bool is_ascii = std::none_of(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) < 0; });
  return is_ascii || is_valid_utf8(text);
}

}  // namespace osiris::worker::singer
