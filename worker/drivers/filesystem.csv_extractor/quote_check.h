// Finds files in which DuckDB and our tokenizer read quotes differently. DuckDB drops blanks before an opening quote
// and after a closing one; pandas and our tokenizer keep these blanks, and take a quote after a blank as text. Neither
// reader would report an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "worker/drivers/filesystem.csv_extractor/options.h"

namespace osiris::worker::csv {

// Fed with text from the start of a line, in pieces of any size.
class QuoteCheck {
 public:
  explicit QuoteCheck(char delimiter) : delimiter_(delimiter) {}
  void push(std::string_view text);
  bool is_plain() const { return plain_; }

 private:
  void meet_quote(std::string_view before);

  enum class State { kOutside, kInside, kQuoteInside } state_ = State::kOutside;
  char last_ = '\n';   // the last character that is no blank, of pieces before
  size_t blanks_ = 0;  // after it
  bool plain_ = true;
  char delimiter_;
};

// Whether DuckDB reads a text as we do: its quotes, from line `first_line` (counted from 0) on, and valid UTF-8 all
// over it. A scan that reads some columns only does not look at the others. Fed with the text in pieces of any size.
class TextCheck {
 public:
  TextCheck(char delimiter, uint64_t first_line) : quotes_(delimiter), delimiter_(delimiter), lines_left_(first_line) {}
  void push(std::string_view piece);
  bool is_plain() const { return is_utf8_ && quotes_.is_plain(); }
  // Nothing follows.
  bool is_plain_to_the_end() const { return is_plain() && cut_.empty(); }

 private:
  void check_utf8(std::string_view piece);

  QuoteCheck quotes_;
  char delimiter_;
  uint64_t lines_left_;
  bool at_start_ = true, is_utf8_ = true;
  std::string cut_;  // the first bytes of a character that goes on
};

// Of a whole file. `stop` is asked now and then; true once it says so.
Result<bool> text_is_plain(const Options& options, uint64_t first_line, const std::function<bool()>& stop);

}  // namespace osiris::worker::csv
