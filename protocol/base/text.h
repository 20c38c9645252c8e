// Small text helpers that host, plugins and worker share.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace osiris {

std::string_view trim(std::string_view text);    // spaces, tabs, line ends
std::string ascii_lower(std::string_view text);  // A to Z only; every other byte stays
std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
inline constexpr std::string_view kHexDigits = "0123456789abcdef";
std::string to_hex(std::string_view bytes);
bool is_hex(std::string_view text);                               // lower case; not empty
std::string base64(std::string_view bytes);                       // RFC 4648, padded
std::optional<std::string> base64_decode(std::string_view text);  // nullopt: not base64
std::string percent_encode(std::string_view bytes);               // RFC 3986 unreserved characters stay

// The candidate a typo most likely meant: the smallest Damerau-Levenshtein distance, at most a third of the length
// (and at least 2 allowed); ties go to the earlier candidate. nullopt when nothing is near.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace osiris
