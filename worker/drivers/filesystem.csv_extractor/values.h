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

// White space around a number is allowed; a sign is; digit separators are not.
std::optional<int64_t> parse_integer(std::string_view field);
std::optional<uint64_t> parse_unsigned(std::string_view field);
// Also "inf", "-Infinity", without white space; never "nan" (a null word). Rounded correctly; too small for a double
// (1e-400) is zero, too large (1e400) is no number, so that a column of such values stays text and keeps them.
std::optional<double> parse_double(std::string_view field);
// True and False in any case, and nothing else.
std::optional<bool> parse_boolean(std::string_view field);

// The narrowest kind that holds every value shown to observe(). Integers beyond 64 bits make a column text, as in
// pandas: their digits stay whole.
class KindTracker {
 public:
  void observe(std::string_view field);
  Kind kind() const;
  // Text only because whole numbers went beyond 64 bits; a later decimal point would make it kDouble.
  bool overflowed() const { return double_ && integer_form_ && !integer_ && !unsigned_ && !boolean_; }

 private:
  bool seen_ = false;
  bool boolean_ = true, integer_ = true, unsigned_ = true, integer_form_ = true, double_ = true;
};

// The standard null words of pandas plus the step's na_values.
class NullWords {
 public:
  NullWords();
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
