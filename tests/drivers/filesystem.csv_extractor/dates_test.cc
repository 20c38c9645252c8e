// parse_dates and the datetime64 types: what is a date, what it is read as, and what is never dropped from it.
#include "tests/drivers/filesystem.csv_extractor/extract.h"
#include "worker/drivers/filesystem.csv_extractor/date_text.h"

namespace osiris::worker::test {
namespace {

struct Dates {
  std::string columns, rows;
  std::vector<std::string> logs;
};

// A column `d` of these values, read with parse_dates: [d].
Dates read_dates(const std::vector<std::string>& values, Json config = Json::object()) {
  StepHarness step("read");
  std::string text = "d,n\n";
  for (const std::string& value : values) text += "\"" + value + "\",1\n";
  step.write_file("in.csv", text);
  config.set("path", "in.csv");
  if (!config.contains("dtype") && !config.contains("parse_dates")) config.set("parse_dates", Json::array({"d"}));
  step.set_config(std::move(config));
  const Extracted got = run_extract(step);
  EXPECT_EQ(got.error, "");
  return {got.columns.substr(0, got.columns.find(", n ")), step.query("SELECT d::VARCHAR FROM {out}"), step.logs()};
}

TEST(CsvDates, TwoDigitYearsPivotAsInPandas) {
  const Dates got = read_dates({"3/1/25", "12/31/99", "1/1/68", "1/1/69", "03/01/00 4:05"});
  EXPECT_EQ(got.columns, "d TIMESTAMP");
  EXPECT_EQ(got.rows,
            "2025-03-01 00:00:00\n1999-12-31 00:00:00\n2068-01-01 00:00:00\n1969-01-01 00:00:00\n"
            "2000-03-01 04:05:00\n");
}

TEST(CsvDates, EveryPatternTakesTheDigitsItNames) {
  const std::pair<const char*, const char*> dates[] = {{"2025-03-01", "2025-03-01 00:00:00"},
                                                       {"2025-3-1", "2025-03-01 00:00:00"},
                                                       {"2025/3/1", "2025-03-01 00:00:00"},
                                                       {"20250301", "2025-03-01 00:00:00"},
                                                       {"3/1/2025", "2025-03-01 00:00:00"},
                                                       {"2024-02-29", "2024-02-29 00:00:00"},
                                                       {"0001-01-01", "0001-01-01 00:00:00"},
                                                       {"9999-12-31 23:59:59.999999", "9999-12-31 23:59:59.999999"},
                                                       {"1969-12-31T23:59", "1969-12-31 23:59:00"},
                                                       {" 2025-03-01 4:05:06.5 ", "2025-03-01 04:05:06.5"},
                                                       {"20250301 10:00", "2025-03-01 10:00:00"},
                                                       {"3/1/2025 04:05:06", "2025-03-01 04:05:06"},
                                                       {"2025/03/01 04:05:06", "2025-03-01 04:05:06"},
                                                       {"1900-02-28", "1900-02-28 00:00:00"}};
  for (const auto& [text, shown] : dates) {
    const Dates got = read_dates({text});
    EXPECT_EQ(got.columns, "d TIMESTAMP") << text;
    EXPECT_EQ(got.rows, std::string(shown) + "\n") << text;
  }
}

TEST(CsvDates, CodesAndWhatIsNoDayOfTheCalendarAreNoDates) {
  for (const char* text : {"1234112",
                           "123456",
                           "12345678",
                           "123456789",
                           "1234-5-67",
                           "1234-567",
                           "3/1/5",
                           "3/1/025",
                           "3/1/20255",
                           "13/1/2025",
                           "2025-13-01",
                           "2025-02-30",
                           "2023-02-29",
                           "1900-02-29",
                           "2025-00-01",
                           "2025-01-00",
                           "0000-01-01",
                           "2025-001-01",
                           "2025-1/2",
                           "2025-03",
                           "2025",
                           "10:00",
                           "2025-03-01x",
                           "2025-03-01 24:00",
                           "2025-03-01 10:60",
                           "2025-03-01 10:00:60",
                           "2025-03-01 10:0",
                           "2025-03-01 10:00:00.",
                           "2025-03-01 10:00:00.1234567891",
                           "2025-03-01 (BC)",
                           "12025-03-01",
                           "-2025-03-01",
                           "2025-03-01 10:00+5",
                           "2025-03-01 10:00+05:3",
                           "2025-03-01 10:00+24:00",
                           "2025-03-01+05:00",
                           "1.3.2025",
                           "3-1-2025",
                           "2025-W10-1"}) {
    EXPECT_FALSE(csv::parse_date(text)) << text;
    const Dates got = read_dates({text});
    EXPECT_EQ(got.columns, "d VARCHAR") << text;
    EXPECT_EQ(got.rows, std::string(text) + "\n");
    EXPECT_EQ(got.logs, std::vector<std::string>{"parse_dates: column 'd': '" + std::string(text) +
                                                 "' is not a date; the column stays text"});
  }
}

TEST(CsvDates, OneCommonOffsetMakesInstants) {
  const Dates got = read_dates({"2025-03-01 10:00+05:30", "2025-03-01T00:00:00.5+0530"});
  EXPECT_EQ(got.columns, "d TIMESTAMP WITH TIME ZONE");
  EXPECT_EQ(got.rows, "2025-03-01 04:30:00+00\n2025-02-28 18:30:00.5+00\n");
  EXPECT_TRUE(got.logs.empty());
  for (const char* utc : {"2025-03-01 10:00Z", "2025-03-01 10:00 UTC", "2025-03-01T10:00:00+00:00"})
    EXPECT_EQ(read_dates({utc}).rows, "2025-03-01 10:00:00+00\n") << utc;
  EXPECT_EQ(read_dates({"2025-03-01 10:00 -08"}).rows, "2025-03-01 18:00:00+00\n");
}

TEST(CsvDates, DifferentOffsetsOrSomeMissingStayTextAndSaySo) {
  const Dates differ = read_dates({"2025-03-01 10:00+05:30", "2025-03-01 10:00-08:00"});
  EXPECT_EQ(differ.columns, "d VARCHAR");
  EXPECT_EQ(differ.rows, "2025-03-01 10:00+05:30\n2025-03-01 10:00-08:00\n");
  EXPECT_EQ(differ.logs, std::vector<std::string>{
                             "parse_dates: column 'd': '2025-03-01 10:00-08:00' and '2025-03-01 10:00+05:30' have "
                             "different offsets; the column stays text"});
  const Dates missing = read_dates({"2025-03-01 10:00", "2025-03-01 10:00Z"});
  EXPECT_EQ(missing.columns, "d VARCHAR");
  EXPECT_EQ(missing.logs,
            std::vector<std::string>{"parse_dates: column 'd': '2025-03-01 10:00Z' has an offset and '2025-03-01 "
                                     "10:00' has none; the column stays text"});
}

TEST(CsvDates, AColumnOfDatesThatTheStepDoesNotNameSaysWhyItStaysTextToo) {
  const Json all = Json::object({{"parse_dates", true}});
  EXPECT_EQ(read_dates({"2025-03-01 10:00+05:30", "2025-03-01 10:00-08:00"}, all).logs.size(), 1u);
  EXPECT_TRUE(read_dates({"2025-03-01", "soon"}, all).logs.empty());
  EXPECT_EQ(read_dates({"2025-03-01 10:00+02:00"}, all).columns, "d TIMESTAMP WITH TIME ZONE");
}

TEST(CsvDates, NanosecondsSurvive) {
  const Dates got = read_dates({"2025-03-01 10:00:00.123456789", "2025-03-01", "1677-09-22 00:00:00.1"});
  EXPECT_EQ(got.columns, "d TIMESTAMP_NS");
  EXPECT_EQ(got.rows, "2025-03-01 10:00:00.123456789\n2025-03-01 00:00:00\n1677-09-22 00:00:00.1\n");
  EXPECT_EQ(read_dates({"2025-03-01 10:00:00.123456000"}).columns, "d TIMESTAMP") << "no digit is lost";
}

TEST(CsvDates, NanosecondsThatFitNoTypeStayText) {
  const Dates far = read_dates({"2025-03-01 10:00:00.123456789", "9999-12-31"});
  EXPECT_EQ(far.columns, "d VARCHAR");
  EXPECT_EQ(far.logs, std::vector<std::string>{"parse_dates: column 'd': nanoseconds beside years outside 1678 to 2261 "
                                               "fit no type; the column stays text"});
  EXPECT_EQ(read_dates({"2025-03-01 10:00:00.123456789Z"}).rows, "2025-03-01 10:00:00.123456789Z\n");
}

TEST(CsvDates, ADeclaredTypeIsTheTypeWhateverTheValues) {
  const auto declared = [](const char* name) { return Json::object({{"dtype", Json::object({{"d", name}})}}); };
  EXPECT_EQ(read_dates({"3/1/25"}, declared("datetime64")).rows, "2025-03-01 00:00:00\n");
  EXPECT_EQ(read_dates({"2025-03-01 10:00:00.000000001"}, declared("datetime64[ns]")).columns, "d TIMESTAMP_NS");
  const Dates instants =
      read_dates({"2025-03-01 10:00+05:30", "2025-03-01 10:00-08:00"}, declared("datetime64[ns, UTC]"));
  EXPECT_EQ(instants.columns, "d TIMESTAMP WITH TIME ZONE");
  EXPECT_EQ(instants.rows, "2025-03-01 04:30:00+00\n2025-03-01 18:00:00+00\n");
}

TEST(CsvDates, AValueThatADeclaredTypeCannotHoldIsNamedWithItsLine) {
  const auto error = [](const char* type, const char* value) {
    return extract("d\n2025-03-01\n" + std::string(value) + "\n",
                   Json::object({{"dtype", Json::object({{"d", type}})}, {"skip_rows", 0}}))
        .error;
  };
  EXPECT_EQ(error("datetime64", "soon"), "CSV parsing failed: line 3, column 'd': 'soon' is not a date");
  EXPECT_EQ(error("datetime64[ns]", "2025-03-01 10:00+05:30"),
            "CSV parsing failed: line 3, column 'd': '2025-03-01 10:00+05:30' has an offset, which datetime64[ns] "
            "cannot hold (datetime64[ns, UTC] can)");
  EXPECT_EQ(error("datetime64", "2025-03-01 10:00:00.1234567"),
            "CSV parsing failed: line 3, column 'd': '2025-03-01 10:00:00.1234567' has digits beyond the microsecond, "
            "which datetime64 cannot hold");
  EXPECT_EQ(error("datetime64[ns, UTC]", "2025-03-02"),
            "CSV parsing failed: line 2, column 'd': '2025-03-01' has no offset, which datetime64[ns, UTC] needs");
}

}  // namespace
}  // namespace osiris::worker::test
