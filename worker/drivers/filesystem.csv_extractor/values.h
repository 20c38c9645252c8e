// What a CSV field means: null, boolean, integer, number or text, by the rules of pandas.read_csv.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace osiris::worker::csv {

enum class Kind {
  kUnknown,  // no value seen, only nulls
  kBoolean,
  kInteger,   // fits int64
  kUnsigned,  // no negative one, fits uint64
  kDouble,
  kText,
};

// How the file writes numbers.
struct NumberFormat {
  char decimal = '.';
  char thousands = '\0';  // none

  // The number as the functions below want it: a point, no separators. Groups are of three digits, so that "1,5" is not
  // 15. nullopt when the field is no number of this format; `buffer` holds what had to be rewritten.
  std::optional<std::string_view> plain(std::string_view field, std::string& buffer) const {
    return decimal == '.' && thousands == '\0' ? std::optional(field) : rewritten(field, buffer);
  }

 private:
  std::optional<std::string_view> rewritten(std::string_view field, std::string& buffer) const;
};

// White space around a number is allowed; a sign is; digit separators are not.
std::optional<int64_t> parse_integer(std::string_view field);
std::optional<uint64_t> parse_unsigned(std::string_view field);
// Also "inf", "-Infinity", without white space; never "nan" (a null word). Rounded correctly; too small for a double
// (1e-400) is zero, too large (1e400) is no number, so that a column of such values stays text and keeps them.
std::optional<double> parse_double(std::string_view field);
// Digits with or without a sign, however many.
bool has_integer_form(std::string_view field);
// True and False in any case, and nothing else.
std::optional<bool> parse_boolean(std::string_view field);

// The narrowest kind that holds every value shown to observe(). Integers beyond 64 bits make a column text, as in
// pandas: their digits stay whole.
class KindTracker {
 public:
  explicit KindTracker(NumberFormat numbers = {}) : numbers_(numbers) {}
  void observe(std::string_view field);
  // As if it had observed what `other` observed.
  void merge(const KindTracker& other);
  // A negative whole number was seen, converted elsewhere.
  void observe_negative() { unsigned_ = false; }
  // A value was seen that fits int64, converted elsewhere.
  void observe_whole() { seen_ = true, boolean_ = false; }
  Kind kind() const;
  // All it knows, as one text, and back.
  std::string state() const;
  static KindTracker of_state(std::string_view state, NumberFormat numbers);
  // Nothing that is still to come can change it.
  bool is_final() const { return seen_ && !boolean_ && !double_; }
  // Text only because whole numbers went beyond 64 bits; a later decimal point would make it kDouble.
  bool overflowed() const { return double_ && integer_form_ && !integer_ && !unsigned_ && !boolean_; }

 private:
  void observe_number(std::string_view number);

  NumberFormat numbers_;
  std::string buffer_;
  bool seen_ = false;
  bool boolean_ = true, integer_ = true, unsigned_ = true, integer_form_ = true, double_ = true;
};

// The words that mean NULL.
class NullWords {
 public:
  // The empty field and the other words of pandas.
  void add_standard();
  // A number also matches its ".0" spelling, as in pandas.
  void add(std::string_view word);
  bool contains(std::string_view field) const {
    if (field.empty()) return has_empty_;
    // Few fields are as long as such a word and begin like it.
    if (field.size() > kLengthsMax) return has_long_ && words_.find(std::string(field)) != words_.end();
    const uint64_t lengths = lengths_[static_cast<unsigned char>(field.front())];
    return (lengths >> (field.size() - 1) & 1) && words_.find(std::string(field)) != words_.end();
  }
  const std::vector<std::string>& list() const { return list_; }

 private:
  static constexpr size_t kLengthsMax = 63;

  void insert(std::string word);
  std::vector<std::string> list_;
  std::unordered_set<std::string> words_;
  bool has_empty_ = false, has_long_ = false;
  std::array<uint64_t, 256> lengths_{};  // by a word's first byte: bit n - 1 is set where one has n bytes
};

}  // namespace osiris::worker::csv
