#include "worker/drivers/filesystem.csv_extractor/tokenizer.h"

#include <cstring>

namespace osiris::worker::csv {

void RecordBatch::clear() {
  text_.clear();
  ends_.clear();
  records_.clear();
}

Tokenizer::Tokenizer(TokenizerOptions options)
    : options_(options),
      state_(options.skip_lines > 0 ? State::kSkipField : State::kStartRecord),
      skip_left_(options.skip_lines) {
  for (const char c : {options.delimiter, '\n', '\r', options.comment, options.escape})
    stops_[static_cast<unsigned char>(c)] = true;
  stops_[0] = false;  // the character that is not set
}

void Tokenizer::begin_record() { record_line_ = line_; }

void Tokenizer::end_field() { ends_.push_back(text_.size()); }

void Tokenizer::end_record(RecordBatch& batch) {
  const size_t base = batch.text_.size();
  batch.records_.push_back({batch.ends_.size(), ends_.size(), record_line_});
  batch.text_ += text_;
  for (const size_t end : ends_) batch.ends_.push_back(base + end);
  text_.clear();
  ends_.clear();
}

const char* Tokenizer::find_end_of_quoted(const char* at, const char* end) const {
  if (options_.escape != '\0') {
    while (at != end && *at != options_.quote && *at != options_.escape) ++at;
    return at;
  }
  const void* quote = std::memchr(at, options_.quote, static_cast<size_t>(end - at));
  return quote ? static_cast<const char*>(quote) : end;
}

// One byte through the machine. States that can take many bytes at once are shortened in push().
void Tokenizer::step(char c, RecordBatch& batch) {
  const bool is_comment = options_.comment != '\0' && c == options_.comment;
  const bool is_quote = c == options_.quote;
  const bool is_escape = options_.escape != '\0' && c == options_.escape;
  switch (state_) {
    // Skipped lines are read as records are: a quoted field may go on over line ends, a quote within a field is text.
    case State::kSkipField:
    case State::kSkipQuoteInQuotes:
      state_ = is_quote ? State::kSkipQuoted : State::kSkipLine;
      if (!is_quote) step(c, batch);
      return;
    case State::kSkipLine:
      if (c == options_.delimiter) state_ = State::kSkipField;
      if (c == '\n' || c == '\r') {
        ++line_;
        state_ = --skip_left_ == 0 ? State::kStartRecord : State::kSkipField;
        if (c == '\r') state_ = State::kSkipCr;
      }
      return;
    case State::kSkipQuoted:
      if (c == '\n') ++line_;
      if (is_quote) state_ = State::kSkipQuoteInQuotes;
      return;
    case State::kSkipCr:
      state_ = skip_left_ == 0 ? State::kStartRecord : State::kSkipField;
      if (c != '\n') step(c, batch);
      return;
    case State::kCr:
    case State::kCrOfNothing:
      state_ = State::kStartRecord;
      if (c != '\n') step(c, batch);
      return;
    case State::kStartRecord:
      begin_record();
      if (is_comment) {
        state_ = State::kLineComment;
      } else if (options_.skip_blank_lines && (c == '\n' || c == '\r')) {
        ++line_;
        state_ = c == '\r' ? State::kCrOfNothing : State::kStartRecord;
      } else if (options_.skip_blank_lines && (c == ' ' || c == '\t') && c != options_.delimiter) {
        blanks_.assign(1, c);
        state_ = State::kBlankLine;
      } else {
        state_ = State::kStartField;
        step(c, batch);
      }
      return;
    case State::kBlankLine:
      if (c == '\n' || c == '\r') {
        ++line_;
        state_ = c == '\r' ? State::kCrOfNothing : State::kStartRecord;
      } else if ((c == ' ' || c == '\t') && c != options_.delimiter) {
        blanks_ += c;
      } else {  // not blank after all: the blanks are the field's
        text_ += blanks_;
        state_ = State::kInField;
        step(c, batch);
      }
      return;
    case State::kLineComment:
      if (c == '\n' || c == '\r') {
        ++line_;
        state_ = c == '\r' ? State::kCrOfNothing : State::kStartRecord;
      }
      return;
    case State::kComment:
      if (c == '\n' || c == '\r') {
        end_record(batch);
        ++line_;
        state_ = c == '\r' ? State::kCr : State::kStartRecord;
      }
      return;
    case State::kStartField:
      if (is_quote) {
        state_ = State::kInQuotes;
        return;
      }
      state_ = State::kInField;
      step(c, batch);
      return;
    case State::kInField:
    case State::kQuoteInQuotes:
      if (c == options_.delimiter) {
        end_field();
        state_ = State::kStartField;
      } else if (c == '\n' || c == '\r') {
        end_field();
        end_record(batch);
        ++line_;
        state_ = c == '\r' ? State::kCr : State::kStartRecord;
      } else if (state_ == State::kQuoteInQuotes && is_quote) {
        text_ += c;
        state_ = State::kInQuotes;
      } else if (is_comment && state_ == State::kInField) {
        end_field();
        state_ = State::kComment;
      } else if (is_escape && state_ == State::kInField) {
        state_ = State::kEscaped;
      } else {
        text_ += c;
        state_ = State::kInField;
      }
      return;
    case State::kEscaped:
    case State::kEscapedInQuotes:
      if (c == '\n') ++line_;
      text_ += c;
      state_ = state_ == State::kEscaped ? State::kInField : State::kInQuotes;
      return;
    case State::kInQuotes:
      if (is_quote) {
        state_ = State::kQuoteInQuotes;
      } else if (is_escape) {
        state_ = State::kEscapedInQuotes;
      } else {
        if (c == '\n') ++line_;
        text_ += c;
      }
      return;
  }
}

Status Tokenizer::push(std::string_view bytes, RecordBatch& batch) {
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at != end) {
    const char* from = at;
    if (state_ == State::kInField) {
      while (at != end && !stops_[static_cast<unsigned char>(*at)]) ++at;
      text_.append(from, at);
    } else if (state_ == State::kInQuotes) {
      at = find_end_of_quoted(at, end);
      for (const char* c = from; c != at; ++c) line_ += *c == '\n';
      text_.append(from, at);
    }
    if (text_.size() > kRecordBytesMax)
      return Error(Code::kInvalidArgument,
                   "the record that starts in line " + std::to_string(record_line_) + " is longer than 256 MiB",
                   "look for a quote that is never closed");
    if (at != end) step(*at++, batch);
  }
  return {};
}

Status Tokenizer::finish(RecordBatch& batch) {
  switch (state_) {
    case State::kEscaped:
      return Error(Code::kInvalidArgument,
                   "EOF after an escape character, in the record that starts in line " + std::to_string(record_line_),
                   "escape the escape character, or correct the end of the file");
    case State::kInQuotes:
    case State::kEscapedInQuotes:
      return Error(Code::kInvalidArgument,
                   "EOF inside a quoted field that starts in line " + std::to_string(record_line_),
                   "close the quote, or double the quotes inside the text");
    case State::kStartField:
    case State::kInField:
    case State::kQuoteInQuotes:
      end_field();
      end_record(batch);
      break;
    case State::kComment:
      end_record(batch);
      break;
    default:
      break;
  }
  state_ = State::kStartRecord;
  return {};
}

}  // namespace osiris::worker::csv
