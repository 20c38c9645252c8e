// What a CSV field means: null, boolean, integer, number or text, by the rules of pandas.read_csv.
#pragma once

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
  Kind kind() const;
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
    return field.size() <= longest_ && words_.find(std::string(field)) != words_.end();
  }
  const std::vector<std::string>& list() const { return list_; }

 private:
  void insert(std::string word);
  std::vector<std::string> list_;
  std::unordered_set<std::string> words_;
  size_t longest_ = 0;
};

}  // namespace osiris::worker::csv
