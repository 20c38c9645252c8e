// How a scan cuts a file into blocks of whole records and these into fields, beside the tokenizer.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/drivers/filesystem.csv_extractor/extract.h"
#include "tests/support/eventually.h"
#include "worker/drivers/filesystem.csv_extractor/record_blocks.h"
#include "worker/drivers/filesystem.csv_extractor/record_fields.h"
#include "worker/drivers/filesystem.csv_extractor/tokenizer.h"

namespace osiris::worker::csv {
namespace {

struct Scanned {
  std::vector<std::string> records;  // fields joined by '|'
  uint64_t blocks = 0;
  bool is_fit = true;
};

// `piece`: what one read gives at most.
Scanned scanned(const std::string& file, size_t fields, uint64_t skip_lines = 0, size_t piece = 1u << 20) {
  Scanned seen;
  size_t at = 0;
  RecordBlocks blocks(
      [&](char* to, size_t size) {
        const size_t got = std::min({size, piece, file.size() - at});
        std::copy_n(file.data() + at, got, to);
        at += got;
        return got;
      },
      ',', skip_lines);
  RecordFields records(',', fields);
  for (TextBlock block;;) {
    const auto more = blocks.next(block);
    seen.is_fit = seen.is_fit && more.ok();
    if (!more.ok() || !*more) return seen;
    EXPECT_EQ(block.number, seen.blocks++);
    records.begin(block.text());
    for (RecordFields::Next next; (next = records.next()) != RecordFields::Next::kEnd;) {
      if (next == RecordFields::Next::kMisfit) seen.is_fit = false;
      if (!seen.is_fit) return seen;
      std::string shown;
      for (size_t i = 0; i < fields; ++i) (shown += i ? "|" : "") += records.field(i);
      seen.records.push_back(std::move(shown));
    }
  }
}

std::vector<std::string> tokenized(const std::string& file) {
  Tokenizer tokenizer({.delimiter = ','});
  RecordBatch batch;
  EXPECT_TRUE(tokenizer.push(file, batch).ok());
  EXPECT_TRUE(tokenizer.finish(batch).ok());
  std::vector<std::string> records;
  for (const auto& record : batch.records()) {
    std::string shown;
    for (size_t i = 0; i < record.fields; ++i) (shown += i ? "|" : "") += batch.field(record, i);
    records.push_back(std::move(shown));
  }
  return records;
}

TEST(CsvRecordScan, SplitsAsTheTokenizerDoes) {
  const std::string filler(70, 'x');
  for (const std::string& text :
       {std::string("1,2\n3,4\n"), std::string("1,2\r\n3,\r\n,4"), std::string("1,2\r3,4\r"),
        std::string("\n\n1,2\n \t\n3,4\n\n"), std::string("\"a,b\",\"c\"\"d\"\n\"e\nf\",g\n"),
        std::string("a \"b\",c\n \"d\",e\n"), std::string("\"a\"x\"y,b\n1,2\n"), std::string("\"\",\"\"\n,\n"),
        std::string("  ,x\n  y,\n"), std::string("1,2\r\n\r\n3,4"), filler + "," + filler + "\n" + filler + ",2\n",
        filler + ",\"" + filler + "\n" + filler + "\"\r\n1,2\r\n", std::string("a,\"b\"\r\"c\",d\n")}) {
    const Scanned seen = scanned(text, 2);
    EXPECT_TRUE(seen.is_fit) << text;
    EXPECT_EQ(seen.records, tokenized(text)) << text;
    EXPECT_EQ(scanned(text, 2, 0, 1).records, seen.records) << text;
  }
}

TEST(CsvRecordScan, RefusesWhatIsNotPlain) {
  for (const char* text : {"1,2\n3\n", "1,2,3\n", "1,\"2\n", "\"a\"\"\n"})
    EXPECT_FALSE(scanned(text, 2).is_fit) << text;
  EXPECT_FALSE(scanned("1,\"" + std::string(5'000'000, 'x') + "\"\n" + std::string(5'000'000, 'y') + ",2\n", 2).is_fit);
}

TEST(CsvRecordScan, LeavesOutTheHeadOfTheFile) {
  EXPECT_EQ(scanned("\xef\xbb\xbfid,word\n1,a\n", 2, 1).records, std::vector<std::string>{"1|a"});
  EXPECT_EQ(scanned("\xef\xbb\xbf"
                    "1,a\n",
                    2)
                .records,
            std::vector<std::string>{"1|a"});
  EXPECT_EQ(scanned("note\r\n\nid,word\r1,a\n", 2, 3).records, std::vector<std::string>{"1|a"});
  EXPECT_TRUE(scanned("id,word\n", 2, 1).records.empty());
  EXPECT_TRUE(scanned("", 2, 1).records.empty());
}

// Some megabytes; a quoted line end now and then.
std::string long_text() {
  std::string text = "id,word\n";
  for (int row = 0; text.size() < (10u << 20); ++row)
    text += std::to_string(row) + (row % 1000 == 0 ? ",\"a\n\"\"b\"\n" : ",word\n");
  return text;
}

TEST(CsvRecordScan, BlocksEndWithARecord) {
  const std::string text = long_text();
  const Scanned seen = scanned(text, 2);
  EXPECT_GT(seen.blocks, 2u);
  EXPECT_TRUE(seen.records == tokenized(text));
}

TEST(CsvRecordScan, ABlockIsWrittenToAgainOnceNoThreadHoldsIt) {
  RecordBlocks blocks(
      [](char* to, size_t size) {
        std::fill_n(to, size, '\n');
        return size;
      },
      ',', 0);
  TextBlock block;
  ASSERT_TRUE(blocks.next(block).ok());
  const char* const memory = block.data();
  TextBlock other = block;
  auto hold = std::make_unique<BlockBytes::Hold>(block.bytes);
  ASSERT_TRUE(blocks.next(other).ok());
  EXPECT_NE(other.data(), memory);
  std::ptrdiff_t lines = 0;
  std::thread reader([&lines, text = block.text(), hold = std::move(hold)]() mutable {
    lines = std::count(text.begin(), text.end(), '\n');
    hold.reset();
  });
  EXPECT_TRUE(osiris::test::eventually([&] { return !block.bytes->is_held(); }));
  ASSERT_TRUE(blocks.next(block).ok());  // no other order with the reader than this one: of interest to ThreadSanitizer
  EXPECT_EQ(block.data(), memory);
  reader.join();
  EXPECT_EQ(lines, static_cast<std::ptrdiff_t>(kBlockBytes));
}

// By this process, in any way.
uint64_t bytes_read() {
  std::ifstream io("/proc/self/io");
  std::string name;
  uint64_t bytes = 0;
  io >> name >> bytes;
  EXPECT_EQ(name, "rchar:");
  return bytes;
}

TEST(CsvRecordScan, AFileIsReadOnceBesideASample) {
  const std::string text = long_text();
  test::StepHarness step("read");
  step.write_file("in.csv", text);
  step.set_config({{"path", "in.csv"}});
  const uint64_t before = bytes_read();
  ASSERT_EQ(test::run_extract(step).error, "");
  EXPECT_LT(bytes_read() - before, text.size() + text.size() / 4);
}

}  // namespace
}  // namespace osiris::worker::csv
