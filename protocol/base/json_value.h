// A JSON value and its writers. Reading is in json.h: it can fail, and an Error holds a value itself.
//
// Values are plain: copyable, comparable, no allocator to carry. Objects keep the order their keys were added in;
// dump_canonical sorts them. Integers keep all 64 bits, signed or unsigned.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace osiris {

class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;

  Json() = default;  // null
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  Json(int value) : value_(int64_t{value}) {}
  Json(int64_t value) : value_(value) {}
  Json(uint64_t value);  // kept as int64 where it fits
  Json(unsigned value) : value_(int64_t{value}) {}
  Json(long long value) : value_(int64_t{value}) {}
  Json(unsigned long long value) : Json(uint64_t{value}) {}
  Json(double value) : value_(value) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}

  // Json::object({{"a", 1}, {"b", "x"}}) and Json::array({1, 2}); without arguments, empty ones.
  static Json object(std::initializer_list<Member> members = {}) { return Json(Object(members)); }
  static Json array(std::initializer_list<Json> items = {}) { return Json(Array(items)); }

  bool is_null() const { return value_.index() == 0; }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_int() const { return std::holds_alternative<int64_t>(value_) || std::holds_alternative<uint64_t>(value_); }
  bool is_uint64() const { return std::holds_alternative<uint64_t>(value_); }  // above INT64_MAX
  bool is_double() const { return std::holds_alternative<double>(value_); }
  bool is_number() const { return is_int() || is_double(); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }
  // "null", "bool", "integer", "number", "string", "array", "object".
  std::string_view type_name() const;

  // Typed reads with a fallback for any other type (as_int: also for a value out of range; as_double takes integers).
  bool as_bool(bool fallback = false) const;
  int64_t as_int(int64_t fallback = 0) const;
  uint64_t as_uint(uint64_t fallback = 0) const;
  double as_double(double fallback = 0) const;
  // A reference into this value; empty string for other types.
  const std::string& as_string() const;
  std::string as_string_or(std::string_view fallback) const;
  // Empty ones for other types.
  const Array& items() const;
  const Object& members() const;
  // Turn the value into an array or object first if it is neither.
  Array& items();
  Object& members();

  // Object look-up: null for a missing key or a value that is no object. Never inserts.
  const Json& operator[](std::string_view key) const;
  const Json& operator[](const char* key) const { return (*this)[std::string_view(key)]; }
  const Json* find(std::string_view key) const;
  Json* find(std::string_view key);
  bool contains(std::string_view key) const { return find(key) != nullptr; }
  // Adds or replaces; returns the member's value.
  Json& set(std::string_view key, Json value);
  bool erase(std::string_view key);
  void push_back(Json value) { items().push_back(std::move(value)); }
  size_t size() const;

  // Objects are equal when they hold equal members, whatever their order; 1 and 1.0 differ.
  friend bool operator==(const Json& a, const Json& b);

  // Compact, in insertion order, UTF-8 unescaped. NaN and infinities are written as null.
  std::string dump() const;
  // indent spaces per level, like Python's json.dumps(indent=...).
  std::string dump_pretty(int indent = 2) const;
  // The canonical form fingerprints are made of: keys sorted by code point at every level, compact separators,
  // floats as Python prints them (1.0, 1e+20, 0.1). With ascii_only, everything above U+007E as \uXXXX.
  std::string dump_canonical(bool ascii_only = false) const;

 private:
  std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string, Array, Object> value_;
};

// What dump() says of a value, or of a text as one, behind what is there.
void append_json(std::string& out, const Json& value);
void append_json_text(std::string& out, std::string_view text);

// The shortest text that reads back as `value`, as Python's repr() writes it: "1.0", "0.1", "1e+20", "nan", "inf".
std::string format_double(double value);

}  // namespace osiris
