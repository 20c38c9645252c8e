// A CSV file as anyone may send it, through decoder and tokenizer. Input: one byte of options, then the file. However
// the bytes are cut into reads, the records are the same, and every field is valid UTF-8; a scan splits them alike.
//
// links: osiris_driver_filesystem_csv_extractor
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/base/utf8.h"
#include "worker/drivers/filesystem.csv_extractor/encoding.h"
#include "worker/drivers/filesystem.csv_extractor/record_blocks.h"
#include "worker/drivers/filesystem.csv_extractor/record_fields.h"
#include "worker/drivers/filesystem.csv_extractor/tokenizer.h"

using namespace osiris::worker::csv;

namespace {

std::string read_in_pieces(std::string_view file, uint8_t choice, size_t piece) {
  TokenizerOptions options;
  options.delimiter = choice & 1 ? ';' : ',';
  options.comment = choice & 2 ? '#' : '\0';
  options.skip_blank_lines = (choice & 4) == 0;
  options.skip_lines = choice >> 3 & 3;
  Decoder decoder(static_cast<Encoding>(choice >> 5 & 3), "x");
  Tokenizer tokenizer(options);
  RecordBatch batch;
  std::string text, shown;
  for (size_t at = 0; at < file.size(); at += piece) {
    text.clear();
    if (const auto status = decoder.decode(file.substr(at, piece), text); !status.ok()) return status.error().message;
    if (!tokenizer.push(text, batch).ok()) return "too long";
  }
  if (const auto status = decoder.finish(); !status.ok()) return status.error().message;
  if (const auto status = tokenizer.finish(batch); !status.ok()) return status.error().message;
  for (const auto& record : batch.records()) {
    shown += std::to_string(record.line);
    for (size_t i = 0; i < record.fields; ++i) {
      const std::string_view field = batch.field(record, i);
      if (find_invalid_utf8(field) != std::string_view::npos) __builtin_trap();
      shown += '\x1f';
      shown += field;
    }
    shown += '\x1e';
  }
  return shown;
}

// The records by the blocks and fields of a scan; their fields, each with its end.
std::string scanned(const std::string& file, size_t fields) {
  size_t at = 0;
  RecordBlocks blocks(
      [&](char* to, size_t size) {
        const size_t got = std::min(size, file.size() - at);
        std::copy_n(file.data() + at, got, to);
        at += got;
        return got;
      },
      ',', 0);
  std::string shown;
  RecordFields records(',', fields);
  for (TextBlock block;;) {
    const auto more = blocks.next(block);
    if (!more.ok()) return "unfit";
    if (!*more) return shown;
    records.begin(block.text());
    for (RecordFields::Next next; (next = records.next()) != RecordFields::Next::kEnd;) {
      if (next == RecordFields::Next::kMisfit) return "unfit";
      for (size_t i = 0; i < fields; ++i) (shown += records.field(i)) += '\x1f';
    }
  }
}

std::string tokenized(const std::string& file, size_t fields) {
  Tokenizer tokenizer({.delimiter = ','});
  RecordBatch batch;
  if (!tokenizer.push(file, batch).ok() || !tokenizer.finish(batch).ok()) return "unfit";
  std::string shown;
  for (const auto& record : batch.records()) {
    if (record.fields != fields) return "unfit";
    for (size_t i = 0; i < fields; ++i) (shown += batch.field(record, i)) += '\x1f';
  }
  return shown;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string file(data + 1, data + size);
  const std::string whole = read_in_pieces(file, data[0], file.size() + 1);
  for (const size_t piece : {1, 2, 3, 64})
    if (read_in_pieces(file, data[0], piece) != whole) __builtin_trap();
  for (const size_t fields : {2, 3})
    if (!file.starts_with("\xef\xbb\xbf") && scanned(file, fields) != tokenized(file, fields)) __builtin_trap();
  return 0;
}
