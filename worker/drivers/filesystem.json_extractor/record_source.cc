#include "worker/drivers/filesystem.json_extractor/record_source.h"

#include "protocol/base/categories.h"
#include "protocol/base/utf8.h"

namespace osiris::worker::json_in {
namespace {

constexpr int kEnd = -1;

bool is_blank(int c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

Error RecordSource::wrong(uint64_t line, const std::string& what, std::string hint) const {
  return Error(Code::kInvalidArgument, file_->place.path + ", line " + std::to_string(line) + ": " + what,
               std::move(hint), category::kExtractSchemaMismatch);
}

Result<RecordSource> RecordSource::open(const SourceFile& file) {
  OSIRIS_ASSIGN(std::unique_ptr<files::ByteSource> bytes, files::open_bytes(file.place.absolute, file.compression));
  return RecordSource(file, std::move(bytes));
}

int RecordSource::peek() {
  if (at_ < buffer_.size()) return static_cast<unsigned char>(buffer_[at_]);
  if (!read_error_.ok()) return kEnd;
  at_ = 0;
  const auto got = bytes_->read(block_.data(), block_.size());
  if (!got.ok()) read_error_ = got.error();
  buffer_ = block_.first(got.ok() ? *got : 0);
  return buffer_.empty() ? kEnd : static_cast<unsigned char>(buffer_[0]);
}

int RecordSource::skip_blanks() {
  int c = peek();
  for (; is_blank(c); c = peek()) take();
  return c;
}

Status RecordSource::begin() {
  has_begun_ = true;
  const int first = peek();
  const std::string_view head = buffer_;
  if (head.starts_with(kUtf8Mark)) at_ += kUtf8Mark.size();
  if (head.starts_with("\xff\xfe") || head.starts_with("\xfe\xff"))
    return wrong(1, "the file is in UTF-16, and JSON is in UTF-8", "convert it: iconv -f UTF-16 -t UTF-8");
  if (file_->compression == files::Compression::kNone && head.starts_with("\x1f\x8b"))
    return wrong(1, "the file begins like gzip", "set compression: gzip");
  if (file_->is_lines) return {};
  if (first == kEnd && read_error_.ok())
    return wrong(1, "the file is empty: JSON without records is []", "was it still being written?");
  const int c = skip_blanks();
  if (c == '[') {
    in_array_ = true;
    take();
  } else if (c != '{' && read_error_.ok()) {
    return wrong(line_, "the file is neither an array of records, […], nor a record, {…}", "is it JSON at all?");
  }
  return {};
}

Result<bool> RecordSource::next(std::string& record) {
  record.clear();
  if (!has_begun_) OSIRIS_TRY(begin());
  auto more = file_->is_lines ? next_line(record) : next_item(record);
  if (!read_error_.ok()) return read_error_.error();
  if (more.ok() && *more && !is_valid_utf8(record))
    return wrong(record_line_, "the record is not UTF-8", "convert the file: iconv -f LATIN1 -t UTF-8");
  return more;
}

Result<bool> RecordSource::next_line(std::string& record) {
  if (skip_blanks() == kEnd) return false;
  record_line_ = line_;
  for (;;) {
    if (peek() == kEnd) break;
    const size_t end = buffer_.find('\n', at_);
    record.append(buffer_.substr(at_, end == std::string::npos ? end : end - at_));
    if (record.size() > kRecordBytesMax)
      return wrong(record_line_, "a record has more than 256 MiB", "is it one record a line?");
    at_ = end == std::string::npos ? buffer_.size() : end + 1;
    if (end == std::string::npos) continue;
    ++line_;
    break;
  }
  return true;
}

// An item of the array, or the object that is all there is.
Result<bool> RecordSource::next_item(std::string& record) {
  if (has_ended_) return false;
  if (!in_array_ && !is_first_) {
    has_ended_ = true;
    const int c = skip_blanks();
    if (c == '{') return wrong(line_, "another record follows the first", "a record a line is format: ndjson");
    if (c != kEnd) return wrong(line_, "something follows the record");
    return false;
  }
  if (in_array_) {
    OSIRIS_ASSIGN(const bool ended, end_of_array());
    if (ended) return false;
  }
  is_first_ = false;
  skip_blanks();
  record_line_ = line_;
  return read_value(record);
}

Result<bool> RecordSource::end_of_array() {
  int c = skip_blanks();
  if (c == ']') {
    take();
    has_ended_ = true;
    if (skip_blanks() != kEnd) return wrong(line_, "something follows the array");
    return true;
  }
  if (c == kEnd) return wrong(line_, "the array is not closed: the file is cut short", "was it still being written?");
  if (is_first_) return false;
  if (c != ',') return wrong(line_, "',' or ']' is missing after a record");
  take();
  c = skip_blanks();
  if (c == ']') return wrong(line_, "a ',' stands before ']'");
  return false;
}

// To the end of an object or list, or of a word.
Result<bool> RecordSource::read_value(std::string& record) {
  size_t depth = 0;
  bool in_text = false, is_escaped = false;
  for (int c = peek(); c != kEnd; c = peek()) {
    if (!in_text && depth == 0 && !record.empty() && (c == ',' || c == ']' || is_blank(c))) return true;
    record += static_cast<char>(c);
    take();
    if (record.size() > kRecordBytesMax) return wrong(record_line_, "a record has more than 256 MiB");
    if (in_text) {
      if (is_escaped)
        is_escaped = false;
      else if (c == '\\')
        is_escaped = true;
      else if (c == '"')
        in_text = false;
    } else if (c == '"') {
      in_text = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && depth > 0 && --depth == 0) {
      return true;
    }
  }
  if (record.empty() || in_text || depth > 0)
    return wrong(record_line_, "the record is not closed: the file is cut short", "was it still being written?");
  return true;
}

}  // namespace osiris::worker::json_in
