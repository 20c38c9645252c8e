#include "host/compat/python_text.h"

#include <string_view>

namespace osiris {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

// repr() of a str: in single quotes, unless only double ones spare an escape. Every character beyond ASCII stays.
std::string quoted(const std::string& text) {
  const bool has_single = text.find('\'') != std::string::npos, has_double = text.find('"') != std::string::npos;
  const char quote = has_single && !has_double ? '"' : '\'';
  std::string out(1, quote);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == quote || c == '\\') {
      out += {'\\', c};
    } else if (c == '\n' || c == '\r' || c == '\t') {
      out += {'\\', c == '\n' ? 'n' : c == '\r' ? 'r' : 't'};
    } else if (byte < 0x20 || byte == 0x7f) {
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      out += c;
    }
  }
  return out + quote;
}

std::string repr(const Json& value) { return value.is_string() ? quoted(value.as_string()) : python_text(value); }

}  // namespace

std::string python_text(const Json& value) {
  if (value.is_string()) return value.as_string();
  if (value.is_null()) return "None";
  if (value.is_bool()) return value.as_bool() ? "True" : "False";
  std::string out;
  if (value.is_array()) {
    for (const Json& item : value.items()) out += (out.empty() ? "" : ", ") + repr(item);
    return "[" + out + "]";
  }
  if (value.is_object()) {
    for (const auto& [key, member] : value.members())
      out += (out.empty() ? "" : ", ") + quoted(key) + ": " + repr(member);
    return "{" + out + "}";
  }
  return value.dump_canonical();
}

}  // namespace osiris
