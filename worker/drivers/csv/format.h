// What reading and writing CSV have in common: the names of encodings, and what a key of one character may hold.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris::worker::csv_format {

enum class Encoding { kUtf8, kUtf16, kAscii, kLatin1, kCp1252 };

// "utf-8", "utf-16", "ascii", "latin-1", "iso-8859-1", "cp1252", "windows-1252"; any case. The value of the key
// `encoding`: kInvalidArgument for others.
Result<Encoding> named_encoding(const std::string& name);

// The value of `key`: one ASCII character that is no line end, and a quote only where `may_quote` says so.
Result<char> single_character(const Json& value, std::string_view key, bool may_quote = false);

struct NamedCharacter {
  std::string_view key;
  char character = '\0';  // none
};
// kInvalidArgument when two keys that must tell things apart hold the same character.
Status check_distinct(std::initializer_list<NamedCharacter> characters);

}  // namespace osiris::worker::csv_format
