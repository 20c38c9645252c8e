// One test per key of filesystem.csv_extractor's config, and what each refuses.
#include <fstream>

#include "tests/drivers/filesystem.csv_extractor/extract.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker::test {
namespace {

TEST(CsvExtractorKeys, PathStartsInTheWorkDirectory) {
  const Extracted got = extract("a\n1\n", Json::object(), "data/deep/in.csv");
  EXPECT_EQ(got.error, "");
  EXPECT_EQ(got.rows, "1\n");
  EXPECT_EQ(got.rows_read, 1u);
}

TEST(CsvExtractorKeys, PathThatIsMissingIsNamedInFull) {
  StepHarness step("read");
  step.set_config({{"path", "data/none.csv"}});
  const Extracted got = run_extract(step);
  EXPECT_EQ(got.error, "Step read: CSV file not found: " + (step.work_dir() / "data/none.csv").string());
}

TEST(CsvExtractorKeys, PathThatIsADirectoryIsRefused) {
  StepHarness step("read");
  step.write_file("data/in.csv", "a\n");
  step.set_config({{"path", "data"}});
  EXPECT_EQ(run_extract(step).error, "Step read: Path is not a file: " + (step.work_dir() / "data").string());
}

TEST(CsvExtractorKeys, PathIsRequired) {
  StepHarness step("read");
  EXPECT_EQ(run_extract(step).error, "Step read: 'path' is required in config");
}

TEST(CsvExtractorKeys, ConnectionsBaseDirIsWhereThePathStarts) {
  StepHarness step("read");
  step.write_file("drop/in.csv", "a\n7\n");
  step.set_connection("filesystem", "drop", Json::object({{"base_dir", "./drop"}}));
  step.set_config({{"path", "in.csv"}});
  EXPECT_EQ(run_extract(step).rows, "7\n");
}

TEST(CsvExtractorKeys, WhereThePlanPutsThePathBaseDirIsAlreadyIn) {
  StepHarness step("read");
  step.write_file("sandbox/files/0.csv", "a\n9\n");
  step.set_connection("filesystem", "drop", Json::object({{"base_dir", "./drop"}}));
  step.plan_path("in.csv", "sandbox/files/0.csv");
  step.set_config({{"path", "in.csv"}});
  EXPECT_EQ(run_extract(step).rows, "9\n");
}

TEST(CsvExtractorKeys, ConnectionsBaseDirDoesNotMoveAnAbsolutePath) {
  StepHarness step("read");
  const auto file = step.write_file("elsewhere.csv", "a\n8\n");
  step.set_connection("filesystem", "drop", Json::object({{"base_dir", "drop"}}));
  step.set_config({{"path", file.string()}});
  EXPECT_EQ(run_extract(step).rows, "8\n");
}

TEST(CsvExtractorKeys, CheckOfAConnectionWantsItsBaseDir) {
  StepHarness step("read");
  step.set_connection("filesystem", "drop", Json::object({{"base_dir", "drop"}}));
  EXPECT_FALSE(step.check(filesystem_csv_extractor()).ok());
  std::filesystem::create_directory(step.work_dir() / "drop");
  EXPECT_TRUE(step.check(filesystem_csv_extractor()).ok());
}

TEST(CsvExtractorKeys, DelimiterSeparatesFields) {
  const Extracted got = extract("a;b\n1,5;\"x;y\"\n", Json::object({{"delimiter", ";"}}));
  EXPECT_EQ(got.columns, "a VARCHAR, b VARCHAR");
  EXPECT_EQ(got.rows, "1,5|x;y\n");
  EXPECT_EQ(extract("a\tb\n1\t2\n", Json::object({{"delimiter", "\t"}})).rows, "1|2\n");
}

TEST(CsvExtractorKeys, DelimiterMustBeOneUsableCharacter) {
  for (const char* wrong : {"", "::", "\"", "\n", "\xc2\xa7"})
    EXPECT_NE(
        extract("a\n1\n", Json::object({{"delimiter", wrong}})).error.find("'delimiter' must be one ASCII character"),
        std::string::npos)
        << wrong;
}

TEST(CsvExtractorKeys, HeaderTrueNamesTheColumnsByTheFirstRow) {
  EXPECT_EQ(extract("a,,a,a.1,A\n1,2,3,4,5\n", Json::object({{"header", true}})).columns,
            "a BIGINT, Unnamed: 1 BIGINT, a.2 BIGINT, a.1 BIGINT, A.3 BIGINT");
}

TEST(CsvExtractorKeys, HeaderFalseNumbersTheColumns) {
  const Extracted got = extract("a,b\n1,2\n", Json::object({{"header", false}}));
  EXPECT_EQ(got.columns, "0 VARCHAR, 1 VARCHAR");
  EXPECT_EQ(got.rows, "a|b\n1|2\n");
}

TEST(CsvExtractorKeys, HeaderNumberIsTheRowOfTheNames) {
  const Extracted got = extract("made by\n\nx,y\n1,2\n", Json::object({{"header", 1}}));
  EXPECT_EQ(got.columns, "x BIGINT, y BIGINT");
  EXPECT_EQ(got.rows, "1|2\n");
}

TEST(CsvExtractorKeys, HeaderRowBeyondTheEndIsAnError) {
  EXPECT_EQ(extract("x,y\n1,2\n", Json::object({{"header", 5}})).error,
            "CSV parsing failed: 'header' names row 5, but the file has only 2 rows");
}

TEST(CsvExtractorKeys, ColumnsAreTakenInTheGivenOrder) {
  const Extracted got = extract("a,b,c\n1,2,3\n4,5,6\n", Json::object({{"columns", Json::array({"c", "a"})}}));
  EXPECT_EQ(got.columns, "c BIGINT, a BIGINT");
  EXPECT_EQ(got.rows, "3|1\n6|4\n");
  EXPECT_EQ(extract("1,2\n", Json::object({{"header", false}, {"columns", Json::array({1})}})).rows, "2\n");
}

TEST(CsvExtractorKeys, ColumnsThatAreMissingAreNamedWithTheNearest) {
  const Extracted got = extract("price,name\n1,2\n", Json::object({{"columns", Json::array({"prise"})}}));
  EXPECT_EQ(got.error, "CSV parsing failed: 'columns' names column 'prise', which the file does not have");
  EXPECT_EQ(got.hint, "did you mean 'price'? columns: price, name");
}

TEST(CsvExtractorKeys, SkipRowsDropsLinesBeforeTheHeader) {
  const Extracted got = extract("report \"of\nMarch\",1\n\na,b\n1,2\n", Json::object({{"skip_rows", 2}}));
  EXPECT_EQ(got.columns, "a BIGINT, b BIGINT");
  EXPECT_EQ(got.rows, "1|2\n");
}

TEST(CsvExtractorKeys, SkipRowsSeesQuotesWhereAFieldStartsAndOnlyThere) {
  const Json one = Json::object({{"skip_rows", 1}});
  EXPECT_EQ(extract("title,\"of \"\"a\"\"\nfile\"\na,b\n1,2\n", one).columns, "a BIGINT, b BIGINT");
  EXPECT_EQ(extract("5\" pipes\na,b\n1,2\n", one).columns, "a BIGINT, b BIGINT");
  EXPECT_EQ(extract("x,\"never closed\na,b\n1,2\n", one).rows_read, 0u);
}

TEST(CsvExtractorKeys, SkipRowsBeyondTheEndLeavesAnEmptyFile) {
  EXPECT_EQ(extract("a\n1\n", Json::object({{"skip_rows", 9}})).rows_read, 0u);
}

TEST(CsvExtractorKeys, LimitStopsAfterSoManyRows) {
  const Extracted got = extract("a\n1\n2\nthree\n", Json::object({{"limit", 2}}));
  EXPECT_EQ(got.columns, "a BIGINT") << "rows beyond the limit say nothing about types";
  EXPECT_EQ(got.rows, "1\n2\n");
  EXPECT_EQ(got.rows_read, 2u);
}

TEST(CsvExtractorKeys, LimitMustBeAtLeastOne) {
  EXPECT_NE(extract("a\n1\n", Json::object({{"limit", 0}})).error.find("'limit' must be"), std::string::npos);
}

TEST(CsvExtractorKeys, ParseDatesOffKeepsText) {
  EXPECT_EQ(extract("d\n2025-03-01\n", Json::object({{"parse_dates", false}})).columns, "d VARCHAR");
}

TEST(CsvExtractorKeys, ParseDatesListTurnsThoseColumnsIntoTimestamps) {
  const Extracted got =
      extract("d,e,f,g\n2025-03-01,2025-03-01,20250301,3/4/2025\n2025-03-01T04:10:00.5,,20250302,3/5/2025\n",
              Json::object({{"parse_dates", Json::array({"d", 2, "g"})}}));
  EXPECT_EQ(got.columns, "d TIMESTAMP, e VARCHAR, f TIMESTAMP, g TIMESTAMP");
  EXPECT_EQ(got.rows,
            "2025-03-01 00:00:00|2025-03-01|2025-03-01 00:00:00|2025-03-04 00:00:00\n"
            "2025-03-01 04:10:00.5|NULL|2025-03-02 00:00:00|2025-03-05 00:00:00\n");
}

TEST(CsvExtractorKeys, ParseDatesLeavesAColumnThatIsNoDateAsTextAndSaysSo) {
  StepHarness step("read");
  step.write_file("in.csv", "d\n2025-03-01\nsoon\n");
  step.set_config({{"path", "in.csv"}, {"parse_dates", Json::array({"d"})}});
  EXPECT_EQ(run_extract(step).columns, "d VARCHAR");
  EXPECT_EQ(step.logs(),
            std::vector<std::string>{"parse_dates: column 'd': 'soon' is not a date; the column stays text"});
}

TEST(CsvExtractorKeys, ParseDatesTrueTakesEveryTextColumnOfDates) {
  EXPECT_EQ(extract("d,t,n,e\n2025-03-01,x,5,\n", Json::object({{"parse_dates", true}})).columns,
            "d TIMESTAMP, t VARCHAR, n BIGINT, e DOUBLE");
}

TEST(CsvExtractorKeys, ParseDatesOfAnUnknownColumnIsAnError) {
  EXPECT_NE(extract("d\nx\n", Json::object({{"parse_dates", Json::array({"when"})}}))
                .error.find("'parse_dates' names column 'when'"),
            std::string::npos);
}

TEST(CsvExtractorKeys, DtypeForcesTheTypeOfAColumn) {
  const Json types = Json::object({{"zip", "str"},
                                   {"n", "float64"},
                                   {"s", "int16"},
                                   {"u", "uint8"},
                                   {"b", "boolean"},
                                   {"f", "float32"},
                                   {"d", "datetime64[ns]"},
                                   {"c", "category"}});
  const Extracted got =
      extract("zip,n,s,u,b,f,d,c\n00420,1,-5,200,True,0.5,2025-03-01,7\n,,,,,,,\n", Json::object({{"dtype", types}}));
  EXPECT_EQ(got.error, "");
  EXPECT_EQ(got.columns, "zip VARCHAR, n DOUBLE, s SMALLINT, u UTINYINT, b BOOLEAN, f FLOAT, d TIMESTAMP, c VARCHAR");
  EXPECT_EQ(got.rows, "00420|1.0|-5|200|true|0.5|2025-03-01 00:00:00|7\nNULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL\n");
}

TEST(CsvExtractorKeys, DtypeThatDoesNotFitNamesLineColumnAndValue) {
  EXPECT_EQ(extract("a,n\n1,1\n2,1.5\n", Json::object({{"dtype", Json::object({{"n", "int64"}})}})).error,
            "CSV parsing failed: line 3, column 'n': '1.5' is not int64");
}

TEST(CsvExtractorKeys, DtypeOverflowNamesLineColumnValueAndRange) {
  const auto error = [](const char* type, const char* value) {
    return extract("a,n\n1,\n2," + std::string(value) + "\n", Json::object({{"dtype", Json::object({{"n", type}})}}))
        .error;
  };
  const std::string where = "CSV parsing failed: line 3, column 'n': ";
  EXPECT_EQ(error("int8", "300"), where + "'300' is beyond int8 (-128 to 127)");
  EXPECT_EQ(error("int8", "-129"), where + "'-129' is beyond int8 (-128 to 127)");
  EXPECT_EQ(error("int16", "32768"), where + "'32768' is beyond int16 (-32768 to 32767)");
  EXPECT_EQ(error("Int32", "2147483648"), where + "'2147483648' is beyond Int32 (-2147483648 to 2147483647)");
  EXPECT_EQ(error("int64", "9223372036854775808"),
            where + "'9223372036854775808' is beyond int64 (-9223372036854775808 to 9223372036854775807)");
  EXPECT_EQ(error("uint8", "256"), where + "'256' is beyond uint8 (0 to 255)");
  EXPECT_EQ(error("uint64", "-1"), where + "'-1' is beyond uint64 (0 to 18446744073709551615)");
  EXPECT_EQ(error("float32", "1e39"), where + "'1e39' is beyond float32");
  EXPECT_EQ(error("bool", "2"), where + "'2' is not bool");
  for (const auto& [type, value] : {std::pair{"int8", "-128"},
                                    {"uint8", "255"},
                                    {"uint64", "18446744073709551615"},
                                    {"int64", "-9223372036854775808"},
                                    {"float32", "3.4e38"}})
    EXPECT_EQ(error(type, value), "") << type;
}

TEST(CsvExtractorKeys, DtypeOfAnUnknownTypeOrColumnIsAnError) {
  const Extracted got = extract("n\n1\n", Json::object({{"dtype", Json::object({{"n", "int46"}})}}));
  EXPECT_EQ(got.error, "dtype of column 'n': 'int46' is not a type");
  EXPECT_EQ(got.hint.substr(0, 22), "did you mean 'int64'? ");
  EXPECT_NE(extract("n\n1\n", Json::object({{"dtype", Json::object({{"m", "int64"}})}}))
                .error.find("'dtype' names column 'm'"),
            std::string::npos);
}

TEST(CsvExtractorKeys, NaValuesAreNullBesideTheStandardWords) {
  const Extracted got =
      extract("a,b\n1,-\n-,x\n-9,NA\n-9.0,None\n3,\"null\"\n", Json::object({{"na_values", Json::array({"-", -9})}}));
  EXPECT_EQ(got.columns, "a BIGINT, b VARCHAR");
  EXPECT_EQ(got.rows, "1|NULL\nNULL|x\nNULL|NULL\nNULL|NULL\n3|NULL\n");
}

TEST(CsvExtractorKeys, WordsThatAreNotListedStayText) { EXPECT_EQ(extract("a\n-\n1\n").rows, "-\n1\n"); }

TEST(CsvExtractorKeys, SkipBlankLinesTrueLeavesThemOut) {
  EXPECT_EQ(extract("a,b\n\n1,2\n  \n3,4\n", Json::object({{"skip_blank_lines", true}})).rows, "1|2\n3|4\n");
}

TEST(CsvExtractorKeys, SkipBlankLinesFalseMakesThemRowsOfNulls) {
  EXPECT_EQ(extract("a,b\n1,2\n\n3,4\n", Json::object({{"skip_blank_lines", false}})).rows, "1|2\nNULL|NULL\n3|4\n");
}

TEST(CsvExtractorKeys, CommentEndsALineWhereverItStandsOutsideQuotes) {
  const Extracted got =
      extract("# made by hand\na,b\n1,x#y\n\"#2\",z # and so on\n#3,3\n", Json::object({{"comment", "#"}}));
  EXPECT_EQ(got.rows, "1|x\n#2|z \n");
}

TEST(CsvExtractorKeys, WithoutCommentTheCharacterIsText) { EXPECT_EQ(extract("a\n#1\n").rows, "#1\n"); }

TEST(CsvExtractorKeys, OnBadLinesErrorNamesLineExpectedAndFound) {
  const Extracted got = extract("a,b\n1,\"x\ny\"\n1,2,3\n", Json::object({{"on_bad_lines", "error"}}));
  EXPECT_EQ(got.error, "CSV parsing failed: Expected 2 fields in line 4, saw 3");
  EXPECT_EQ(extract("a,b\n1,2,3\n").error, "CSV parsing failed: Expected 2 fields in line 2, saw 3")
      << "it is the default";
}

TEST(CsvExtractorKeys, OnBadLinesWarnSkipsTheLineAndTellsOfIt) {
  StepHarness step("read");
  step.write_file("in.csv", "a,b\n1,2\n1,2,3\n3,4\n");
  step.set_config({{"path", "in.csv"}, {"on_bad_lines", "warn"}});
  EXPECT_EQ(run_extract(step).rows, "1|2\n3|4\n");
  ASSERT_EQ(step.events().size(), 1u);
  EXPECT_EQ(step.events()[0].name, "csv_bad_line");
  EXPECT_EQ(step.events()[0].fields.dump(), R"({"line":3,"expected":2,"found":3})");
}

TEST(CsvExtractorKeys, OnBadLinesSkipCountsThemOnly) {
  StepHarness step("read");
  step.write_file("in.csv", "a,b\n1,2\n1,2,3\n3,4\n");
  step.set_config({{"path", "in.csv"}, {"on_bad_lines", "skip"}});
  EXPECT_EQ(run_extract(step).rows, "1|2\n3|4\n");
  EXPECT_TRUE(step.events().empty());
  ASSERT_EQ(step.metrics().size(), 1u);
  EXPECT_EQ(step.metrics()[0].name, "rows_skipped");
}

TEST(CsvExtractorKeys, AShortRowIsPaddedWithNullsAndATrailingDelimiterIsForgiven) {
  EXPECT_EQ(extract("a,b\n1\n2,x,\n").rows, "1|NULL\n2|x\n");
}

TEST(CsvExtractorKeys, ChunkSizeIsHowOftenProgressIsReported) {
  std::string text = "a\n";
  for (int i = 0; i < 1000; ++i) text += std::to_string(i) + "\n";
  const auto reports = [&](int chunk_size) {
    StepHarness step("read");
    step.write_file("in.csv", text);
    step.set_config({{"path", "in.csv"}, {"chunk_size", chunk_size}});
    EXPECT_EQ(run_extract(step).rows_read, 1000u);
    return step.progress_reports();
  };
  EXPECT_EQ(reports(250), (std::vector<uint64_t>{250, 500, 750, 1000}));
  EXPECT_EQ(reports(10000), std::vector<uint64_t>{1000});
}

TEST(CsvExtractorKeys, BytesReadAreReportedWithTheSizeOfTheFile) {
  std::string text = "a,b\n";
  for (int i = 0; i < 400'000; ++i) text += std::to_string(i) + ",some words to make it longer\n";
  StepHarness step("read");
  for (const char* setting : {"SET enable_progress_bar_print = false", "SET enable_progress_bar = true"})
    ASSERT_TRUE(sql::execute(step.connection_handle(), setting).ok());
  step.write_file("in.csv", text);
  step.set_config({{"path", "in.csv"}});
  run_extract(step);
  const auto reports = step.byte_reports();
  ASSERT_GT(reports.size(), 1u);
  EXPECT_EQ(reports.back(), (std::pair<uint64_t, uint64_t>{text.size(), text.size()}));
  for (const auto& [done, total] : reports) {
    EXPECT_LE(done, total);
    EXPECT_EQ(total, text.size());
  }
}

}  // namespace
}  // namespace osiris::worker::test
