// The records of a CSV file: bytes, decompressed, decoded, cut into fields.
#pragma once

#include <memory>
#include <string>

#include "worker/drivers/filesystem.csv_extractor/options.h"
#include "worker/drivers/filesystem.csv_extractor/tokenizer.h"

namespace osiris::worker::csv {

class RecordReader {
 public:
  // `read_bytes`: at once; less where only the first records are wanted.
  static Result<RecordReader> open(const Options& options, size_t read_bytes = size_t{1} << 18);

  // Replaces `batch` by the next records; false when there are no more. Parse errors read "CSV parsing failed: ...".
  Result<bool> next(RecordBatch& batch);
  uint64_t file_bytes_read() const { return source_->file_bytes_read(); }
  // Of the text so far, as Decoder::doubt().
  const std::string& doubt() const { return decoder_.doubt(); }

 private:
  RecordReader(std::unique_ptr<ByteSource> source, const Options& options, size_t read_bytes);

  std::unique_ptr<ByteSource> source_;
  Decoder decoder_;
  Tokenizer tokenizer_;
  std::string bytes_, text_;
  bool ended_ = false;
};

}  // namespace osiris::worker::csv
