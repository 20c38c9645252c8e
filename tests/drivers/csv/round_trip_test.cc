// What the CSV writer writes, the CSV extractor reads: compressed files by their suffix, and every spelling that both
// have a key for.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/drivers/harness.h"
#include "worker/drivers/filesystem.csv_extractor/driver.h"
#include "worker/drivers/filesystem.csv_writer/driver.h"

namespace osiris::worker::test {
namespace {

constexpr const char* kRows =
    "SELECT i AS id, 'name, \"' || i || '\"' AS name, i / 4 AS price, i % 2 = 0 AS even FROM range(20000) t(i)";

struct Read {
  std::string rows, error;
};

void write(StepHarness& step, const std::string& rows, Json config) {
  step.add_input("rows", rows);
  step.set_config(std::move(config));
  const auto outcome = step.run(filesystem_csv_writer());
  EXPECT_TRUE(outcome.ok()) << outcome.error().message;
}

Read read(const std::string& bytes, const std::string& file, Json config = Json::object()) {
  StepHarness step("read");
  step.write_file(file, bytes);
  config.set("path", file);
  step.set_config(std::move(config));
  const auto outcome = step.run(filesystem_csv_extractor());
  if (!outcome.ok()) return {"", outcome.error().message};
  return {step.query("SELECT * FROM {out}"), ""};
}

std::string written(const std::string& file, Json config = Json::object(), const std::string& rows = kRows) {
  StepHarness step("save");
  config.set("path", file);
  config.set("columns", Json::array({"id", "name", "price", "even"}));
  write(step, rows, std::move(config));
  EXPECT_EQ(step.files_in(), std::vector<std::string>{file});
  return step.read_file(file);
}

std::string expected() {
  StepHarness step;
  return step.query(std::string(kRows));
}

struct Suffix {
  const char* suffix;
  const char* format;
  std::string_view magic;
};
const Suffix kSuffixes[] = {{".gz", "gzip", "\x1f\x8b"},
                            {".bz2", "bz2", "BZh"},
                            {".xz", "xz",
                             "\xfd"
                             "7zXZ"},
                            {".zip", "zip", "PK\x03\x04"},
                            {".zst", "zstd", "\x28\xb5\x2f\xfd"}};

TEST(CsvRoundTrip, EverySuffixIsWrittenAsItIsRead) {
  const std::string want = expected();
  const std::string plain = written("out.csv");
  for (const Suffix& suffix : kSuffixes) {
    const std::string file = std::string("out.csv") + suffix.suffix;
    const std::string bytes = written(file);
    EXPECT_TRUE(bytes.starts_with(suffix.magic)) << file;
    EXPECT_LT(bytes.size(), plain.size() / 2) << file;
    const Read got = read(bytes, file);
    EXPECT_EQ(got.error, "") << file;
    EXPECT_TRUE(got.rows == want) << file;
    EXPECT_EQ(bytes, written(file)) << file << ": the same rows are the same bytes";
  }
}

using ByteReports = std::vector<std::pair<uint64_t, uint64_t>>;

bool ascends(const ByteReports& reports) {
  return std::is_sorted(reports.begin(), reports.end(), [](auto a, auto b) { return a.first < b.first; });
}

TEST(CsvRoundTrip, BytesOfTheFileAreReportedBothWays) {
  for (const Suffix& suffix : kSuffixes) {
    const std::string file = std::string("out.csv") + suffix.suffix;
    StepHarness writer("save"), reader("read");
    write(writer, kRows, Json::object({{"path", file}, {"chunk_size", 1000}}));
    const ByteReports written = writer.byte_reports();
    const std::string bytes = writer.read_file(file);
    ASSERT_GE(written.size(), 20u) << file;
    EXPECT_TRUE(ascends(written)) << file;
    EXPECT_EQ(written.back(), std::pair(uint64_t{bytes.size()}, uint64_t{0})) << file;

    reader.write_file(file, bytes);
    reader.set_config({{"path", file}, {"chunk_size", 1000}});
    ASSERT_TRUE(reader.run(filesystem_csv_extractor()).ok());
    const ByteReports read = reader.byte_reports();
    ASSERT_GE(read.size(), 20u) << file;
    EXPECT_TRUE(ascends(read)) << file;
    EXPECT_GT(read.front().first, 0u) << file;
    EXPECT_LE(read.front().first, bytes.size()) << file;
    EXPECT_EQ(read.back(), std::pair(uint64_t{bytes.size()}, uint64_t{bytes.size()})) << file;
  }
}

TEST(CsvRoundTrip, BytesOfAFileThatALimitEndsHaveNoTotal) {
  StepHarness reader("read");
  reader.write_file("out.csv.gz", written("out.csv.gz"));
  reader.set_config({{"path", "out.csv.gz"}, {"chunk_size", 1000}, {"limit", 1500}});
  ASSERT_TRUE(reader.run(filesystem_csv_extractor()).ok());
  for (const auto& [done, total] : reader.byte_reports()) {
    EXPECT_GT(done, 0u);
    EXPECT_EQ(total, 0u);
  }
}

TEST(CsvRoundTrip, ACompressionThatIsNamedBeatsTheSuffix) {
  for (const Suffix& suffix : kSuffixes) {
    const std::string bytes = written("out.data", Json::object({{"compression", suffix.format}}));
    EXPECT_TRUE(bytes.starts_with(suffix.magic)) << suffix.format;
    EXPECT_TRUE(read(bytes, "in.csv", Json::object({{"compression", suffix.format}})).rows == expected());
  }
  EXPECT_TRUE(written("out.csv.gz", Json::object({{"compression", "none"}})).starts_with("id,name"));
}

TEST(CsvRoundTrip, NoRowsAndNoHeaderAreACompleteFileToo) {
  for (const Suffix& suffix : kSuffixes) {
    const std::string file = std::string("out.CSV") + suffix.suffix;
    const std::string rows = "SELECT * FROM (" + std::string(kRows) + ") WHERE false";
    const std::string bytes = written(file, Json::object({{"header", false}}), rows);
    const Read got = read(bytes, file);
    EXPECT_EQ(got.error, "") << file;
    EXPECT_EQ(got.rows, "") << file;
  }
}

// A zip without the last byte of its empty comment has lost nothing.
bool is_refused_or_whole(const Read& got) {
  return got.error.find("cannot decompress") != std::string::npos || (got.error.empty() && got.rows == expected());
}

TEST(CsvRoundTrip, AFileCutAnywhereIsRefused) {
  for (const Suffix& suffix : kSuffixes) {
    const std::string file = std::string("out.csv") + suffix.suffix;
    const std::string bytes = written(file);
    for (const size_t kept : {size_t{0}, size_t{1}, size_t{5}, bytes.size() / 2, bytes.size() - 5, bytes.size() - 1})
      EXPECT_TRUE(is_refused_or_whole(read(bytes.substr(0, kept), file))) << file << " cut to " << kept;
  }
}

TEST(CsvRoundTrip, AFileWithADamagedByteIsRefused) {
  for (const Suffix& suffix : kSuffixes) {
    const std::string file = std::string("out.csv") + suffix.suffix;
    std::string bytes = written(file);
    for (const size_t at : {bytes.size() / 4, bytes.size() / 2, bytes.size() / 4 * 3}) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ 0xff);
      const Read got = read(damaged, file);
      EXPECT_TRUE(got.error.find("cannot decompress") != std::string::npos) << file << " byte " << at << got.error;
    }
  }
}

TEST(CsvRoundTrip, AnOldFileStaysAsItWasWhenAStepFails) {
  for (const Suffix& suffix : kSuffixes) {
    const std::string file = std::string("out.csv") + suffix.suffix;
    StepHarness step("save");
    step.write_file(file, "old");
    step.add_input("rows", "SELECT [CASE WHEN i = 2900 THEN 'inf'::DOUBLE ELSE i END] AS x FROM range(3000) t(i)");
    step.set_config({{"path", file}});
    EXPECT_FALSE(step.run(filesystem_csv_writer()).ok());
    EXPECT_EQ(step.read_file(file), "old");
    EXPECT_EQ(step.files_in(), std::vector<std::string>{file});
  }
}

TEST(CsvRoundTrip, EverySpellingThatBothHaveAKeyFor) {
  const std::string rows =
      "SELECT * FROM (VALUES (1234.5, 'it''s, \"5\" \\ x; €', 7), (-0.25, '''', -1), (NULL, '\\', NULL)) t(x, s, n)";
  StepHarness engine;
  const std::string want = engine.query("SELECT x::DOUBLE, s, n FROM (" + rows + ")");
  for (const Json& config :
       {Json::object({{"quotechar", "'"}}), Json::object({{"escapechar", "\\"}}),
        Json::object({{"quotechar", "'"}, {"escapechar", "\\"}}), Json::object({{"decimal", ","}}),
        Json::object({{"decimal", ","}, {"delimiter", ";"}}), Json::object({{"encoding", "cp1252"}}),
        Json::object({{"encoding", "utf-16"}, {"escapechar", "\\"}, {"delimiter", "\t"}})}) {
    StepHarness step("save");
    Json writing = config;
    writing.set("path", "out.csv");
    writing.set("column_order", "query");
    write(step, rows, writing);
    const Read got = read(step.read_file("out.csv"), "in.csv", config);
    EXPECT_EQ(got.error, "") << config.dump();
    EXPECT_EQ(got.rows, want) << config.dump();
  }
}

}  // namespace
}  // namespace osiris::worker::test
