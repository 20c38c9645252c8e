// Windows-1252: Latin-1 but for the bytes 0x80 to 0x9f, where Windows has the euro sign, quotes and dashes.
#pragma once

#include <optional>

namespace osiris::worker::csv_format {

// nullopt for the five bytes that mean nothing: 0x81, 0x8d, 0x8f, 0x90, 0x9d.
std::optional<char32_t> cp1252_point(unsigned char byte);
std::optional<unsigned char> cp1252_byte(char32_t point);

}  // namespace osiris::worker::csv_format
