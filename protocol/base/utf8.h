// UTF-8, read and written a character at a time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace osiris {

inline constexpr std::string_view kUtf8Mark = "\xef\xbb\xbf";  // the byte order mark some editors put before a text
inline constexpr char32_t kReplacementCharacter = 0xfffd;

bool is_valid_utf8(std::string_view text);
// Each byte that is none becomes U+FFFD.
std::string valid_utf8(std::string_view bytes);

// For logs and messages: tabs kept, line ends and other control characters and bytes that are no UTF-8 become '?'.
std::string printable_line(std::string_view bytes);

struct Utf8Character {
  char32_t point = 0;
  size_t size_bytes = 0;  // 1 to 4
  bool is_valid = true;
};
// The character at the front of `text`, which is not empty. What is none is one byte, U+FFFD and not valid.
Utf8Character first_utf8(std::string_view text);
void append_utf8(std::string& out, char32_t point);

// Whether a byte goes on with a character that an earlier one began.
constexpr bool continues_utf8(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }
// Characters of a valid text.
size_t count_utf8(std::string_view text);
std::string_view without_utf8_mark(std::string_view text);

}  // namespace osiris
