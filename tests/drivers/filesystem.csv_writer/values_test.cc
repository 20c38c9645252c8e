// How each type is shown. The expected bytes are those pandas writes, except where docs/compatibility.md says
// otherwise.
#include <cmath>
#include <cstring>
#include <random>
#include <sstream>

#include "protocol/base/json.h"
#include "tests/drivers/filesystem.csv_writer/write.h"
#include "worker/driver_api/number_text.h"
#include "worker/driver_api/sql.h"

namespace osiris::worker::test {
namespace {

// Values of one column as lines, without the header.
std::string shown(const std::string& values) {
  return write_csv("SELECT x AS a, '' AS b FROM (VALUES " + values + ") t(x)", Json::object({{"header", false}}));
}

TEST(CsvWriterValues, ColumnsAreSortedByCodePoint) {
  EXPECT_EQ(write_csv("SELECT 1 AS b, 2 AS \"Z\", 3 AS \"é\", 4 AS a1, 5 AS a, 6 AS \"_\""),
            "Z,_,a,a1,b,é\n2,6,5,4,1,3\n");
}

TEST(CsvWriterValues, IntegersOfEveryWidthAreExact) {
  EXPECT_EQ(
      write_csv(
          "SELECT (-128)::TINYINT AS a, 255::UTINYINT AS b, (-32768)::SMALLINT AS c, 65535::USMALLINT AS d, "
          "(-2147483648)::INTEGER AS e, 4294967295::UINTEGER AS f, (-9223372036854775808)::BIGINT AS g, "
          "18446744073709551615::UBIGINT AS h, 170141183460469231731687303715884105727::HUGEINT AS i, sum(1) AS j",
          Json::object({{"header", false}})),
      "-128,255,-32768,65535,-2147483648,4294967295,-9223372036854775808,18446744073709551615,"
      "170141183460469231731687303715884105727,1\n");
}

TEST(CsvWriterValues, FloatsAreShortestAndAlwaysHaveAPoint) {
  EXPECT_EQ(
      shown("(8400::DOUBLE), (0.1), ('-0.0'::DOUBLE), (1e15), (1e16), (123456789012345680), (1e-4), (1e-5), (1.5e-7), "
            "(5e-324), "
            "(1.7976931348623157e308), (0.30000000000000004), (66360.48), (-2150.75), (1e22)"),
      "8400.0,\n0.1,\n-0.0,\n1000000000000000.0,\n1e+16,\n1.2345678901234568e+17,\n0.0001,\n1e-05,\n1.5e-07,\n5e-324,\n"
      "1.7976931348623157e+308,\n0.30000000000000004,\n66360.48,\n-2150.75,\n1e+22,\n");
  EXPECT_EQ(shown("(0.1::FLOAT), (16777216::FLOAT), (3.4e38::FLOAT), (0.0001::FLOAT)"),
            "0.1,\n16777216.0,\n3.4e+38,\n1e-04,\n");
}

TEST(CsvWriterValues, FloatsThatAreNoNumbers) {
  EXPECT_EQ(shown("('nan'::DOUBLE), ('inf'), ('-inf'), (NULL)"), ",\ninf,\n-inf,\n,\n");
}

// The short way round must give what the long way gives: format_double is protocol/base's own.
TEST(CsvWriterValues, ADoubleReadsBackAsItselfWhicheverWayItIsFormatted) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 200000; ++i) {
    const uint64_t bits = random();
    double value;
    switch (i % 5) {
      case 0:
        std::memcpy(&value, &bits, sizeof value);
        break;
      case 1:
        value = static_cast<double>(static_cast<int64_t>(bits) >> (bits & 63)) / 100;
        break;
      case 2:
        value = static_cast<double>(static_cast<int64_t>(bits) >> (bits & 63)) / 10000;
        break;
      case 3:  // wholes around 2^53 and 10^16
        value = static_cast<double>(bits >> 10) * (bits & 1 ? 1 : -1);
        break;
      default:
        value = std::nextafter(static_cast<double>(bits % 100000000) / 10000, i % 8 ? 0 : 1e300);
        break;
    }
    if (!std::isfinite(value)) continue;
    char buffer[number_text::kValueBytesMax];
    const std::string text(buffer, number_text::put_double(buffer, value));
    ASSERT_EQ(text, format_double(value));
    ASSERT_EQ(std::strtod(text.c_str(), nullptr), value) << text;
  }
}

TEST(CsvWriterValues, DecimalsKeepTheirDigits) {
  EXPECT_EQ(shown("(1200.00::DECIMAL(12,2)), (-0.05)"), "1200.00,\n-0.05,\n");
}

TEST(CsvWriterValues, DecimalsOfEveryWidthAreWhatTheEngineShows) {
  for (const size_t width : {1u, 4u, 5u, 9u, 10u, 18u, 19u, 20u, 38u}) {
    for (const size_t scale : {size_t{0}, size_t{1}, width / 2, width - 1, width}) {
      const std::string type = "DECIMAL(" + std::to_string(width) + "," + std::to_string(scale) + ")";
      std::string values;
      for (const std::string& digits :
           {std::string(width, '9'), std::string(width, '0'), std::string(width - 1, '0') + "7",
            "1" + std::string(width - 1, '0'), std::string(width / 2, '1')})
        for (const char* sign : {"", "-"}) {
          std::string text = digits.size() <= scale ? std::string(scale + 1 - digits.size(), '0') + digits : digits;
          if (scale > 0) text.insert(text.size() - scale, ".");
          values += (values.empty() ? "('" : ", ('") + (sign + text) + "'::" + type + ")";
        }
      const std::string lines = write_csv("SELECT x AS a, CAST(x AS VARCHAR) AS b FROM (VALUES " + values + ") t(x)",
                                          Json::object({{"header", false}}));
      std::istringstream in(lines);
      int count = 0;
      for (std::string line; std::getline(in, line); ++count)
        EXPECT_EQ(line.substr(0, line.find(',')), line.substr(line.find(',') + 1)) << type;
      EXPECT_EQ(count, 10);
    }
  }
}

TEST(CsvWriterValues, BooleansAreWords) { EXPECT_EQ(shown("(true), (false), (NULL)"), "True,\nFalse,\n,\n"); }

TEST(CsvWriterValues, DatesAndTimes) {
  EXPECT_EQ(
      shown("(DATE '2025-03-01'), (DATE '0044-03-15'), (DATE '9999-12-31'), (DATE '1969-12-31'), (DATE '2000-02-29')"),
      "2025-03-01,\n0044-03-15,\n9999-12-31,\n1969-12-31,\n2000-02-29,\n");
  EXPECT_EQ(shown("(TIME '04:10:00'), (TIME '23:59:59.5')"), "04:10:00,\n23:59:59.500000,\n");
}

TEST(CsvWriterValues, YearsHaveFourDigitsOrSix) {
  const auto text = [](int64_t days) {
    char buffer[number_text::kValueBytesMax];
    return std::string(buffer, number_text::put_date(buffer, days));
  };
  constexpr int64_t kYearZero = -719'528;  // 0000-01-01, in days since 1970
  EXPECT_EQ(text(kYearZero), "0000-01-01");
  EXPECT_EQ(text(kYearZero - 1), "-0001-12-31");
  EXPECT_EQ(text(2'932'896), "9999-12-31");
  EXPECT_EQ(text(2'932'897), "010000-01-01");
  constexpr int64_t kTenThousandYears = 25 * 146'097;
  EXPECT_EQ(text(kYearZero + 366 - kTenThousandYears), "-9999-01-01");
  EXPECT_EQ(text(kYearZero + 365 - kTenThousandYears), "-010000-12-31");
}

TEST(CsvWriterValues, TimestampsShowTheTimeOnlyIfSomeRowHasOne) {
  EXPECT_EQ(shown("(TIMESTAMP '2025-03-01 00:00:00'), (NULL), (TIMESTAMP '2025-03-02')"),
            "2025-03-01,\n,\n2025-03-02,\n");
  EXPECT_EQ(shown("(TIMESTAMP '2025-03-01 00:00:00'), (TIMESTAMP '1969-12-31 23:59:59')"),
            "2025-03-01 00:00:00,\n1969-12-31 23:59:59,\n");
}

TEST(CsvWriterValues, TimestampsShowFractionsOfTheSameLengthInEveryRow) {
  EXPECT_EQ(shown("(TIMESTAMP '2025-03-01 00:00:00.5'), (TIMESTAMP '2025-03-01 04:10:00')"),
            "2025-03-01 00:00:00.500,\n2025-03-01 04:10:00.000,\n");
  EXPECT_EQ(shown("(TIMESTAMP '2025-03-01 00:00:00.000001'), (TIMESTAMP '2025-03-01')"),
            "2025-03-01 00:00:00.000001,\n2025-03-01 00:00:00.000000,\n");
  EXPECT_EQ(shown("('2025-03-01 04:10:00'::TIMESTAMP_S)"), "2025-03-01 04:10:00,\n");
}

TEST(CsvWriterValues, TimestampsOfNanosecondsFollowTheSameRules) {
  EXPECT_EQ(shown("('2025-03-01'::TIMESTAMP_NS), (NULL), ('1969-12-31')"), "2025-03-01,\n,\n1969-12-31,\n");
  EXPECT_EQ(shown("('1969-12-31 23:59:59.000000001'::TIMESTAMP_NS), ('2025-03-01')"),
            "1969-12-31 23:59:59.000000001,\n2025-03-01 00:00:00.000000000,\n");
  EXPECT_EQ(shown("('1969-12-31 23:59:59.000001'::TIMESTAMP_NS), ('2025-03-01')"),
            "1969-12-31 23:59:59.000001,\n2025-03-01 00:00:00.000000,\n");
}

TEST(CsvWriterValues, TimestampsWithATimeZoneAreShownEachByItself) {
  EXPECT_EQ(shown("('2025-03-01 00:00:00+00'::TIMESTAMPTZ), ('1969-12-31 23:59:59.5+00')"),
            "2025-03-01 00:00:00+00:00,\n1969-12-31 23:59:59.500000+00:00,\n");
}

TEST(CsvWriterValues, InfiniteDatesAreWords) {
  EXPECT_EQ(shown("('infinity'::TIMESTAMP), ('2025-03-01'::TIMESTAMP)"), "infinity,\n2025-03-01,\n");
  EXPECT_EQ(shown("('-infinity'::DATE)"), "-infinity,\n");
}

TEST(CsvWriterValues, NestedValuesAreJsonAndBlobsAreHex) {
  EXPECT_EQ(write_csv("SELECT [1, NULL, 3] AS a, {'x': 1, 'y': 'q'} AS b, '\\xAA\\x00'::BLOB AS c, MAP {'k': 1.5} AS d",
                      Json::object({{"header", false}})),
            "\"[1,null,3]\",\"{\"\"x\"\":1,\"\"y\"\":\"\"q\"\"}\",aa00,\"{\"\"k\"\":1.5}\"\n");
  EXPECT_EQ(shown("(INTERVAL 1 DAY)"), "1 day,\n");
  EXPECT_EQ(shown("('a'::ENUM('a', 'b'))"), "a,\n");
}

TEST(CsvWriterValues, FloatsWithinNestedValuesHaveTheirOwnDigits) {
  EXPECT_EQ(
      write_csv("SELECT [0.1::FLOAT, 16777216::FLOAT, NULL] AS a, {'x y': 0.1::FLOAT, 'n': 9007199254740993} AS b, "
                "MAP {'k': 0.1::FLOAT} AS c, [0.1, 0.2]::FLOAT[2] AS d, [{'u': [0.3::FLOAT]}] AS e, "
                "{'f': 0.1::FLOAT, 'd': DATE '2025-03-01', 'h': 1e30::HUGEINT, 'j': '{\"a\": 1}'::JSON, "
                "'m': 12345678901234567890.5::DECIMAL(30,1)} AS f",
                Json::object({{"delimiter", ";"}, {"quotechar", "'"}, {"header", false}})),
      "[0.1,16777216.0,null];{\"x y\":0.1,\"n\":9007199254740993};{\"k\":0.1};[0.1,0.2];[{\"u\":[0.3]}];"
      "{\"f\":0.1,\"d\":\"2025-03-01\",\"h\":1000000000000000019884624838656,\"j\":{\"a\":1},"
      "\"m\":12345678901234567890.5}\n");
}

TEST(CsvWriterValues, ANanWithinNestedValuesIsNullAndTheTextIsJson) {
  const std::string text =
      write_csv("SELECT [1.5, 'nan'::DOUBLE, NULL] AS a, {'NaN': 'a \"NaN\" \\ NaN', 'x': 'nan'::FLOAT} AS b",
                Json::object({{"delimiter", ";"}, {"quotechar", "'"}, {"header", false}}));
  EXPECT_EQ(text, "[1.5,null,null];{\"NaN\":\"a \\\"NaN\\\" \\\\ NaN\",\"x\":null}\n");
}

TEST(CsvWriterValues, AnInfinityWithinNestedValuesIsRefusedWithRowAndColumn) {
  for (const char* infinity : {"'inf'::DOUBLE", "'-inf'::FLOAT"})
    EXPECT_EQ(
        write_csv("SELECT i AS n, [CASE WHEN i = 2 THEN " + std::string(infinity) +
                  " ELSE 1 END] AS a FROM range(4) t(i)"),
        "error: row 3, column 'a': an infinity in a list, struct or map, which is written as JSON, and JSON has none");
}

TEST(CsvWriterValues, ATimestampWithTimeZoneIsShownWithTheOffsetItWasReadWith) {
  StepHarness step("save");
  step.add_input("rows",
                 "SELECT TIMESTAMPTZ '2025-02-28 19:30:00.5+00' AS a, TIMESTAMPTZ '2025-03-01 00:00:00+00' AS b");
  ASSERT_TRUE(
      sql::execute(step.connection_handle(), "COMMENT ON COLUMN temp.main.df_rows.a IS 'utc offset in minutes: 330'")
          .ok());
  ASSERT_TRUE(sql::execute(step.connection_handle(), "COMMENT ON COLUMN temp.main.df_rows.b IS 'something else'").ok());
  step.set_config({{"path", "out.csv"}});
  ASSERT_TRUE(step.run(filesystem_csv_writer()).ok());
  EXPECT_EQ(step.read_file("out.csv"), "a,b\n2025-03-01 01:00:00.500000+05:30,2025-03-01 00:00:00+00:00\n");
}

TEST(CsvWriterValues, NoRowsAreAHeader) { EXPECT_EQ(write_csv("SELECT 1 AS b, 2 AS a WHERE false"), "a,b\n"); }

TEST(CsvWriterValues, AnEmptyFieldAloneInItsLineIsQuoted) {
  EXPECT_EQ(write_csv("SELECT x AS a FROM (VALUES ('x'), (NULL), ('')) t(x)"), "a\nx\n\"\"\n\"\"\n");
}

TEST(CsvWriterValues, RowsKeepTheirOrder) {
  const std::string text = write_csv("SELECT i AS a FROM range(300000) t(i)", Json::object({{"header", false}}));
  std::string expected;
  for (int i = 0; i < 300000; ++i) expected += std::to_string(i) + "\n";
  EXPECT_TRUE(text == expected);
}

}  // namespace
}  // namespace osiris::worker::test
