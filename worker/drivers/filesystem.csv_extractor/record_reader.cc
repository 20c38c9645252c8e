#include "worker/drivers/filesystem.csv_extractor/record_reader.h"

namespace osiris::worker::csv {
namespace {

Status parsing_failed(Status status) {
  return status.ok() ? status : Status(status.error().within("CSV parsing failed"));
}

}  // namespace

Result<RecordReader> RecordReader::open(const Options& options, size_t read_bytes) {
  OSIRIS_ASSIGN(std::unique_ptr<ByteSource> source, open_bytes(options.file, options.compression));
  return RecordReader(std::move(source), options, read_bytes);
}

RecordReader::RecordReader(std::unique_ptr<ByteSource> source, const Options& options, size_t read_bytes)
    : source_(std::move(source)),
      decoder_(options.encoding, options.encoding_name),
      tokenizer_({.delimiter = options.delimiter,
                  .quote = options.quote,
                  .escape = options.escape,
                  .comment = options.comment,
                  .skip_blank_lines = options.skip_blank_lines,
                  .skip_lines = options.skip_rows}),
      bytes_(read_bytes, '\0') {}

Result<bool> RecordReader::next(RecordBatch& batch) {
  batch.clear();
  while (batch.records().empty() && !ended_) {
    OSIRIS_ASSIGN(const size_t size, source_->read(bytes_.data(), bytes_.size()));
    text_.clear();
    if (size > 0) {
      OSIRIS_TRY(decoder_.decode(std::string_view(bytes_).substr(0, size), text_));
      OSIRIS_TRY(parsing_failed(tokenizer_.push(text_, batch)));
    } else {
      ended_ = true;
      OSIRIS_TRY(decoder_.finish());
      OSIRIS_TRY(parsing_failed(tokenizer_.finish(batch)));
    }
  }
  return !batch.records().empty();
}

}  // namespace osiris::worker::csv
