// The parsers below the driver, fed byte by byte: where a read ends must not matter.
#include <gtest/gtest.h>

#include "worker/drivers/filesystem.csv_extractor/encoding.h"
#include "worker/drivers/filesystem.csv_extractor/tokenizer.h"

namespace osiris::worker::csv {
namespace {

// "line:field|field" per record; pieces of `step` bytes.
std::string tokenize(const std::string& text, TokenizerOptions options, size_t step) {
  Tokenizer tokenizer(options);
  RecordBatch batch;
  for (size_t at = 0; at < text.size(); at += step)
    EXPECT_TRUE(tokenizer.push(std::string_view(text).substr(at, step), batch).ok());
  if (const Status end = tokenizer.finish(batch); !end.ok()) return end.error().message;
  std::string shown;
  for (const auto& record : batch.records()) {
    shown += std::to_string(record.line) + ":";
    for (size_t i = 0; i < record.fields; ++i) shown += (i ? "|" : "") + std::string(batch.field(record, i));
    shown += "\n";
  }
  return shown;
}

TEST(Tokenizer, GivesTheSameRecordsWhereverAReadEnds) {
  const std::string text = "skip,\"a\nb\"\r\na,b\r\n\r\n \t\n  x,\"y\"\"\r\nz\"w\r1,#c\n#whole\n\"#\",q#r\nlast,";
  TokenizerOptions options;
  options.comment = '#';
  options.skip_lines = 1;
  const std::string expected = "3:a|b\n6:  x|y\"\r\nzw\n8:1|\n10:#|q\n11:last|\n";
  for (size_t step : {1, 2, 3, 7, 1000}) EXPECT_EQ(tokenize(text, options, step), expected) << step;
}

TEST(Tokenizer, AnOpenQuoteAtTheEndIsAnError) {
  EXPECT_EQ(tokenize("a\n\"b", {}, 1), "EOF inside a quoted field that starts in line 2");
  EXPECT_EQ(tokenize("a\n\"b\"", {}, 1), "1:a\n2:b\n");
}

TEST(Decoder, GivesTheSameTextWhereverAReadEnds) {
  const std::string utf8 =
      "\xef\xbb\xbf"
      "a\xc4\x9b\n\xe2\x82\xac\xf0\x9f\x90\x98";
  const std::string utf16("\xfe\xff\0a\x01\x1b\0\n\x20\xac\xd8\x3d\xdc\x18", 14);
  for (size_t step : {1, 2, 3, 5, 100}) {
    for (const auto& [encoding, bytes] : {std::pair{Encoding::kUtf8, utf8}, std::pair{Encoding::kUtf16, utf16}}) {
      Decoder decoder(encoding, "x");
      std::string text;
      for (size_t at = 0; at < bytes.size(); at += step)
        ASSERT_TRUE(decoder.decode(std::string_view(bytes).substr(at, step), text).ok());
      EXPECT_TRUE(decoder.finish().ok());
      EXPECT_EQ(text, utf8.substr(3)) << step;
    }
  }
}

TEST(Decoder, NamesTheSameOffsetWhereverAReadEnds) {
  const std::string bytes = "ab\n\xe2\x82\x41";
  for (size_t step : {1, 2, 4, 100}) {
    Decoder decoder(Encoding::kUtf8, "utf-8");
    std::string text;
    Status status;
    for (size_t at = 0; at < bytes.size() && status.ok(); at += step)
      status = decoder.decode(std::string_view(bytes).substr(at, step), text);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().message,
              "CSV encoding error (tried utf-8): byte 0xe2 at offset 3, line 2: not a character of utf-8")
        << step;
  }
}

}  // namespace
}  // namespace osiris::worker::csv
