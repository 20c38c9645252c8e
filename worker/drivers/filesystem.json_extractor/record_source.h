// The records of one file, one after the other, as text: lines, items of an array, or the one object there is. What is
// within a record is looked at only as far as its end needs it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/read_block.h"
#include "worker/drivers/files/byte_source.h"
#include "worker/drivers/filesystem.json_extractor/options.h"

namespace osiris::worker::json_in {

inline constexpr size_t kRecordBytesMax = size_t{256} << 20;
inline constexpr size_t kReadBytes = size_t{1} << 18;  // at once

class RecordSource {
 public:
  static Result<RecordSource> open(const SourceFile& file);

  // Into `record`; false at the end. kInvalidArgument, with file and line, for what is no such file.
  Result<bool> next(std::string& record);
  // Where the record that next() gave begins, from 1.
  uint64_t line() const { return record_line_; }
  uint64_t file_bytes_read() const { return bytes_->file_bytes_read(); }
  // "in/a.json, line 7: …"
  Error wrong(uint64_t line, const std::string& what, std::string hint = {}) const;

 private:
  RecordSource(const SourceFile& file, std::unique_ptr<files::ByteSource> bytes)
      : file_(&file), bytes_(std::move(bytes)) {}

  // The next byte, or -1 at the end; next_error_ where it cannot be read.
  int peek();
  void take() {
    if (buffer_[at_] == '\n') ++line_;
    ++at_;
  }
  int skip_blanks();
  Status begin();
  Result<bool> next_line(std::string& record);
  Result<bool> next_item(std::string& record);
  Result<bool> read_value(std::string& record);
  Result<bool> end_of_array();

  const SourceFile* file_;
  std::unique_ptr<files::ByteSource> bytes_;
  ReadBlock block_{kReadBytes};
  std::string_view buffer_;  // what of it is filled
  size_t at_ = 0;
  uint64_t line_ = 1, record_line_ = 1;
  bool has_begun_ = false, in_array_ = false, has_ended_ = false, is_first_ = true;
  Status read_error_;
};

}  // namespace osiris::worker::json_in
