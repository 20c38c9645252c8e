#include "worker/drivers/db/json_form.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "protocol/base/sha256.h"
#include "protocol/base/utf8.h"

namespace osiris::worker::db {
namespace {

constexpr size_t kHeldBytes = 128;         // beyond, a list or an object is its hash
constexpr size_t kExponentDigitsMax = 15;  // no server keeps a number of more

bool is_digit(char c) { return c >= '0' && c <= '9'; }

void put_sized(std::string& form, std::string_view part) {
  form += std::to_string(part.size()) + ":";
  form += part;
}

// "#-125e-2" of -1.25; "#0" of every zero. nullopt for an exponent that is no number of 64 bits.
std::optional<std::string> number_form(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  int64_t exponent = 0;
  if (const size_t e = text.find_first_of("eE"); e != std::string_view::npos) {
    std::string_view power = text.substr(e + 1);
    if (power.starts_with('+')) power.remove_prefix(1);
    if (power.size() > kExponentDigitsMax) return std::nullopt;
    std::from_chars(power.data(), power.data() + power.size(), exponent);
    text = text.substr(0, e);
  }
  std::string digits;
  const size_t point = text.find('.');
  if (point != std::string_view::npos) exponent -= static_cast<int64_t>(text.size() - point - 1);
  for (const char c : text)
    if (c != '.' && (c != '0' || !digits.empty())) digits += c;
  while (digits.ends_with('0')) digits.pop_back(), ++exponent;
  if (digits.empty()) return "#0";
  return (is_negative ? "#-" : "#") + digits + "e" + std::to_string(exponent);
}

class JsonForm {
 public:
  explicit JsonForm(std::string_view text) : text_(text) {}

  std::optional<std::string> read() {
    for (;;) {
      std::string value;
      skip_blanks();
      if (at() == '{' || at() == '[') {
        open_.push_back({.is_object = at() == '{'});
        ++at_;
        skip_blanks();
        if (at() != end_of(open_.back())) {
          if (open_.back().is_object && !key()) return std::nullopt;
          continue;
        }
        ++at_;
        value = close();
      } else if (!scalar(value)) {
        return std::nullopt;
      }
      if (!up(value)) return std::nullopt;
      if (is_done_) return value;
    }
  }

 private:
  struct Open {
    bool is_object = false;
    std::string key = {};                             // of the member under way
    std::map<std::string, std::string> members = {};  // of an object
    std::string items = {};                           // of a list
  };

  static char end_of(const Open& open) { return open.is_object ? '}' : ']'; }
  char at() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_blanks() {
    while (at() == ' ' || at() == '\t' || at() == '\r' || at() == '\n') ++at_;
  }

  // A value is whole: it goes to what it is in, and so does what that closes with, until another value is due.
  bool up(std::string& value) {
    for (;;) {
      skip_blanks();
      if (open_.empty()) {
        is_done_ = true;
        return at_ == text_.size();
      }
      Open& in = open_.back();
      if (in.is_object)
        in.members.insert_or_assign(std::move(in.key), std::move(value));
      else
        put_sized(in.items, value);
      const char c = at();
      ++at_;
      if (c == ',') return !in.is_object || key();
      if (c != end_of(in)) return false;
      value = close();
    }
  }

  std::string close() {
    std::string form = open_.back().is_object ? "{" : "[" + open_.back().items;
    for (const auto& [key, value] : open_.back().members) {
      put_sized(form, key);
      put_sized(form, value);
    }
    open_.pop_back();
    return form.size() <= kHeldBytes ? form : "h" + sha256_hex(form);
  }

  bool key() {
    skip_blanks();
    open_.back().key.clear();
    if (at() != '"' || !string(open_.back().key)) return false;
    skip_blanks();
    return at() == ':' ? (++at_, true) : false;
  }

  bool scalar(std::string& form) {
    for (const std::string_view word : {"null", "true", "false"})
      if (text_.substr(at_).starts_with(word)) {
        form = word;
        at_ += word.size();
        return true;
      }
    if (at() == '"') {
      form = "\"";
      return string(form);
    }
    const size_t begin = at_;
    if (!number()) return false;
    auto number = number_form(text_.substr(begin, at_ - begin));
    if (number) form = std::move(*number);
    return number.has_value();
  }

  bool digits() {
    const size_t begin = at_;
    while (is_digit(at())) ++at_;
    return at_ > begin;
  }
  bool number() {
    if (at() == '-') ++at_;
    if (!digits()) return false;
    if (at() == '.' && (++at_, !digits())) return false;
    if (at() != 'e' && at() != 'E') return true;
    ++at_;
    if (at() == '+' || at() == '-') ++at_;
    return digits();
  }

  // Appends the characters that a string in quotes stands for.
  bool string(std::string& characters) {
    for (++at_; at_ < text_.size();) {
      const size_t begin = at_;
      while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\') ++at_;
      characters += text_.substr(begin, at_ - begin);
      if (at() == '"') return ++at_, true;
      if (at_ < text_.size() && !escape(characters)) return false;
    }
    return false;
  }
  bool escape(std::string& characters) {
    constexpr std::string_view kNames = "\"\\/bfnrt", kMeant = "\"\\/\b\f\n\r\t";
    ++at_;
    const char name = at();
    ++at_;
    if (name == '\0') return false;
    if (const size_t known = kNames.find(name); known != std::string_view::npos) {
      characters += kMeant[known];
      return true;
    }
    char32_t point = 0, low = 0;
    if (name != 'u' || !unit(point) || (point >= 0xdc00 && point <= 0xdfff)) return false;
    if (point >= 0xd800 && point <= 0xdbff) {
      if (text_.substr(std::min(at_, text_.size()), 2) != "\\u") return false;
      at_ += 2;
      if (!unit(low) || low < 0xdc00 || low > 0xdfff) return false;
      point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    }
    append_utf8(characters, point);
    return true;
  }
  bool unit(char32_t& point) {
    if (at_ + 4 > text_.size()) return false;
    unsigned number = 0;
    const char *begin = text_.data() + at_, *end = begin + 4;
    const auto [stop, error] = std::from_chars(begin, end, number, 16);
    at_ += 4;
    point = number;
    return error == std::errc() && stop == end;
  }

  const std::string_view text_;
  size_t at_ = 0;
  bool is_done_ = false;
  std::vector<Open> open_;
};

}  // namespace

std::string canonical_json(std::string_view text) {
  auto form = JsonForm(text).read();
  return form ? std::move(*form) : std::string(text);
}

}  // namespace osiris::worker::db
