#include "worker/drivers/filesystem.csv_writer/encoder.h"

#include <cstdint>
#include <cstdio>

namespace osiris::worker::csv_out {
namespace {

struct Character {
  uint32_t point = 0;
  size_t length = 1;
};

// `utf8` comes out of DuckDB, which holds valid text only.
Character character_at(std::string_view utf8, size_t offset) {
  const auto byte = [&](size_t index) {
    return offset + index < utf8.size() ? static_cast<unsigned char>(utf8[offset + index]) : 0u;
  };
  const uint32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  if (first < 0xe0) return {(first & 0x1f) << 6 | (byte(1) & 0x3f), 2};
  if (first < 0xf0) return {(first & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f), 3};
  return {(first & 0x07) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 | (byte(3) & 0x3f), 4};
}

void append_unit(uint32_t unit, std::string& bytes) {
  bytes += static_cast<char>(unit & 0xff);
  bytes += static_cast<char>(unit >> 8);
}

}  // namespace

std::optional<Encoding> encoding_from_name(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  if (lower == "utf-8") return Encoding::kUtf8;
  if (lower == "utf-16") return Encoding::kUtf16;
  if (lower == "ascii") return Encoding::kAscii;
  if (lower == "latin-1" || lower == "iso-8859-1") return Encoding::kLatin1;
  return std::nullopt;
}

std::string_view byte_order_mark(Encoding encoding) { return encoding == Encoding::kUtf16 ? "\xff\xfe" : ""; }

size_t encode(Encoding encoding, std::string_view utf8, std::string& bytes) {
  if (encoding == Encoding::kUtf8) {
    bytes += utf8;
    return std::string_view::npos;
  }
  const uint32_t point_max = encoding == Encoding::kAscii ? 0x7f : encoding == Encoding::kLatin1 ? 0xff : 0x10ffff;
  for (size_t at = 0; at < utf8.size();) {
    const Character character = character_at(utf8, at);
    if (character.point > point_max) return at;
    if (encoding != Encoding::kUtf16) {
      bytes += static_cast<char>(character.point);
    } else if (character.point < 0x10000) {
      append_unit(character.point, bytes);
    } else {
      append_unit(0xd800 + ((character.point - 0x10000) >> 10), bytes);
      append_unit(0xdc00 + ((character.point - 0x10000) & 0x3ff), bytes);
    }
    at += character.length;
  }
  return std::string_view::npos;
}

std::string describe_character(std::string_view utf8, size_t offset) {
  const Character character = character_at(utf8, offset);
  char code[16];
  std::snprintf(code, sizeof code, "U+%04X", character.point);
  return "'" + std::string(utf8.substr(offset, character.length)) + "' (" + code + ")";
}

}  // namespace osiris::worker::csv_out
