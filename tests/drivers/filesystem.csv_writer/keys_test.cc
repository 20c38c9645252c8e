// One test per key of filesystem.csv_writer's config, and what each refuses.
#include <algorithm>

#include "tests/drivers/filesystem.csv_writer/write.h"

namespace osiris::worker::test {
namespace {

constexpr const char* kRow = "SELECT 'x' AS b, 1 AS a";

TEST(CsvWriterKeys, PathIsWhereTheFileGoesAndIsDeclared) {
  StepHarness step("save");
  step.add_input("rows", "SELECT i AS a FROM range(3) t(i)");
  step.set_config({{"path", "out/deep/result.csv"}});
  const auto outcome = step.run(filesystem_csv_writer());
  ASSERT_TRUE(outcome.ok()) << outcome.error().message;
  EXPECT_EQ(outcome->rows_written, 3u);
  EXPECT_EQ(step.read_file("out/deep/result.csv"), "a\n0\n1\n2\n");
  ASSERT_EQ(step.outputs().size(), 1u);
  EXPECT_EQ(step.outputs()[0].file.path, "out/deep/result.csv");
  EXPECT_EQ(step.outputs()[0].file.target, step.work_dir() / "out/deep/result.csv");
  EXPECT_EQ(step.outputs()[0].rows, 3u);
}

TEST(CsvWriterKeys, PathIsRequired) {
  StepHarness step("save");
  step.add_input("rows", kRow);
  const auto outcome = step.run(filesystem_csv_writer());
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().message, "Step save: 'path' is required in config");
}

TEST(CsvWriterKeys, WithoutAnInputThereIsNothingToWrite) {
  StepHarness step("save");
  step.set_config({{"path", "out.csv"}});
  const auto outcome = step.run(filesystem_csv_writer());
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().message, "Step save: FilesystemCsvWriterDriver requires inputs with DataFrame");
}

TEST(CsvWriterKeys, ConnectionsBaseDirIsWhereThePathStarts) {
  StepHarness step("save");
  step.add_input("rows", kRow);
  step.set_connection("filesystem", "drop", Json::object({{"base_dir", "./drop"}}));
  step.set_config({{"path", "out.csv"}});
  ASSERT_TRUE(step.run(filesystem_csv_writer()).ok());
  EXPECT_EQ(step.read_file("drop/out.csv"), "a,b\n1,x\n");
  EXPECT_EQ(step.outputs().at(0).file.path, "out.csv") << "as the pipeline wrote it";
}

TEST(CsvWriterKeys, WhereThePlanPutsThePathBaseDirIsAlreadyIn) {
  StepHarness step("save");
  step.add_input("rows", kRow);
  step.set_connection("filesystem", "drop", Json::object({{"base_dir", "./drop"}}));
  step.plan_path("out.csv", "sandbox/drop/out.csv");
  step.set_config({{"path", "out.csv"}});
  ASSERT_TRUE(step.run(filesystem_csv_writer()).ok());
  EXPECT_EQ(step.files_in("sandbox/drop"), std::vector<std::string>{"out.csv"});
}

TEST(CsvWriterKeys, DelimiterSeparatesAndIsQuotedInside) {
  EXPECT_EQ(write_csv("SELECT 'x;y' AS a, 'x,y' AS b", Json::object({{"delimiter", ";"}})), "a;b\n\"x;y\";x,y\n");
  EXPECT_EQ(write_csv("SELECT 1.5::DOUBLE AS a, 2 AS b", Json::object({{"delimiter", "."}})), "a.b\n\"1.5\".2\n");
}

TEST(CsvWriterKeys, DelimiterMustBeOneUsableCharacter) {
  for (const char* wrong : {"", "::", "\"", "\n", "\xc2\xa7"})
    EXPECT_NE(
        write_csv(kRow, Json::object({{"delimiter", wrong}})).find("error: 'delimiter' must be one ASCII character"),
        std::string::npos);
}

TEST(CsvWriterKeys, HeaderFalseLeavesTheNamesOut) {
  EXPECT_EQ(write_csv(kRow, Json::object({{"header", false}})), "1,x\n");
  EXPECT_EQ(write_csv(kRow, Json::object({{"header", true}})), "a,b\n1,x\n");
}

TEST(CsvWriterKeys, EncodingUtf8IsTheDefault) { EXPECT_EQ(write_csv("SELECT 'ě' AS \"č\""), "č\ně\n"); }

TEST(CsvWriterKeys, EncodingUtf16HasAMarkAndPairs) {
  EXPECT_EQ(write_csv("SELECT 'ě🐘' AS a", Json::object({{"encoding", "utf-16"}})),
            std::string("\xff\xfe"
                        "a\0\n\0\x1b\x01\x3d\xd8\x18\xdc\n\0",
                        14));
}

TEST(CsvWriterKeys, EncodingLatin1AndAscii) {
  EXPECT_EQ(write_csv("SELECT 'café' AS a", Json::object({{"encoding", "latin-1"}})), "a\ncaf\xe9\n");
  EXPECT_EQ(write_csv("SELECT 'cafe' AS a", Json::object({{"encoding", "ascii"}})), "a\ncafe\n");
}

TEST(CsvWriterKeys, EncodingThatLacksACharacterNamesRowAndColumn) {
  EXPECT_EQ(
      write_csv("SELECT i AS a, CASE WHEN i = 1234 THEN 'a \"b, ě' ELSE 'x,y' END AS b, 'z' AS c FROM range(5000) t(i)",
                Json::object({{"encoding", "latin-1"}})),
      "error: CSV encoding error (latin-1): row 1235, column 'b': 'ě' (U+011B) cannot be written");
  EXPECT_EQ(write_csv("SELECT 1 AS a, 2 AS \"é\"", Json::object({{"encoding", "ascii"}})),
            "error: CSV encoding error (ascii): header, column 'é': 'é' (U+00E9) cannot be written");
  EXPECT_EQ(write_csv(kRow, Json::object({{"encoding", "cp1250"}})),
            "error: 'encoding' must be utf-8, utf-16, ascii or latin-1, not 'cp1250'");
}

TEST(CsvWriterKeys, NewlineEndsEveryLine) {
  EXPECT_EQ(write_csv(kRow, Json::object({{"newline", "lf"}})), "a,b\n1,x\n");
  EXPECT_EQ(write_csv(kRow, Json::object({{"newline", "crlf"}})), "a,b\r\n1,x\r\n");
  EXPECT_EQ(write_csv(kRow, Json::object({{"newline", "cr"}})), "a,b\r1,x\r");
  EXPECT_EQ(write_csv(kRow, Json::object({{"newline", "lfcr"}})),
            "error: 'newline' must be lf, crlf or cr, not 'lfcr'");
}

constexpr const char* kMixed =
    "SELECT 1 AS a, 1.5::DOUBLE AS b, true AS c, 'x' AS d, NULL::INTEGER AS e, NULL::VARCHAR AS f, 2.50::DECIMAL(9,2) "
    "AS g, "
    "DATE '2025-03-01' AS h, '' AS i";

TEST(CsvWriterKeys, QuotingMinimalQuotesWhatNeedsIt) {
  EXPECT_EQ(write_csv(kMixed, Json::object({{"quoting", "minimal"}})),
            "a,b,c,d,e,f,g,h,i\n1,1.5,True,x,,,2.50,2025-03-01,\n");
  EXPECT_EQ(
      write_csv(
          "SELECT 'a,b' AS a, 'a\"b' AS b, 'a' || chr(10) || 'b' AS c, 'a' || chr(13) AS d, ' a ' AS e, '#' AS f"),
      "a,b,c,d,e,f\n\"a,b\",\"a\"\"b\",\"a\nb\",\"a\r\", a ,#\n");
}

TEST(CsvWriterKeys, QuotingAllQuotesEverything) {
  EXPECT_EQ(write_csv(kMixed, Json::object({{"quoting", "all"}})),
            "\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\"\n\"1\",\"1.5\",\"True\",\"x\",\"\",\"\",\"2.50\","
            "\"2025-03-01\",\"\"\n");
}

TEST(CsvWriterKeys, QuotingNonnumericLeavesNumbersAlone) {
  EXPECT_EQ(
      write_csv(kMixed, Json::object({{"quoting", "nonnumeric"}})),
      "\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\"\n1,1.5,True,\"x\",\"\",\"\",2.50,\"2025-03-01\",\"\"\n");
}

TEST(CsvWriterKeys, QuotingOthersAreRefused) {
  EXPECT_EQ(write_csv(kRow, Json::object({{"quoting", "none"}})),
            "error: 'quoting' must be minimal, all or nonnumeric, not 'none'");
}

TEST(CsvWriterKeys, ChunkSizeIsHowOftenRowsAreWrittenAndReported) {
  const auto reports = [](int chunk_size) {
    StepHarness step("save");
    step.add_input("rows", "SELECT i AS a FROM range(5000) t(i)");
    step.set_config({{"path", "out.csv"}, {"chunk_size", chunk_size}});
    EXPECT_TRUE(step.run(filesystem_csv_writer()).ok());
    auto seen = step.progress_reports();
    seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
    return seen;
  };
  EXPECT_EQ(reports(1500), (std::vector<uint64_t>{1500, 3000, 4500, 5000}));
  EXPECT_EQ(reports(100000), std::vector<uint64_t>{5000});
}

TEST(CsvWriterKeys, CreateDirsFalseWantsTheDirectory) {
  StepHarness step("save");
  step.add_input("rows", kRow);
  step.set_config({{"path", "new/out.csv"}, {"create_dirs", false}});
  EXPECT_FALSE(step.check(filesystem_csv_writer()).ok());
  const auto outcome = step.run(filesystem_csv_writer());
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().message,
            "cannot write: the directory " + (step.work_dir() / "new").string() + " does not exist");
  EXPECT_EQ(outcome.error().category, "write.path_not_found");
  EXPECT_TRUE(step.files_in().empty());
  std::filesystem::create_directory(step.work_dir() / "new");
  EXPECT_TRUE(step.run(filesystem_csv_writer()).ok());
}

TEST(CsvWriterKeys, CreateDirsTrueMakesThem) {
  StepHarness step("save");
  step.add_input("rows", kRow);
  step.set_config({{"path", "new/deep/out.csv"}, {"create_dirs", true}});
  EXPECT_TRUE(step.check(filesystem_csv_writer()).ok());
  EXPECT_TRUE(step.files_in().empty()) << "a check makes nothing";
  EXPECT_TRUE(step.run(filesystem_csv_writer()).ok());
  EXPECT_EQ(step.read_file("new/deep/out.csv"), "a,b\n1,x\n");
}

}  // namespace
}  // namespace osiris::worker::test
