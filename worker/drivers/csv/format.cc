#include "worker/drivers/csv/format.h"

#include <string>

#include "protocol/base/text.h"

namespace osiris::worker::csv_format {

Result<Encoding> named_encoding(const std::string& name) {
  const std::string lower = ascii_lower(name);
  if (lower == "utf-8") return Encoding::kUtf8;
  if (lower == "utf-16") return Encoding::kUtf16;
  if (lower == "ascii") return Encoding::kAscii;
  if (lower == "latin-1" || lower == "iso-8859-1") return Encoding::kLatin1;
  if (lower == "cp1252" || lower == "windows-1252") return Encoding::kCp1252;
  return Error(
      Code::kInvalidArgument,
      "'encoding' must be utf-8, utf-16, ascii, latin-1, iso-8859-1, cp1252 or windows-1252, not '" + name + "'");
}

Result<char> single_character(const Json& value, std::string_view key, bool may_quote) {
  const std::string& text = value.as_string();
  const bool usable = text.size() == 1 && static_cast<unsigned char>(text[0]) < 0x80 &&
                      std::string_view("\n\r\0", 3).find(text[0]) == std::string_view::npos &&
                      (may_quote || text[0] != '"');
  if (usable) return text[0];
  return Error(Code::kInvalidArgument, "'" + std::string(key) + "' must be one ASCII character other than " +
                                           (may_quote ? "" : "a quote or ") + "a line end, not " + value.dump());
}

Status check_distinct(std::initializer_list<NamedCharacter> characters) {
  for (const NamedCharacter* a = characters.begin(); a != characters.end(); ++a) {
    for (const NamedCharacter* b = a + 1; b != characters.end(); ++b) {
      if (a->character != '\0' && a->character == b->character)
        return Error(Code::kInvalidArgument,
                     "'" + std::string(a->key) + "' and '" + std::string(b->key) + "' are the same character");
    }
  }
  return {};
}

}  // namespace osiris::worker::csv_format
