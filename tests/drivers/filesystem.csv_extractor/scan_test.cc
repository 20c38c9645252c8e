// How often a file is read, and which words mean NULL on the way.
#include "tests/drivers/filesystem.csv_extractor/extract.h"
#include "worker/drivers/filesystem.csv_extractor/values.h"

namespace osiris::worker::test {
namespace {

constexpr int kColumns = 12;
constexpr int kRows = 60000;

// `value_at(row, column)` for numbers from 0; some megabytes.
template <class Value>
std::string table(Value value_at) {
  std::string text = "c0";
  for (int i = 1; i < kColumns; ++i) text += ",c" + std::to_string(i);
  for (int row = 0; row < kRows; ++row) {
    text += '\n';
    for (int i = 0; i < kColumns; ++i) text += (i ? "," : "") + value_at(row, i);
  }
  return text + "\n";
}

struct Passes {
  std::string columns;
  std::string count;
};
Passes passes_over(const std::string& text) {
  StepHarness step("read");
  step.write_file("in.csv", text);
  step.set_config({{"path", "in.csv"}});
  EXPECT_EQ(run_extract(step).error, "");
  // Every pass has a table function of its own.
  return {step.output_columns(), step.query("SELECT count(DISTINCT function_name) FROM duckdb_functions() WHERE "
                                            "function_type = 'table' AND function_name LIKE 'osiris_%'")};
}

TEST(CsvScan, TypesThatWidenTowardsTheEndTakeOnePass) {
  const Passes seen = passes_over(table(
      [](int row, int column) { return std::to_string(row) + (column % 2 && row > kRows / 10 * 9 ? ".5" : ""); }));
  EXPECT_EQ(seen.count, "1\n");
  EXPECT_TRUE(seen.columns.starts_with("c0 BIGINT, c1 DOUBLE, c2 BIGINT, c3 DOUBLE, ")) << seen.columns;
}

TEST(CsvScan, TypesThatWidenInPlacesThatWereNotLookedAtTakeTwoPasses) {
  const Passes seen = passes_over(table([](int row, int column) {
    return std::to_string(row) + (column > 0 && row == 20011 + 1000 * column ? "x" : "");
  }));
  EXPECT_EQ(seen.count, "2\n");
  EXPECT_TRUE(seen.columns.starts_with("c0 BIGINT, c1 VARCHAR, c2 VARCHAR, c3 VARCHAR, ")) << seen.columns;
}

// What looks like a record inside quotes is none: the pass finds out, and the types are those of the records.
TEST(CsvScan, TextInQuotesDoesNotWidenAColumn) {
  std::string decoy;
  for (int line = 0; line < 3000; ++line) decoy += "a,b,c,d,e,f,g,h,i,j,k,l\n";
  const Passes seen = passes_over(table([&](int row, int column) {
    if (column < kColumns - 1) return std::to_string(row);
    return row % 5000 == 4999 ? "\"" + decoy + "\"" : std::string("text");
  }));
  EXPECT_TRUE(seen.columns.starts_with("c0 BIGINT, c1 BIGINT, c2 BIGINT, ")) << seen.columns;
}

TEST(CsvScan, ACompressedFileGoesThroughTheSameScan) {
  for (const char* name : {"in.csv", "in.csv.gz", "in.csv.zst"}) {
    StepHarness step("read");
    const std::string file = (step.work_dir() / name).string();
    step.sql("COPY (SELECT i AS id, hash(i) AS number, 'ř' || hash(i) AS text FROM range(300000) t(i)) TO '" + file +
             "' (FORMAT csv, HEADER, COMPRESSION '" +
             (file.ends_with(".gz")    ? "gzip"
              : file.ends_with(".zst") ? "zstd"
                                       : "none") +
             "')");
    step.set_config({{"path", name}});
    ASSERT_EQ(run_extract(step).error, "") << name;
    EXPECT_EQ(step.output_columns(), "id BIGINT, number UBIGINT, text VARCHAR") << name;
    EXPECT_EQ(step.query("SELECT count(*), sum(id), bool_and(number = hash(id) AND text = 'ř' || hash(id)) FROM {out}"),
              "300000|44999850000|true\n")
        << name;
    EXPECT_EQ(step.query("SELECT id FROM {out} LIMIT 2 OFFSET 199999"), "199999\n200000\n") << name;
    EXPECT_EQ(step.query("SELECT count(DISTINCT function_name) FROM duckdb_functions() WHERE "
                         "function_type = 'table' AND function_name LIKE 'osiris_%'"),
              "1\n")
        << name;
  }
}

TEST(CsvScan, ACompressedFileThatIsCutShortIsAnError) {
  StepHarness step("read");
  const std::string file = (step.work_dir() / "in.csv.gz").string();
  step.sql("COPY (SELECT i AS id, hash(i) AS number FROM range(300000) t(i)) TO '" + file +
           "' (FORMAT csv, HEADER, COMPRESSION 'gzip')");
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1000);
  step.set_config({{"path", "in.csv.gz"}});
  EXPECT_NE(run_extract(step).error.find("the file ends too early"), std::string::npos);
}

TEST(CsvScan, WordsThatMeanNullAreFoundByLengthAndFirstByte) {
  csv::NullWords words;
  words.add_standard();
  const std::string long_word(100, 'n');
  words.add(long_word);
  words.add("-999");
  for (const std::string& word :
       {std::string(), std::string("NA"), std::string("null"), long_word, std::string("-999"), std::string("-999.0")})
    EXPECT_TRUE(words.contains(word)) << word;
  for (const std::string& word : {std::string("NB"), std::string("nulL"), std::string(100, 'm'), std::string(99, 'n'),
                                  std::string("999"), std::string(" ")})
    EXPECT_FALSE(words.contains(word)) << word;
}

TEST(CsvScan, WordsThatMeanNullCountInColumnsOfEveryType) {
  const std::string text = table([](int row, int column) {
    if (row % 3 == 1) return std::string(column % 2 ? "missing" : "-1");
    return column == 2 ? "word " + std::to_string(row) : std::to_string(row) + (column == 3 ? ".5" : "");
  });
  StepHarness step("read");
  step.write_file("in.csv", text);
  step.set_config({{"path", "in.csv"}, {"na_values", Json::array({"missing", "-1"})}});
  ASSERT_EQ(run_extract(step).error, "");
  EXPECT_TRUE(step.output_columns().starts_with("c0 BIGINT, c1 BIGINT, c2 VARCHAR, c3 DOUBLE, "));
  EXPECT_EQ(step.query("SELECT count(c0), count(c1), count(c2), count(c3), count(*) FROM {out}"),
            "40000|40000|40000|40000|60000\n");
}

}  // namespace
}  // namespace osiris::worker::test
