// Bytes in, CSV records out. Follows the C tokenizer of pandas state by state: a quote counts only at the start of a
// field, a doubled quote inside quotes is one, text after a closing quote is kept, a comment character ends the line
// wherever it stands outside quotes, blank lines and comment lines are no records, the character after an escape
// character is text. LF, CRLF and lone CR all end a line.
// No I/O.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/error.h"

namespace osiris::worker::csv {

// Records of a stretch of input, flat so that reuse costs no allocation.
class RecordBatch {
 public:
  struct Record {
    size_t first_field = 0;
    size_t fields = 0;
    uint64_t line = 0;  // physical line it begins on, from 1
  };

  const std::vector<Record>& records() const { return records_; }
  std::string_view field(const Record& record, size_t index) const {
    const size_t field = record.first_field + index;
    const size_t begin = field == 0 ? 0 : ends_[field - 1];
    return std::string_view(text_).substr(begin, ends_[field] - begin);
  }
  void clear();

 private:
  friend class Tokenizer;
  std::string text_;          // all fields, one after the other
  std::vector<size_t> ends_;  // where each field ends in text_
  std::vector<Record> records_;
};

struct TokenizerOptions {
  char delimiter = ',';
  char quote = '"';
  char escape = '\0';   // none
  char comment = '\0';  // none
  bool skip_blank_lines = true;
  uint64_t skip_lines = 0;  // physical lines to drop first; a quoted line end does not count
};

// A record longer than this is an unclosed quote, not data.
inline constexpr size_t kRecordBytesMax = size_t{256} << 20;

class Tokenizer {
 public:
  explicit Tokenizer(TokenizerOptions options);

  // Appends the records that end in `bytes` to `batch`; a record cut at the end of `bytes` is held until the next push.
  Status push(std::string_view bytes, RecordBatch& batch);
  // The end of the input: a last line without a line end is a record; an open quote is an error.
  Status finish(RecordBatch& batch);

 private:
  enum class State {
    kSkipField,
    kSkipLine,
    kSkipQuoted,
    kSkipQuoteInQuotes,
    kSkipCr,
    kStartRecord,
    kBlankLine,
    kStartField,
    kInField,
    kInQuotes,
    kQuoteInQuotes,
    kEscaped,
    kEscapedInQuotes,
    kComment,
    kLineComment,
    kCr,
    kCrOfNothing,
  };

  void begin_record();
  void end_field();
  void end_record(RecordBatch& batch);
  void step(char c, RecordBatch& batch);
  const char* find_end_of_quoted(const char* at, const char* end) const;

  TokenizerOptions options_;
  std::array<bool, 256> stops_{};  // characters at which an unquoted field is more than text
  State state_;
  uint64_t line_ = 1;  // the line the next byte is on
  uint64_t skip_left_;
  uint64_t record_line_ = 1;
  std::string text_;  // the record being read
  std::vector<size_t> ends_;
  std::string blanks_;  // leading blanks of a line that may turn out to be blank
};

}  // namespace osiris::worker::csv
