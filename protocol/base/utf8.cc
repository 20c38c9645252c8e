#include "protocol/base/utf8.h"

#include <algorithm>

namespace osiris {
namespace {

constexpr Utf8Character kNone = {kReplacementCharacter, 1, false};

}  // namespace

Utf8Character first_utf8(std::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {byte(0), 1, true};
  const size_t extra = byte(0) >= 0xf0 ? 3 : byte(0) >= 0xe0 ? 2 : 1;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || extra >= text.size()) return kNone;
  char32_t point = byte(0) & (0x3fu >> extra);
  for (size_t i = 1; i <= extra; ++i) {
    if (!continues_utf8(text[i])) return kNone;
    point = point << 6 | (byte(i) & 0x3fu);
  }
  // Not the shortest form, beyond Unicode, or half of a UTF-16 pair.
  const char32_t least = extra == 3 ? 0x10000 : extra == 2 ? 0x800 : 0x80;
  if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return kNone;
  return {point, extra + 1, true};
}

void append_utf8(std::string& out, char32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
    return;
  }
  const int extra = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  static constexpr unsigned kLead[] = {0, 0xc0, 0xe0, 0xf0};
  out += static_cast<char>(kLead[extra] | (point >> (6 * extra)));
  for (int i = extra - 1; i >= 0; --i) out += static_cast<char>(0x80 | ((point >> (6 * i)) & 0x3f));
}

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    if (static_cast<unsigned char>(text.front()) < 0x80) {
      text.remove_prefix(1);
      continue;
    }
    const Utf8Character character = first_utf8(text);
    if (!character.is_valid) return false;
    text.remove_prefix(character.size_bytes);
  }
  return true;
}

std::string printable_line(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const Utf8Character character = first_utf8(bytes);
    const bool is_control = (static_cast<unsigned char>(bytes[0]) < 0x20 && bytes[0] != '\t') || bytes[0] == 0x7f;
    if (!character.is_valid || is_control)
      out += '?';
    else
      out += bytes.substr(0, character.size_bytes);
    bytes.remove_prefix(character.size_bytes);
  }
  return out;
}

std::string valid_utf8(std::string_view bytes) {
  if (is_valid_utf8(bytes)) return std::string(bytes);
  std::string clean;
  while (!bytes.empty()) {
    const Utf8Character character = first_utf8(bytes);
    if (character.is_valid)
      clean += bytes.substr(0, character.size_bytes);
    else
      append_utf8(clean, kReplacementCharacter);
    bytes.remove_prefix(character.size_bytes);
  }
  return clean;
}

size_t count_utf8(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char byte) { return !continues_utf8(byte); }));
}

std::string_view without_utf8_mark(std::string_view text) {
  if (text.starts_with(kUtf8Mark)) text.remove_prefix(kUtf8Mark.size());
  return text;
}

}  // namespace osiris
