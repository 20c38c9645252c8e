#include "protocol/base/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "protocol/base/text.h"
#include "protocol/base/utf8.h"

namespace osiris {
namespace {

const Json kNull;
const std::string kEmptyString;
const Json::Array kEmptyArray;
const Json::Object kEmptyObject;

void append_escaped(std::string& out, std::string_view text, bool ascii_only) {
  auto append_u16 = [&out](unsigned unit) {
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += kHexDigits[(unit >> shift) & 15];
  };
  // A file name may hold any bytes; a document that held them would not be JSON.
  std::string clean;
  if (!is_valid_utf8(text)) text = clean = valid_utf8(text);
  out += '"';
  const auto is_plain = [ascii_only](unsigned char c) {
    return c >= 0x20 && c != '"' && c != '\\' && (!ascii_only || c < 0x7f);
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (is_plain(c)) {
      const size_t from = i;
      while (i + 1 < text.size() && is_plain(static_cast<unsigned char>(text[i + 1]))) ++i;
      out += text.substr(from, i + 1 - from);
      continue;
    }
    switch (c) {
      case '"':
        out += "\\\"";
        continue;
      case '\\':
        out += "\\\\";
        continue;
      case '\b':
        out += "\\b";
        continue;
      case '\f':
        out += "\\f";
        continue;
      case '\n':
        out += "\\n";
        continue;
      case '\r':
        out += "\\r";
        continue;
      case '\t':
        out += "\\t";
        continue;
      default:
        break;
    }
    if (c < 0x20 || c == 0x7f) {
      append_u16(c);  // DEL as Python's ensure_ascii does
    } else {
      const auto [point, size_bytes, is_valid] = first_utf8(text.substr(i));
      i += size_bytes - 1;
      if (point >= 0x10000) {
        append_u16(0xd800 + ((point - 0x10000) >> 10));
        append_u16(0xdc00 + ((point - 0x10000) & 0x3ff));
      } else {
        append_u16(point);
      }
    }
  }
  out += '"';
}

struct Style {
  bool sorted = false;
  bool ascii_only = false;
  int indent = -1;
};

void write(std::string& out, const Json& value, const Style& style, int level) {
  auto new_line = [&](int depth) {
    if (style.indent < 0) return;
    out += '\n';
    out.append(static_cast<size_t>(style.indent) * static_cast<size_t>(depth), ' ');
  };
  if (value.is_null()) {
    out += "null";
  } else if (value.is_bool()) {
    out += value.as_bool() ? "true" : "false";
  } else if (value.is_uint64()) {
    out += std::to_string(value.as_uint());
  } else if (value.is_int()) {
    out += std::to_string(value.as_int());
  } else if (value.is_double()) {
    const double number = value.as_double();
    out += std::isfinite(number) ? format_double(number) : "null";
  } else if (value.is_string()) {
    append_escaped(out, value.as_string(), style.ascii_only);
  } else if (value.is_array()) {
    out += '[';
    bool first = true;
    for (const Json& item : value.items()) {
      if (!first) out += ',';
      first = false;
      new_line(level + 1);
      write(out, item, style, level + 1);
    }
    if (!first) new_line(level);
    out += ']';
  } else {
    out += '{';
    bool first = true;
    const auto write_member = [&](const Json::Member& member) {
      if (!first) out += ',';
      first = false;
      new_line(level + 1);
      append_escaped(out, member.first, style.ascii_only);
      out += style.indent < 0 ? ":" : ": ";
      write(out, member.second, style, level + 1);
    };
    if (style.sorted) {
      std::vector<const Json::Member*> order;
      order.reserve(value.members().size());
      for (const auto& member : value.members()) order.push_back(&member);
      // UTF-8 sorts by bytes exactly as it sorts by code points.
      std::stable_sort(order.begin(), order.end(), [](auto* a, auto* b) { return a->first < b->first; });
      for (const auto* member : order) write_member(*member);
    } else {
      for (const auto& member : value.members()) write_member(member);
    }
    if (!first) new_line(level);
    out += '}';
  }
}

}  // namespace

Json::Json(uint64_t value) {
  if (value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    value_ = static_cast<int64_t>(value);
  else
    value_ = value;
}

std::string_view Json::type_name() const {
  static constexpr std::string_view kNames[] = {"null",   "bool",   "integer", "integer",
                                                "number", "string", "array",   "object"};
  return kNames[value_.index()];
}

bool Json::as_bool(bool fallback) const {
  const bool* value = std::get_if<bool>(&value_);
  return value ? *value : fallback;
}

int64_t Json::as_int(int64_t fallback) const {
  const int64_t* value = std::get_if<int64_t>(&value_);
  return value ? *value : fallback;
}

uint64_t Json::as_uint(uint64_t fallback) const {
  if (const uint64_t* value = std::get_if<uint64_t>(&value_)) return *value;
  const int64_t* value = std::get_if<int64_t>(&value_);
  return value && *value >= 0 ? static_cast<uint64_t>(*value) : fallback;
}

double Json::as_double(double fallback) const {
  if (const double* value = std::get_if<double>(&value_)) return *value;
  if (const int64_t* value = std::get_if<int64_t>(&value_)) return static_cast<double>(*value);
  if (const uint64_t* value = std::get_if<uint64_t>(&value_)) return static_cast<double>(*value);
  return fallback;
}

const std::string& Json::as_string() const {
  const std::string* value = std::get_if<std::string>(&value_);
  return value ? *value : kEmptyString;
}

std::string Json::as_string_or(std::string_view fallback) const {
  const std::string* value = std::get_if<std::string>(&value_);
  return value ? *value : std::string(fallback);
}

const Json::Array& Json::items() const {
  const Array* value = std::get_if<Array>(&value_);
  return value ? *value : kEmptyArray;
}

const Json::Object& Json::members() const {
  const Object* value = std::get_if<Object>(&value_);
  return value ? *value : kEmptyObject;
}

Json::Array& Json::items() {
  if (!is_array()) value_ = Array();
  return std::get<Array>(value_);
}

Json::Object& Json::members() {
  if (!is_object()) value_ = Object();
  return std::get<Object>(value_);
}

const Json& Json::operator[](std::string_view key) const {
  const Json* value = find(key);
  return value ? *value : kNull;
}

const Json* Json::find(std::string_view key) const {
  const Object* object = std::get_if<Object>(&value_);
  if (!object) return nullptr;
  // From the back: of repeated keys in a large object the last one wins.
  for (auto member = object->rbegin(); member != object->rend(); ++member)
    if (member->first == key) return &member->second;
  return nullptr;
}

Json* Json::find(std::string_view key) { return const_cast<Json*>(static_cast<const Json*>(this)->find(key)); }

Json& Json::set(std::string_view key, Json value) {
  if (Json* existing = find(key)) {
    *existing = std::move(value);
    return *existing;
  }
  members().emplace_back(std::string(key), std::move(value));
  return members().back().second;
}

bool Json::erase(std::string_view key) {
  Object* object = std::get_if<Object>(&value_);
  return object && std::erase_if(*object, [key](const Member& member) { return member.first == key; }) > 0;
}

size_t Json::size() const {
  if (is_array()) return items().size();
  if (is_object()) return members().size();
  return 0;
}

bool operator==(const Json& a, const Json& b) {
  if (!a.is_object() || !b.is_object()) return a.value_ == b.value_;
  if (a.size() != b.size()) return false;
  for (const auto& [key, value] : a.members()) {
    const Json* other = b.find(key);
    if (!other || !(*other == value)) return false;
  }
  return true;
}

std::string Json::dump() const {
  std::string out;
  write(out, *this, Style{}, 0);
  return out;
}

void append_json(std::string& out, const Json& value) { write(out, value, Style{}, 0); }
void append_json_text(std::string& out, std::string_view text) { append_escaped(out, text, false); }

std::string Json::dump_pretty(int indent) const {
  std::string out;
  Style style;
  style.indent = indent;
  write(out, *this, style, 0);
  return out;
}

std::string Json::dump_canonical(bool ascii_only) const {
  std::string out;
  Style style;
  style.sorted = true;
  style.ascii_only = ascii_only;
  write(out, *this, style, 0);
  return out;
}

std::string format_double(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[40];
  const double magnitude = std::fabs(value);
  // Python's repr: positional from 1e-4 up to, not including, 1e16; scientific outside, with a two-digit exponent.
  const bool scientific = magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e16);
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value,
                                 scientific ? std::chars_format::scientific : std::chars_format::fixed);
  std::string text(buffer, end.ptr);
  if (!scientific && text.find('.') == std::string::npos) text += ".0";
  return text;
}

}  // namespace osiris
