// Between the ABI's strings and ours.
#pragma once

#include <osiris/adapter.h>

#include <string>
#include <string_view>

namespace osiris {

// Borrowed, as the ABI lends it. An absent string is empty.
inline std::string_view abi_view(osiris_str text) {
  return text.data ? std::string_view(text.data, text.len) : std::string_view();
}

inline osiris_str abi_str(std::string_view text) { return {text.data(), text.size()}; }
// {NULL, 0} when empty: the ABI's "absent".
inline osiris_str abi_str_or_absent(std::string_view text) {
  return text.empty() ? osiris_str{nullptr, 0} : abi_str(text);
}

// "1.0" for OSIRIS_ABI(1, 0).
inline std::string abi_version_text(uint32_t abi) {
  return std::to_string(abi >> 16) + "." + std::to_string(abi & 0xffffu);
}

// A copy in which every byte that is not UTF-8 became U+FFFD, so that it can stand in JSON.
std::string abi_copy(osiris_str text);

}  // namespace osiris
