#include "worker/drivers/filesystem.csv_extractor/encoding.h"

#include <algorithm>
#include <cstring>

#include "protocol/base/text.h"
#include "protocol/base/utf8.h"
#include "worker/drivers/csv/cp1252.h"

namespace osiris::worker::csv {
namespace {

unsigned char byte_at(std::string_view bytes, size_t index) { return static_cast<unsigned char>(bytes[index]); }

// Length of the valid character at `index`; 0 when invalid, -1 when cut off by the end (valid so far).
int character_length(std::string_view bytes, size_t index) {
  const unsigned char first = byte_at(bytes, index);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const int length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  for (int i = 1; i < length; ++i) {
    if (index + static_cast<size_t>(i) == bytes.size()) return -1;
    const unsigned char next = byte_at(bytes, index + static_cast<size_t>(i));
    unsigned char low = 0x80, high = 0xbf;
    if (i == 1) {  // overlong forms, surrogates, beyond U+10FFFF
      if (first == 0xe0) low = 0xa0;
      if (first == 0xed) high = 0x9f;
      if (first == 0xf0) low = 0x90;
      if (first == 0xf4) high = 0x8f;
    }
    if (next < low || next > high) return 0;
  }
  return length;
}

// The offset where valid, complete text ends; `cut` tells whether the rest may be the start of a character.
size_t valid_prefix(std::string_view bytes, bool& cut) {
  size_t at = 0;
  cut = false;
  while (at < bytes.size()) {
    uint64_t eight;
    while (at + sizeof eight <= bytes.size()) {
      std::memcpy(&eight, bytes.data() + at, sizeof eight);
      if (eight & 0x8080808080808080ull) break;
      at += sizeof eight;
    }
    if (at == bytes.size()) break;
    const int length = character_length(bytes, at);
    if (length <= 0) {
      cut = length < 0;
      return at;
    }
    at += static_cast<size_t>(length);
  }
  return at;
}

}  // namespace

size_t find_invalid_utf8(std::string_view bytes) {
  bool cut = false;
  const size_t end = valid_prefix(bytes, cut);
  return end == bytes.size() ? std::string_view::npos : end;
}

void Decoder::count(std::string_view text) {
  line_ += static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

namespace {

// What Windows means by a byte: "'€'". Empty for none.
std::string in_cp1252(unsigned char byte) {
  const auto point = csv_format::cp1252_point(byte);
  if (!point || byte < 0x80) return {};
  std::string text = "'";
  append_utf8(text, *point);
  return text + "'";
}

std::string hint_for(Encoding tried, unsigned char byte) {
  constexpr std::string_view kAll =
      "set `encoding` to what the file really is: utf-8, utf-16, ascii, cp1252 or latin-1";
  const std::string meant = tried == Encoding::kUtf8 || tried == Encoding::kAscii ? in_cp1252(byte) : std::string();
  if (meant.empty()) return std::string(kAll);
  return std::string(kAll) + "; in cp1252, which Windows programs write, this byte is " + meant;
}

}  // namespace

Error Decoder::invalid(uint64_t offset, unsigned char byte, std::string_view why, std::string_view text_before) const {
  const uint64_t line = line_ + static_cast<uint64_t>(std::count(text_before.begin(), text_before.end(), '\n'));
  const std::string hex = "0x" + to_hex(std::string(1, static_cast<char>(byte)));
  return Error(Code::kInvalidArgument,
               "CSV encoding error (tried " + name_ + "): byte " + hex + " at offset " + std::to_string(offset) +
                   ", line " + std::to_string(line) + ": " + std::string(why),
               hint_for(encoding_, byte));
}

// Latin-1 has control characters where Windows has the euro sign, quotes and dashes.
void Decoder::doubt_latin1(std::string_view bytes) {
  const auto windows = [](char c) {
    return static_cast<unsigned char>(c) >= 0x80 && static_cast<unsigned char>(c) <= 0x9f;
  };
  const auto at = std::find_if(bytes.begin(), bytes.end(), windows);
  if (at == bytes.end()) return;
  const std::string meant = in_cp1252(static_cast<unsigned char>(*at));
  if (meant.empty()) return;
  doubt_ = "line " + std::to_string(line_ + static_cast<uint64_t>(std::count(bytes.begin(), at, '\n'))) + ": byte 0x" +
           to_hex(std::string(1, *at)) + " is a control character in " + name_ + " and " + meant +
           " in cp1252: if the file comes from Windows, set encoding: cp1252";
}

Status Decoder::decode(std::string_view bytes, std::string& utf8) {
  const size_t before = utf8.size();
  switch (encoding_) {
    case Encoding::kUtf8:
      return decode_utf8(bytes, utf8);
    case Encoding::kUtf16:
      return decode_utf16(bytes, utf8);
    case Encoding::kAscii:
      for (size_t i = 0; i < bytes.size(); ++i)
        if (byte_at(bytes, i) >= 0x80)
          return invalid(offset_ + i, byte_at(bytes, i), "not in the range of ascii", bytes.substr(0, i));
      utf8.append(bytes);
      break;
    case Encoding::kLatin1:
      if (doubt_.empty()) doubt_latin1(bytes);
      for (const char c : bytes) append_utf8(utf8, static_cast<unsigned char>(c));
      break;
    case Encoding::kCp1252:
      for (size_t i = 0; i < bytes.size(); ++i) {
        const auto point = csv_format::cp1252_point(byte_at(bytes, i));
        if (!point) return invalid(offset_ + i, byte_at(bytes, i), "not a character of " + name_, bytes.substr(0, i));
        append_utf8(utf8, *point);
      }
      break;
  }
  offset_ += bytes.size();
  count(std::string_view(utf8).substr(before));
  return {};
}

Status Decoder::decode_utf8(std::string_view bytes, std::string& utf8) {
  std::string joined;
  if (!held_.empty()) {
    joined = held_ + std::string(bytes);
    offset_ -= held_.size();
    held_.clear();
    bytes = joined;
  }
  if (!started_) {
    if (bytes.size() < kUtf8Mark.size() && kUtf8Mark.starts_with(bytes)) {
      held_ = bytes;
      offset_ += bytes.size();
      return {};
    }
    started_ = true;
    if (bytes.starts_with(kUtf8Mark)) {
      bytes.remove_prefix(kUtf8Mark.size());
      offset_ += kUtf8Mark.size();
    }
  }
  bool cut = false;
  const size_t end = valid_prefix(bytes, cut);
  if (end != bytes.size()) {
    if (!cut) return invalid(offset_ + end, byte_at(bytes, end), "not a character of utf-8", bytes.substr(0, end));
    held_ = bytes.substr(end);
  }
  utf8.append(bytes.substr(0, end));
  count(bytes.substr(0, end));
  offset_ += bytes.size();
  return {};
}

Status Decoder::decode_utf16(std::string_view bytes, std::string& utf8) {
  const size_t before = utf8.size();
  const std::string joined = held_ + std::string(bytes);
  const uint64_t start = offset_ - held_.size();
  offset_ += bytes.size();
  held_.clear();
  size_t at = 0;
  const auto unit = [&](size_t index) {
    const uint32_t first = byte_at(joined, index), second = byte_at(joined, index + 1);
    return big_endian_ ? first << 8 | second : second << 8 | first;
  };
  if (!started_ && joined.size() >= 2) {
    started_ = true;
    big_endian_ = unit(0) == 0xfffe;
    if (unit(0) == 0xfeff) at = 2;
    if (at == 0) big_endian_ = false;
  }
  for (; started_ && at + 2 <= joined.size(); at += 2) {
    const uint32_t high = unit(at);
    if (high < 0xd800 || high > 0xdfff) {
      append_utf8(utf8, high);
      continue;
    }
    if (high <= 0xdbff && at + 4 > joined.size()) break;
    const uint32_t low = high <= 0xdbff ? unit(at + 2) : 0;
    if (low < 0xdc00 || low > 0xdfff)
      return invalid(start + at, byte_at(joined, at), "half of a surrogate pair",
                     std::string_view(utf8).substr(before));
    append_utf8(utf8, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
    at += 2;
  }
  held_ = joined.substr(at);
  count(std::string_view(utf8).substr(before));
  return {};
}

Status Decoder::finish() {
  if (held_.empty()) return {};
  return invalid(offset_ - held_.size(), byte_at(held_, 0), "the file ends inside a character", {});
}

}  // namespace osiris::worker::csv
