// Finds files in which DuckDB and our tokenizer read quotes differently. DuckDB drops blanks before an opening quote
// and after a closing one; pandas and our tokenizer keep these blanks, and take a quote after a blank as text. Neither
// reader would report an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
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

// Of the file's text from line `first_line` (counted from 0) on, which has to be valid UTF-8 all over the file too: a
// scan that reads some columns only does not look at the others. `stop` is asked now and then; true once it says so.
Result<bool> text_is_plain(const Options& options, uint64_t first_line, const std::function<bool()>& stop);

}  // namespace osiris::worker::csv
