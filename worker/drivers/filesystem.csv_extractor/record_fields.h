// Splits a block of whole records into fields, as the tokenizer does, many bytes at a time. Records without quotes are
// given as they stand in the block; others are read byte by byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace osiris::worker::csv {

class RecordFields {
 public:
  // `fields`: of every record, at least two.
  RecordFields(char delimiter, size_t fields) : delimiter_(delimiter), ends_(fields), begins_(fields) {}

  // Behind `block` there are kBlockSlack bytes that may be read.
  void begin(std::string_view block);
  enum class Next { kRecord, kEnd, kMisfit };  // kMisfit: a record of another number of fields
  // The next record that is no blank line.
  Next next();
  std::string_view field(size_t index) const {
    return {begins_[index], static_cast<size_t>(ends_[index] - begins_[index])};
  }
  // Its fields are in this object until the next call, and not in the block.
  bool is_rewritten() const { return is_rewritten_; }

 private:
  // Which of the 64 bytes at `at` end something, or may: a bit each.
  uint64_t stops(const char* at) const;
  bool skip_blank_lines();
  Next quick();
  Next careful();

  const char delimiter_;
  std::vector<const char*> ends_, begins_;  // of the fields of the record at hand
  const char* at_ = nullptr;                // the next record
  const char* end_ = nullptr;
  const char* word_ = nullptr;  // the 64 bytes whose stops are in mask_, those before the next record taken out
  uint64_t mask_ = 0;
  std::string text_;  // of a record that was rewritten
  bool is_rewritten_ = false;
};

}  // namespace osiris::worker::csv
