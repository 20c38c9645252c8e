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

TEST(CsvWriterKeys, APathOfAnotherKindOfFileIsRefused) {
  for (const char* path : {"out.xlsx", "out.csv.7z", "out.PARQUET", "out.json"}) {
    StepHarness step("save");
    step.add_input("rows", kRow);
    step.set_config({{"path", path}});
    const auto outcome = step.run(filesystem_csv_writer());
    ASSERT_FALSE(outcome.ok()) << path;
    EXPECT_NE(outcome.error().message.find("and this component writes CSV text"), std::string::npos);
    EXPECT_TRUE(step.files_in().empty()) << path;
    step.set_config({{"path", path}, {"compression", "none"}});
    EXPECT_TRUE(step.run(filesystem_csv_writer()).ok()) << path << ": the user insists";
  }
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
  EXPECT_EQ(
      write_csv(kRow, Json::object({{"encoding", "cp1250"}})),
      "error: 'encoding' must be utf-8, utf-16, ascii, latin-1, iso-8859-1, cp1252 or windows-1252, not 'cp1250'");
}

TEST(CsvWriterKeys, EncodingCp1252HasTheEuroSign) {
  for (const char* name : {"cp1252", "windows-1252"})
    EXPECT_EQ(write_csv("SELECT '5 € “é”' AS a", Json::object({{"encoding", name}})), "a\n5 \x80 \x93\xe9\x94\n");
  EXPECT_EQ(write_csv("SELECT chr(129) AS a", Json::object({{"encoding", "cp1252"}})),
            "error: CSV encoding error (cp1252): row 1, column 'a': '\xc2\x81' (U+0081) cannot be written");
}

TEST(CsvWriterKeys, EncodingLatin1ThatLacksTheEuroSignNamesTheOneThatHasIt) {
  StepHarness step("save");
  step.add_input("rows", "SELECT '€' AS a");
  step.set_config({{"path", "out.csv"}, {"encoding", "latin-1"}});
  EXPECT_EQ(step.run(filesystem_csv_writer()).error().hint,
            "write the file with encoding: utf-8 or cp1252, or replace such characters in a SQL step");
}

constexpr const char* kThree = "SELECT 1 AS b, 2 AS \"C\", 3 AS a";

TEST(CsvWriterKeys, ColumnOrderQueryKeepsTheOrderOfTheInput) {
  EXPECT_EQ(write_csv(kThree, Json::object({{"column_order", "query"}})), "b,C,a\n1,2,3\n");
  EXPECT_EQ(write_csv(kThree, Json::object({{"column_order", "name"}})), "C,a,b\n2,3,1\n");
  EXPECT_EQ(write_csv(kThree), "C,a,b\n2,3,1\n") << "the order of old pipelines";
  EXPECT_EQ(write_csv(kThree, Json::object({{"column_order", "sql"}})),
            "error: 'column_order' must be name or query, not 'sql'");
}

TEST(CsvWriterKeys, ColumnsAreWrittenInTheGivenOrderAndNoOthers) {
  EXPECT_EQ(write_csv(kThree, Json::object({{"columns", Json::array({"a", "b"})}})), "a,b\n3,1\n");
  EXPECT_EQ(write_csv(kThree, Json::object({{"columns", Json::array({"a", "a"})}})),
            "error: 'columns' names column 'a' twice");
  EXPECT_EQ(write_csv(kThree, Json::object({{"columns", Json::array({"a"})}, {"column_order", "query"}})),
            "error: 'columns' gives the order itself: leave 'column_order' out");
}

TEST(CsvWriterKeys, ColumnsThatAreMissingAreNamedWithTheNearest) {
  StepHarness step("save");
  step.add_input("rows", "SELECT 1 AS price, 2 AS name");
  step.set_config({{"path", "out.csv"}, {"columns", Json::array({"prise"})}});
  const auto outcome = step.run(filesystem_csv_writer());
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().message, "'columns' names column 'prise', which the input does not have");
  EXPECT_EQ(outcome.error().hint, "did you mean 'price'? columns: price, name");
  EXPECT_TRUE(step.files_in().empty());
}

TEST(CsvWriterKeys, DecimalReplacesThePointOfNumbersAndOfNothingElse) {
  EXPECT_EQ(write_csv("SELECT 1.5::DOUBLE AS a, 2.50::DECIMAL(9,2) AS b, 0.25::FLOAT AS c, 'v1.5' AS d, 3 AS e, "
                      "TIMESTAMP '2025-03-01 10:00:00.5' AS f, [1.5::DOUBLE] AS g",
                      Json::object({{"delimiter", ";"}, {"decimal", ","}})),
            "a;b;c;d;e;f;g\n1,5;2,50;0,25;v1.5;3;2025-03-01 10:00:00.500;[1.5]\n");
  EXPECT_EQ(write_csv("SELECT 1.5::DOUBLE AS a, 2 AS b", Json::object({{"decimal", ","}})), "a,b\n\"1,5\",2\n");
}

TEST(CsvWriterKeys, QuotecharStandsAroundFieldsAndIsDoubledInside) {
  EXPECT_EQ(write_csv("SELECT 'x,y' AS a, 'it''s' AS b, '\"q\"' AS c", Json::object({{"quotechar", "'"}})),
            "a,b,c\n'x,y','it''s',\"q\"\n");
  EXPECT_EQ(write_csv("SELECT '' AS a", Json::object({{"quotechar", "'"}})), "a\n''\n");
}

TEST(CsvWriterKeys, EscapecharStandsBeforeQuotesAndItself) {
  EXPECT_EQ(write_csv("SELECT 'x\"y' AS a, 'b\\c' AS b, 'd' AS c", Json::object({{"escapechar", "\\"}})),
            "a,b,c\n\"x\\\"y\",\"b\\\\c\",d\n");
}

TEST(CsvWriterKeys, CharactersThatMustDifferAreTold) {
  EXPECT_EQ(write_csv(kRow, Json::object({{"quotechar", ","}})),
            "error: 'quotechar' and 'delimiter' are the same character");
  EXPECT_EQ(write_csv(kRow, Json::object({{"escapechar", "'"}, {"quotechar", "'"}})),
            "error: 'escapechar' and 'quotechar' are the same character");
}

TEST(CsvWriterKeys, EncodingErrorsNameTheColumnBehindQuotesOfAnyKind) {
  EXPECT_EQ(write_csv("SELECT 'x''y,z' AS a, 'ě' AS b", Json::object({{"encoding", "ascii"}, {"quotechar", "'"}})),
            "error: CSV encoding error (ascii): row 1, column 'b': 'ě' (U+011B) cannot be written");
  EXPECT_EQ(write_csv("SELECT 'x\",z' AS a, 'ě' AS b", Json::object({{"encoding", "ascii"}, {"escapechar", "\\"}})),
            "error: CSV encoding error (ascii): row 1, column 'b': 'ě' (U+011B) cannot be written");
}

TEST(CsvWriterKeys, CompressionOthersAreRefused) {
  EXPECT_EQ(write_csv(kRow, Json::object({{"compression", "rar"}})),
            "error: 'compression' must be infer, none, gzip, bz2, zip, xz or zstd, not 'rar'");
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
