// UTF-8 to the encoding of the file. Own code because a static glibc has no iconv tables. No I/O.
#pragma once

#include <string>
#include <string_view>

#include "worker/drivers/csv/format.h"

namespace osiris::worker::csv_out {

using csv_format::Encoding;

// What the file begins with: the byte order mark of utf-16 (little-endian), nothing for the others.
std::string_view byte_order_mark(Encoding encoding);

// Appends `utf8` (which must be valid) in `encoding`. Returns the offset of the first character the encoding does not
// have, npos when all were written.
size_t encode(Encoding encoding, std::string_view utf8, std::string& bytes);

// The character at `offset`, as "'ě' (U+011B)".
std::string describe_character(std::string_view utf8, size_t offset);
// How that character could be written all the same.
std::string hint_of_character(Encoding encoding, std::string_view utf8, size_t offset);

}  // namespace osiris::worker::csv_out
