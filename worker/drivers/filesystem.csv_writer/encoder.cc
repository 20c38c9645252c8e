#include "worker/drivers/filesystem.csv_writer/encoder.h"

#include <cstdint>
#include <cstdio>

#include "protocol/base/utf8.h"
#include "worker/drivers/csv/cp1252.h"

namespace osiris::worker::csv_out {
namespace {

void append_unit(uint32_t unit, std::string& bytes) {
  bytes += static_cast<char>(unit & 0xff);
  bytes += static_cast<char>(unit >> 8);
}

}  // namespace

std::string_view byte_order_mark(Encoding encoding) { return encoding == Encoding::kUtf16 ? "\xff\xfe" : ""; }

size_t encode(Encoding encoding, std::string_view utf8, std::string& bytes) {
  if (encoding == Encoding::kUtf8) {
    bytes += utf8;
    return std::string_view::npos;
  }
  const char32_t point_max = encoding == Encoding::kAscii ? 0x7f : encoding == Encoding::kLatin1 ? 0xff : 0x10ffff;
  for (size_t at = 0; at < utf8.size();) {
    // `utf8` comes out of DuckDB, which holds valid text only.
    const Utf8Character character = first_utf8(utf8.substr(at));
    if (character.point > point_max) return at;
    if (encoding == Encoding::kCp1252) {
      const auto byte = csv_format::cp1252_byte(character.point);
      if (!byte) return at;
      bytes += static_cast<char>(*byte);
    } else if (encoding != Encoding::kUtf16) {
      bytes += static_cast<char>(character.point);
    } else if (character.point < 0x10000) {
      append_unit(static_cast<uint32_t>(character.point), bytes);
    } else {
      append_unit(0xd800 + ((character.point - 0x10000) >> 10), bytes);
      append_unit(0xdc00 + ((character.point - 0x10000) & 0x3ff), bytes);
    }
    at += character.size_bytes;
  }
  return std::string_view::npos;
}

std::string describe_character(std::string_view utf8, size_t offset) {
  const Utf8Character character = first_utf8(utf8.substr(offset));
  char code[16];
  std::snprintf(code, sizeof code, "U+%04X", static_cast<unsigned>(character.point));
  return "'" + std::string(utf8.substr(offset, character.size_bytes)) + "' (" + code + ")";
}

std::string hint_of_character(Encoding encoding, std::string_view utf8, size_t offset) {
  const bool in_cp1252 = csv_format::cp1252_byte(first_utf8(utf8.substr(offset)).point).has_value();
  return std::string("write the file with encoding: utf-8") +
         (encoding == Encoding::kLatin1 && in_cp1252 ? " or cp1252" : "") +
         ", or replace such characters in a SQL step";
}

}  // namespace osiris::worker::csv_out
