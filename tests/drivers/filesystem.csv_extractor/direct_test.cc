// The two ways into DuckDB agree, also on what only shows after the sample; and each test says which way was taken.
#include <algorithm>
#include <climits>
#include <cstdlib>
#include <fstream>

#include "tests/drivers/filesystem.csv_extractor/extract.h"
#include "worker/drivers/filesystem.csv_extractor/direct_load.h"
#include "worker/drivers/filesystem.csv_extractor/staged_load.h"

namespace osiris::worker::test {
namespace {

constexpr int kRows = 30000;

// More rows than the sample, `line_end` after each, and `last` as the final line.
std::string long_file(const std::string& last, const std::string& line_end = "\n") {
  std::string text = "id,price,flag,note,empty" + line_end;
  for (int i = 0; i < kRows; ++i)
    text += std::to_string(i) + "," + std::to_string(i) + ".5," + (i % 2 ? "True" : "False") + ",\"note, " +
            std::to_string(i) + "\"," + line_end;
  return text + last;
}

struct BothWays {
  bool direct = false;  // DuckDB's reader did it
  std::string direct_result, staged_result, staged_error;
};

BothWays load(const std::string& text, Json config = Json::object()) {
  BothWays both;
  for (const bool direct : {true, false}) {
    StepHarness step;
    step.write_file("in.csv", text);
    config.set("path", "in.csv");
    step.set_config(config);
    const auto options = csv::read_options(step);
    EXPECT_TRUE(options.ok()) << options.error().message;
    if (direct) {
      const auto loaded = csv::load_directly(step, *options);
      EXPECT_TRUE(loaded.ok()) << loaded.error().message;
      both.direct = loaded.ok() && loaded->has_value();
      EXPECT_EQ(step.has_output_table(), both.direct) << "handing over leaves nothing";
      if (both.direct) both.direct_result = step.output_columns() + "\n" + step.query("SELECT * FROM {out}");
    } else {
      const auto loaded = csv::load_staged(step, *options);
      if (!loaded.ok()) both.staged_error = loaded.error().message;
      if (loaded.ok()) both.staged_result = step.output_columns() + "\n" + step.query("SELECT * FROM {out}");
    }
  }
  return both;
}

std::string columns_of(const std::string& result) { return result.substr(0, result.find('\n')); }

void expect_equal_ways(const BothWays& both, const std::string& columns) {
  EXPECT_TRUE(both.direct);
  EXPECT_EQ(both.staged_error, "");
  EXPECT_EQ(columns_of(both.direct_result), columns);
  EXPECT_TRUE(both.direct_result == both.staged_result);
}

TEST(CsvDirectLoad, ReadsALargePlainFileInOrder) {
  const BothWays both = load(long_file(""));
  expect_equal_ways(both, "id BIGINT, price DOUBLE, flag BOOLEAN, note VARCHAR, empty DOUBLE");
  EXPECT_NE(both.direct_result.find("\n29998|29998.5|false|note, 29998|NULL\n29999|29999.5|true|note, 29999|NULL\n"),
            std::string::npos);
}

TEST(CsvDirectLoad, ReadsWindowsLineEnds) {
  expect_equal_ways(load(long_file("", "\r\n")), "id BIGINT, price DOUBLE, flag BOOLEAN, note VARCHAR, empty DOUBLE");
}

// DuckDB's own cast would make 2 of it.
TEST(CsvDirectLoad, ADecimalInTheLastRowMakesTheIntegersDoubles) {
  const BothWays both = load(long_file("1.5,1,True,x,\n"));
  expect_equal_ways(both, "id DOUBLE, price DOUBLE, flag BOOLEAN, note VARCHAR, empty DOUBLE");
  EXPECT_NE(both.direct_result.find("\n1.5|1.0|true|x|NULL\n"), std::string::npos);
}

TEST(CsvDirectLoad, AWordInTheLastRowKeepsTheColumnsText) {
  const BothWays both = load(long_file("1_000,1,yes,x,late\n"));
  expect_equal_ways(both, "id VARCHAR, price DOUBLE, flag VARCHAR, note VARCHAR, empty VARCHAR");
  EXPECT_NE(both.direct_result.find("\n7|7.5|True|note, 7|NULL\n"), std::string::npos)
      << "True stays as it was written";
}

TEST(CsvDirectLoad, AColumnThatIsEmptyInTheSampleMayBeIntegers) {
  expect_equal_ways(load(long_file("1,1,True,x,12\n")),
                    "id BIGINT, price DOUBLE, flag BOOLEAN, note VARCHAR, empty BIGINT");
}

TEST(CsvDirectLoad, AnIntegerBeyondInt64InTheLastRowIsKept) {
  expect_equal_ways(load(long_file("18446744073709551615,1,True,x,\n")),
                    "id UBIGINT, price DOUBLE, flag BOOLEAN, note VARCHAR, empty DOUBLE");
  expect_equal_ways(load(long_file("18446744073709551616,1,True,x,\n")),
                    "id VARCHAR, price DOUBLE, flag BOOLEAN, note VARCHAR, empty DOUBLE");
}

TEST(CsvDirectLoad, ColumnsNullWordsDatesAndHeaderlessFiles) {
  const Json config = Json::object({{"columns", Json::array({"note", "id"})}, {"na_values", Json::array({"17"})}});
  expect_equal_ways(load(long_file(""), config), "note VARCHAR, id BIGINT");
  const BothWays numbered = load(long_file(""), Json::object({{"header", false}, {"skip_rows", 1}}));
  expect_equal_ways(numbered, "0 BIGINT, 1 DOUBLE, 2 BOOLEAN, 3 VARCHAR, 4 DOUBLE");
  expect_equal_ways(load("made,by,a,program,2\n" + long_file(""), Json::object({{"header", 1}})),
                    "id BIGINT, price DOUBLE, flag BOOLEAN, note VARCHAR, empty DOUBLE");
}

TEST(CsvDirectLoad, ALargeLimitIsExact) {
  std::string text = "a,b\n";
  for (int i = 0; i < 150000; ++i) text += std::to_string(i) + ",x\n";
  const BothWays both = load(text, Json::object({{"limit", 120000}}));
  EXPECT_TRUE(both.direct);
  EXPECT_TRUE(both.direct_result == both.staged_result);
  EXPECT_TRUE(both.direct_result.ends_with("\n119999|x\n"));
}

TEST(CsvDirectLoad, HandsOverWhatIsNotPlain) {
  const std::pair<const char*, std::string> files[] = {{"short row", long_file("1,2\n")},
                                                       {"long row", long_file("1,2,True,x,,y\n")},
                                                       {"broken utf-8", long_file("1,2,True,\xff,\n")},
                                                       {"open quote", long_file("1,2,True,\"x")}};
  for (const auto& [what, text] : files) EXPECT_FALSE(load(text).direct) << what;
}

TEST(CsvDirectLoad, ReadsBlanksAroundQuotesAsPandasDoes) {
  for (const char* row : {"1,2,True, \"x\",\n", "1,2,True,\"x\" ,\n", " \"1\",2,True,x,\n"}) {
    const BothWays both = load(long_file(row));
    EXPECT_TRUE(both.direct) << row;
    EXPECT_TRUE(both.direct_result == both.staged_result) << row;
  }
}

TEST(CsvDirectLoad, KeepsFilesWhoseQuotesOnlyLookOdd) {
  for (const char* note :
       {"\"a \"\"b\"\" c\"", "\"a, \"\"b\"\" ,c\"", "\" x \"", "5\" pipe", "\"\"\"\"", "\"\n \"\"\n\""}) {
    const BothWays both = load(long_file(std::string("1,2,True,") + note + ",\n"));
    EXPECT_TRUE(both.direct || note[0] != '"') << note;
    if (!both.direct) continue;
    EXPECT_TRUE(both.direct_result == both.staged_result) << note;
  }
}

TEST(CsvDirectLoad, MixedLineEndsLoseNothing) {
  for (const std::string& text :
       {long_file("1,2,True,x,\n3,4,False,y,\r\n", "\r\n"), long_file("1,2,True,x,y\r\n3,4,False,y,z\n"),
        long_file("1,2,True,x,y\r3,4,False,y,z\n")}) {
    const BothWays both = load(text);
    EXPECT_NE(both.staged_result.find("\n1|2.0|true|x|"), std::string::npos);
    EXPECT_TRUE(!both.direct || both.direct_result == both.staged_result);
  }
}

TEST(CsvDirectLoad, HandsOverOptionsItDoesNotCover) {
  for (const Json& config :
       {Json::object({{"comment", "#"}}), Json::object({{"encoding", "latin-1"}}), Json::object({{"limit", 5}}),
        Json::object({{"on_bad_lines", "skip"}}), Json::object({{"skip_blank_lines", false}}),
        Json::object({{"dtype", Json::object({{"id", "str"}})}})})
    EXPECT_FALSE(load(long_file(""), config).direct) << config.dump();
}

// The driver as a whole: the careful way has the last word on errors, with the line of the file.
TEST(CsvDirectLoad, ErrorsDeepInALargeFileNameTheirLine) {
  EXPECT_EQ(extract(long_file("1,2,True,x,,y\n")).error, "CSV parsing failed: Expected 5 fields in line 30002, saw 6");
  EXPECT_NE(extract(long_file("1,2,True,\xff,\n")).error.find("line 30002: not a character of utf-8"),
            std::string::npos);
  EXPECT_EQ(extract(long_file("1,2\n")).rows_read, 30001u);
}

// Whatever DuckDB's reader accepts it must read as our own does: every file recorded for the comparison with pandas,
// with more plain rows before its own than the sample takes.
TEST(CsvDirectLoad, WhatDuckDBAcceptsOfOddFilesIsWhatTheCarefulReaderReads) {
  const char* more = std::getenv("OSIRIS_PANDAS_CASES");
  std::ifstream lines(more ? more : std::string(std::getenv("OSIRIS_SOURCE_DIR")) + "/tests/fixtures/pandas/csv.jsonl");
  int direct = 0;
  const int cases_max = more ? INT_MAX : 100;
  int cases = 0;
  for (std::string line; cases < cases_max && std::getline(lines, line);) {
    const auto example = parse_json(line);
    ASSERT_TRUE(example.ok());
    const std::string& text = (*example)["text"].as_string();
    const size_t header = text.find('\n');
    const std::string delimiter = (*example)["extract"]["delimiter"].as_string_or(",");
    const std::string_view first = std::string_view(text).substr(0, header);
    const auto fields = 1 + std::count(first.begin(), first.end(), delimiter[0]);
    if (header == std::string::npos || fields < 2 || first.find('"') != std::string_view::npos ||
        (*example)["extract"].contains("columns"))
      continue;
    std::string plain = "7";
    for (int i = 1; i < fields; ++i) plain += delimiter + "7";
    plain += header > 0 && text[header - 1] == '\r' ? "\r\n" : "\n";
    std::string padded = text.substr(0, header + 1);
    for (int i = 0; i < 2500; ++i) padded += plain;
    ++cases;
    const BothWays both = load(padded + text.substr(header + 1), Json::object({{"delimiter", delimiter}}));
    if (!both.direct) continue;
    ++direct;
    EXPECT_EQ(both.staged_error, "") << line;
    EXPECT_TRUE(both.direct_result == both.staged_result) << line;
  }
  EXPECT_GT(direct, cases / 3);
}

TEST(CsvDirectLoad, AFileNameIsNeverAPattern) {
  StepHarness step("read");
  step.write_file("a*.csv", long_file(""));
  step.write_file("ab.csv", long_file(""));
  step.set_config({{"path", "a*.csv"}});
  EXPECT_EQ(run_extract(step).rows_read, uint64_t{kRows});
}

}  // namespace
}  // namespace osiris::worker::test
