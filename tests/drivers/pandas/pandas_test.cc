// The bytes of the CSV drivers against those of pandas, which the Python Osiris calls: read_csv, columns sorted,
// to_csv. The cases in tests/fixtures/pandas were made and recorded with pandas 2.2.3 and DuckDB 1.4.4's Python package
// by make_*_cases.py beside this file, which also apply the rules of docs/compatibility.md. More cases, of another
// seed: OSIRIS_PANDAS_CASES=file, OSIRIS_PANDAS_SQL_CASES=file.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "protocol/base/json.h"
#include "tests/drivers/harness.h"
#include "worker/driver_api/sql.h"
#include "worker/drivers/filesystem.csv_extractor/driver.h"
#include "worker/drivers/filesystem.csv_writer/driver.h"

namespace osiris::worker::test {
namespace {

constexpr int kFailuresShownMax = 10;

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

std::string shown(const std::string& bytes) { return Json(bytes).dump(); }

// Extractor or SQL, then writer: the bytes, or "error: ...".
std::string run_case(const Json& example) {
  StepHarness read("read");
  if (example.contains("sql")) {
    const Status made = sql::execute(
        read.connection_handle(), "CREATE TABLE " + read.output_table().quoted() + " AS " + example["sql"].as_string());
    if (!made.ok()) return "error: " + made.error().message;
  } else {
    read.write_file("in.csv",
                    example.contains("text") ? example["text"].as_string() : from_hex(example["hex"].as_string()));
    Json config = example["extract"];
    config.set("path", "in.csv");
    read.set_config(config);
    const auto extracted = read.run(filesystem_csv_extractor());
    if (!extracted.ok()) return "error: " + extracted.error().message;
  }
  read.add_input("read", "SELECT * FROM " + read.output_table().quoted());
  Json config = example["write"].is_object() ? example["write"] : Json::object();
  config.set("path", "out.csv");
  read.set_config(config);
  const auto written = read.run(filesystem_csv_writer());
  return written.ok() ? read.read_file("out.csv") : "error: " + written.error().message;
}

void check(const std::filesystem::path& file) {
  std::ifstream lines(file);
  ASSERT_TRUE(lines) << file;
  int cases = 0, failures = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto example = parse_json(line);
    ASSERT_TRUE(example.ok()) << line;
    ++cases;
    const std::string got = run_case(*example);
    const Json& want = (*example)["want"];
    const bool fits = want.is_string() ? got == want.as_string() : got.starts_with("error: ");
    if (fits || ++failures > kFailuresShownMax) continue;
    ADD_FAILURE() << "case " << cases << ": " << line << "\n  want " << want.dump() << "\n  got  " << shown(got);
  }
  EXPECT_GT(cases, 0);
  EXPECT_EQ(failures, 0) << "of " << cases << " cases";
}

std::filesystem::path recorded(const char* name) {
  return std::filesystem::path(std::getenv("OSIRIS_SOURCE_DIR")) / "tests/fixtures/pandas" / name;
}

TEST(Pandas, FilesComeOutOfReaderAndWriterAsFromPandas) {
  const char* more = std::getenv("OSIRIS_PANDAS_CASES");
  check(more ? std::filesystem::path(more) : recorded("csv.jsonl"));
}

TEST(Pandas, FilesOfOtherQuotesEscapesDecimalsAndNullWordsDoToo) { check(recorded("formats.jsonl")); }

TEST(Pandas, ResultsOfSqlComeOutOfTheWriterAsFromPandas) {
  const char* more = std::getenv("OSIRIS_PANDAS_SQL_CASES");
  check(more ? std::filesystem::path(more) : recorded("sql.jsonl"));
}

}  // namespace
}  // namespace osiris::worker::test
