// What a person sees of rows: the documents of the drivers preview and difference.
#include <gmock/gmock.h>

#include "protocol/base/json.h"
#include "tests/drivers/harness.h"
#include "worker/drivers/preview/difference.h"
#include "worker/drivers/preview/preview.h"

namespace osiris::worker::test {
namespace {

Json document(StepHarness& step, const Driver& driver, uint64_t rows = 20) {
  step.set_config({{"path", "seen.json"}, {"rows", rows}});
  const auto outcome = step.run(driver);
  EXPECT_TRUE(outcome.ok()) << outcome.error().message;
  if (!outcome.ok()) return {};
  EXPECT_EQ(step.outputs().size(), 1u);
  const auto parsed = parse_json(step.read_file("seen.json"));
  EXPECT_TRUE(parsed.ok());
  return parsed.ok() ? *parsed : Json();
}

const Json& column(const Json& seen, const std::string& name) {
  static const Json none;
  for (const Json& each : seen["columns"].items())
    if (each["name"].as_string() == name) return each;
  ADD_FAILURE() << "there is no column " << name;
  return none;
}

TEST(Preview, TellsRowsTypesNullsAndRanges) {
  StepHarness step;
  step.add_input("read",
                 "SELECT * FROM (VALUES (1, 'b', 1.50::DECIMAL(9,2), TRUE), (3, NULL, 2.25, FALSE), (2, 'a', NULL, "
                 "NULL)) t(id, name, price, used)");
  const Json seen = document(step, preview_rows(), 2);
  EXPECT_EQ(seen["rows"].as_int(), 3);
  EXPECT_EQ(column(seen, "id").dump(), R"({"name":"id","type":"INTEGER","nulls":0,"min":"1","max":"3"})");
  EXPECT_EQ(column(seen, "name").dump(), R"({"name":"name","type":"VARCHAR","nulls":1,"min":"a","max":"b"})");
  EXPECT_EQ(column(seen, "price").dump(),
            R"x({"name":"price","type":"DECIMAL(9,2)","nulls":1,"min":"1.50","max":"2.25"})x");
  EXPECT_EQ(column(seen, "used")["min"].as_string(), "false");
  EXPECT_EQ(seen["shown"].dump(), R"([["1","b","1.50","true"],["3",null,"2.25","false"]])");
}

TEST(Preview, OfNoRowsAndOfColumnsWithoutAnOrder) {
  StepHarness step;
  step.add_input("read",
                 "SELECT [1, 2] AS list, {'a': 1} AS struct, '\\x00\\xFF'::BLOB AS raw, NULL AS nothing, "
                 "MAP {'k': 1} AS map, 'x\"y' AS \"say \"\"hi\"\"\" WHERE FALSE");
  const Json seen = document(step, preview_rows());
  EXPECT_EQ(seen["rows"].as_int(-1), 0);
  EXPECT_EQ(seen["columns"].size(), 6u);
  EXPECT_EQ(seen["shown"].size(), 0u);
  EXPECT_TRUE(column(seen, "list")["max"].is_null());
  EXPECT_EQ(column(seen, "say \"hi\"")["nulls"].as_int(-1), 0);
}

TEST(Preview, KeepsWhatActsOnATerminalAndCutsWhatIsLong) {
  StepHarness step;
  step.add_input("read",
                 "SELECT 'a' || chr(27) || '[31m' || chr(0) || 'z' AS odd, repeat('ž', 5000) AS long, "
                 "[1, NULL] AS list");
  const Json seen = document(step, preview_rows());
  const auto& row = seen["shown"].items().at(0).items();
  EXPECT_EQ(row[0].as_string(), std::string("a\x1b[31m\0z", 8));
  EXPECT_EQ(row[1].as_string().size(), 2 * 1000 + std::string("…").size());
  EXPECT_EQ(row[2].as_string(), "[1, NULL]");
}

TEST(Preview, OfTenThousandColumns) {
  StepHarness step;
  std::string list = "SELECT 0 AS c0";
  for (int i = 1; i < 10'000; ++i) list += ", " + std::to_string(i) + " AS c" + std::to_string(i);
  step.add_input("wide", list);
  const Json seen = document(step, preview_rows());
  EXPECT_EQ(seen["columns"].size(), 10'000u);
  EXPECT_EQ(column(seen, "c9999")["max"].as_string(), "9999");
}

// Of all types that have a range, and of some that have none: in several chunks, with the extremes anywhere.
constexpr char kManyTypes[] =
    "SELECT i % 3 = 0 AS flag, (i % 200 - 100)::TINYINT AS tiny, (i * 31 % 1000 - 500)::SMALLINT AS small, i AS big, "
    "CASE WHEN i % 7 > 0 THEN (i * 1000003 % 65521)::INTEGER END AS sparse, (i % 250)::UTINYINT AS utiny, "
    "(i % 60000)::USMALLINT AS usmall, (4294960000 + i)::UINTEGER AS uint, (18446744073709540000 + i)::UBIGINT AS "
    "ubig, "
    "(i - 2500)::HUGEINT * 17014118346046923173168730371588 AS huge, i::UHUGEINT AS uhuge, "
    "(i - 2500)::HUGEINT::BIGNUM AS bignum, (i / 7)::FLOAT AS real, "
    "(CASE i WHEN 4000 THEN 'NaN' WHEN 2100 THEN '-inf' ELSE i::VARCHAR END)::DOUBLE AS number, "
    "(CASE WHEN i < 3000 THEN 'NaN' END)::DOUBLE AS no_numbers, (i * 37 % 900 / 100)::DECIMAL(4,2) AS price, "
    "(i * 37 % 900 / 100)::DECIMAL(9,2) AS price9, (i * 37 % 900 / 100)::DECIMAL(18,2) AS price18, "
    "(i * 37 % 900 / 100)::DECIMAL(38,10) AS price38, 'word ' || (i * 7919 % 5000) AS word, "
    "CASE WHEN i % 2 = 0 THEN '' END AS empty, repeat('ž', 1500) || i AS long, chr(0) || i AS odd, "
    "DATE '1992-01-01' + (i * 13 % 4000)::INTEGER AS day, TIMESTAMP '2000-01-01' + INTERVAL (i * 13 % 4000) HOUR AS "
    "at, "
    "(TIMESTAMP '2000-01-01' + INTERVAL (i) SECOND)::TIMESTAMP_S AS at_s, "
    "(TIMESTAMP '2000-01-01' + INTERVAL (i) SECOND)::TIMESTAMP_MS AS at_ms, "
    "(TIMESTAMP '2000-01-01' + INTERVAL (i) SECOND)::TIMESTAMP_NS AS at_ns, "
    "CASE i WHEN 1 THEN 'infinity'::DATE WHEN 2 THEN '-infinity'::DATE END AS endless, "
    "TIME '00:00:00' + INTERVAL (i * 17 % 86400) SECOND AS clock, "
    "(lpad((i % 24)::VARCHAR, 2, '0') || ':00:00+' || lpad((i % 14)::VARCHAR, 2, '0'))::TIMETZ AS zoned, "
    "INTERVAL (i * 11 % 70) DAY + INTERVAL (i % 3) MONTH AS span, md5(i::VARCHAR)::UUID AS id, i::VARCHAR::BLOB AS "
    "raw, "
    "[i, NULL] AS list, {'a': i} AS struct, NULL AS nothing FROM range(5000) t(i)";

TEST(Preview, OfAWideRelationIsWhatItIsOfANarrowOne) {
  StepHarness step;
  step.add_input("read", kManyTypes);
  const Json narrow = document(step, preview_rows(), 3000);
  std::string filled = "SELECT *";
  for (int i = 0; i < 600; ++i) filled += ", NULL AS filler" + std::to_string(i);
  StepHarness wide_step;
  wide_step.add_input("read", filled + " FROM (" + std::string(kManyTypes) + ")");
  const Json wide = document(wide_step, preview_rows(), 3000);

  const size_t columns = narrow["columns"].size();
  ASSERT_EQ(wide["columns"].size(), columns + 600);
  for (size_t i = 0; i < columns; ++i)
    EXPECT_EQ(wide["columns"].items()[i].dump(), narrow["columns"].items()[i].dump());
  EXPECT_EQ(column(wide, "number")["max"].as_string(), "nan");
  EXPECT_EQ(column(wide, "filler599")["nulls"].as_int(), 5000);
  ASSERT_EQ(wide["shown"].size(), 3000u);
  for (const size_t row : {0, 1, 2047, 2048, 2999}) {
    Json::Array shown = wide["shown"].items()[row].items();
    ASSERT_EQ(shown.size(), columns + 600);
    shown.resize(columns);
    EXPECT_EQ(Json(std::move(shown)).dump(), narrow["shown"].items()[row].dump());
  }
}

TEST(Preview, OfAWideRelationWithoutRows) {
  StepHarness step;
  std::string list = "SELECT 0 AS c0";
  for (int i = 1; i < 600; ++i) list += ", 'x' AS c" + std::to_string(i);
  step.add_input("wide", list + " WHERE false");
  const Json seen = document(step, preview_rows());
  EXPECT_EQ(seen["columns"].size(), 600u);
  EXPECT_EQ(seen["shown"].size(), 0u);
  EXPECT_TRUE(column(seen, "c1")["min"].is_null());
  EXPECT_EQ(column(seen, "c1")["nulls"].as_int(-1), 0);
}

TEST(Preview, OfNothingIsAnError) {
  StepHarness step;
  step.set_config({{"path", "seen.json"}, {"rows", 1}});
  EXPECT_FALSE(step.run(preview_rows()).ok());
  EXPECT_FALSE(step.run(row_difference()).ok());
}

TEST(Difference, OfTheSameRowsInAnotherOrderIsNone) {
  StepHarness step;
  step.add_input("left", "SELECT range AS id, NULL::VARCHAR AS name FROM range(1000)");
  step.add_input("right", "SELECT range AS id, NULL::VARCHAR AS name FROM range(1000) ORDER BY id DESC");
  const Json seen = document(step, row_difference());
  for (const char* side : {"left", "right"}) {
    EXPECT_EQ(seen[side]["rows"].as_int(), 1000);
    EXPECT_EQ(seen[side]["rows_only"].as_int(-1), 0);
    EXPECT_EQ(seen[side]["columns_only"].size(), 0u);
  }
}

TEST(Difference, CountsEachRowAsOftenAsItIsThere) {
  StepHarness step;
  step.add_input("left", "SELECT * FROM (VALUES (1, 'a'), (1, 'a'), (2, 'b'), (3, NULL)) t(id, name)");
  step.add_input("right", "SELECT * FROM (VALUES (1, 'a'), (2, 'c'), (3, NULL)) t(id, name)");
  const Json seen = document(step, row_difference());
  EXPECT_EQ(seen["left"]["rows_only"].as_int(), 2);
  EXPECT_EQ(seen["left"]["shown"].dump(), R"([["1","a"],["2","b"]])");
  EXPECT_EQ(seen["right"]["rows_only"].as_int(), 1);
  EXPECT_EQ(seen["right"]["shown"].dump(), R"([["2","c"]])");
}

TEST(Difference, TellsTextsFromNothingAndShowsLongOnesShort) {
  StepHarness step;
  step.add_input("left", "SELECT NULL AS a, 'b, NULL' AS b, repeat('ž', 5000) || '1' AS c");
  step.add_input("right", "SELECT 'NULL' AS a, 'b, NULL' AS b, repeat('ž', 5000) || '2' AS c");
  const Json seen = document(step, row_difference());
  ASSERT_EQ(seen["left"]["shown"].size(), 1u);
  const auto& row = seen["left"]["shown"].items()[0].items();
  EXPECT_TRUE(row[0].is_null());
  EXPECT_EQ(row[1].as_string(), "b, NULL");
  EXPECT_EQ(row[2].as_string().size(), 2 * 1000 + std::string("…").size());
  EXPECT_EQ(seen["right"]["shown"].items()[0].items()[0].as_string(), "NULL");
  EXPECT_EQ(seen["right"]["rows_only"].as_int(), 1);
}

TEST(Difference, ShowsARowAsOftenAsItIsThere) {
  StepHarness step;
  step.add_input("left", "SELECT 1 AS id FROM range(5)");
  step.add_input("right", "SELECT 1 AS id FROM range(2) UNION ALL SELECT 2");
  const Json seen = document(step, row_difference());
  EXPECT_EQ(seen["left"]["rows_only"].as_int(), 3);
  EXPECT_EQ(seen["left"]["shown"].dump(), R"([["1"],["1"],["1"]])");
  EXPECT_EQ(seen["right"]["shown"].dump(), R"([["2"]])");
}

TEST(Difference, OfTenThousandColumns) {
  StepHarness step;
  std::string list = "SELECT i AS c0";
  for (int i = 1; i < 10'000; ++i) list += ", " + std::to_string(i) + " AS c" + std::to_string(i);
  step.add_input("left", list + " FROM range(3) r(i)");
  step.add_input("right", list + " FROM range(4) r(i)");
  const Json seen = document(step, row_difference());
  EXPECT_EQ(seen["columns"].size(), 10'000u);
  EXPECT_EQ(seen["left"]["rows_only"].as_int(-1), 0);
  EXPECT_EQ(seen["right"]["rows_only"].as_int(), 1);
  EXPECT_EQ(seen["right"]["shown"].items().at(0).items().at(0).as_string(), "3");
}

TEST(Difference, NamesColumnsAndTypesThatDiffer) {
  StepHarness step;
  step.add_input("left", "SELECT 1 AS id, 'x' AS old");
  step.add_input("right", "SELECT 1::BIGINT AS ID, 'x' AS new");
  const Json seen = document(step, row_difference());
  EXPECT_EQ(seen["columns"].dump(), R"(["id"])");
  EXPECT_EQ(seen["types"].dump(), R"([{"name":"id","left":"INTEGER","right":"BIGINT"}])");
  EXPECT_EQ(seen["left"]["columns_only"].dump(), R"(["old"])");
  EXPECT_EQ(seen["right"]["columns_only"].dump(), R"(["new"])");
  EXPECT_EQ(seen["left"]["rows_only"].as_int(-1), 0);
}

TEST(Difference, ShowsAsManyRowsAsAreWanted) {
  StepHarness step;
  step.add_input("left", "SELECT range AS id FROM range(100)");
  step.add_input("right", "SELECT range + 50 AS id FROM range(100)");
  const Json seen = document(step, row_difference(), 3);
  EXPECT_EQ(seen["left"]["rows_only"].as_int(), 50);
  EXPECT_EQ(seen["left"]["shown"].size(), 3u);
}

}  // namespace
}  // namespace osiris::worker::test
