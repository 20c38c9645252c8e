// Relations between workers (put_relation, get_relation): every type, value by value, as it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "protocol/base/json.h"
#include "worker/database/database.h"
#include "worker/driver_api/column_type.h"

namespace osiris::worker {
namespace {

struct Carried {
  const char* name;
  const char* value;  // an SQL expression
};
void PrintTo(const Carried& carried, std::ostream* out) { *out << carried.name; }

class CarriedTypes : public ::testing::TestWithParam<Carried> {
 protected:
  CarriedTypes() {
    char name[] = "/tmp/osiris-carried-XXXXXX";
    directory_ = ::mkdtemp(name);
    database_ = std::make_shared<Database>(DatabaseOptions{0, 2, directory_ / "spill"});
  }
  ~CarriedTypes() override {
    database_.reset();
    std::filesystem::remove_all(directory_);
  }

  std::filesystem::path directory_;
  std::shared_ptr<Database> database_;
};

TEST_P(CarriedTypes, ComeBackAsTheyWere) {
  StepDatabase step(database_, "s", {});
  const auto rows = step.run_confined("SELECT " + std::string(GetParam().value) + " AS c UNION ALL SELECT NULL");
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  const auto relation = *step.take_output();
  const auto file = directory_ / "r.parquet";
  const Status written = database_->export_parquet(*relation, file);
  ASSERT_TRUE(written.ok()) << written.error().message;
  const auto back = database_->import_parquet(file, "df_s");
  ASSERT_TRUE(back.ok()) << back.error().message;
  const auto connection = database_->connect();
  const auto not_compressed =
      (*connection)
          ->single_number("SELECT count(*) FROM parquet_metadata('" + file.string() + "') WHERE compression <> 'ZSTD'");
  ASSERT_TRUE(not_compressed.ok()) << not_compressed.error().message;
  EXPECT_EQ(*not_compressed, 0u);
  const auto differing =
      (*connection)
          ->single_number("SELECT count(*) FROM (SELECT typeof(c), c, hash(c) FROM " + relation->qualified_name() +
                          " EXCEPT ALL SELECT typeof(c), c, hash(c) FROM " + (*back)->qualified_name() + ")");
  ASSERT_TRUE(differing.ok()) << differing.error().message;
  EXPECT_EQ(*differing, 0u);
  EXPECT_EQ((*back)->rows(), 2u);
}

INSTANTIATE_TEST_SUITE_P(
    Of, CarriedTypes,
    ::testing::Values(
        Carried{"HugeInt", "170141183460469231731687303715884105727::HUGEINT"},
        Carried{"NegativeHugeInt", "(-170141183460469231731687303715884105728)::HUGEINT"},
        Carried{"SumOfIntegers", "(SELECT sum(range) FROM range(10))"},
        Carried{"UHugeInt", "340282366920938463463374607431768211455::UHUGEINT"},
        Carried{"BigNum", "'123456789012345678901234567890123456789012345678901234567890'::BIGNUM"},
        Carried{"TimeWithZone", "'10:00:00.123456+05:30'::TIMETZ"}, Carried{"TimeNs", "'10:00:00.123456789'::TIME_NS"},
        Carried{"Bit", "'0101'::BIT"}, Carried{"Enum", "'it''s'::ENUM('a', 'it''s')"},
        Carried{"Union", "union_value(k := 1::SMALLINT)::UNION(k SMALLINT, t VARCHAR)"},
        Carried{"UnionOfWideTypes",
                "union_value(\"a b\" := 170141183460469231731687303715884105727::HUGEINT)::UNION(z TIMETZ, \"a b\" "
                "HUGEINT)"},
        Carried{"UnionThatHoldsNull", "union_value(k := NULL::SMALLINT)::UNION(k SMALLINT, t VARCHAR)"},
        Carried{"TimestampS", "'2024-01-01 10:00:00'::TIMESTAMP_S"},
        Carried{"TimestampMs", "'2024-01-01 10:00:00.123'::TIMESTAMP_MS"},
        Carried{"TimestampNs", "'2024-01-01 10:00:00.123456789'::TIMESTAMP_NS"},
        Carried{"TimestampWithZone", "'2024-01-01 10:00:00.123456+02'::TIMESTAMPTZ"},
        Carried{"Infinity", "'infinity'::TIMESTAMP"}, Carried{"InfiniteDate", "'-infinity'::DATE"},
        Carried{"InfiniteTimestampS", "'infinity'::TIMESTAMP_S"},
        Carried{"InfiniteTimestampMs", "'-infinity'::TIMESTAMP_MS"},
        Carried{"InfiniteTimestampNs", "'infinity'::TIMESTAMP_NS"},
        Carried{"LatestTimestampS", "'290000-12-31 23:59:59'::TIMESTAMP_S"}, Carried{"EndOfDay", "'24:00:00'::TIME"},
        Carried{"EndOfDayWithZone", "'24:00:00-15:59:59'::TIMETZ"}, Carried{"Boolean", "true"},
        Carried{"TinyInt", "(-128)::TINYINT"}, Carried{"UTinyInt", "255::UTINYINT"},
        Carried{"SmallInt", "(-32768)::SMALLINT"}, Carried{"USmallInt", "65535::USMALLINT"},
        Carried{"UInteger", "4294967295::UINTEGER"}, Carried{"UBigInt", "18446744073709551615::UBIGINT"},
        Carried{"Float", "(-0.0)::FLOAT"}, Carried{"NegativeZero", "(-0.0)::DOUBLE"},
        Carried{"TextWithNul", "'a' || chr(0) || 'b'"},
        Carried{"Interval", "INTERVAL '1 month 2 days 03:04:05.678901'"},
        Carried{"NegativeInterval", "INTERVAL '-1 month -00:00:00.000001'"},
        Carried{"Decimal", "12345678901234567890123456789012345.678::DECIMAL(38,3)"},
        Carried{"NotANumber", "'nan'::DOUBLE"}, Carried{"Blob", "'\\x00\\xff'::BLOB"},
        Carried{"Uuid", "'d1b2a3c4-0000-4000-8000-000000000001'::UUID"}, Carried{"Json", "'{\"a\": 1}'::JSON"},
        Carried{"ListOfHuge", "[170141183460469231731687303715884105727::HUGEINT, NULL]"},
        Carried{"Array", "[1, 2, 3]::INTEGER[3]"}, Carried{"ArrayOfBits", "['01'::BIT, '1'::BIT]::BIT[2]"},
        Carried{"Struct", "{'a b': 1::HUGEINT, 'z': '10:00:00+01'::TIMETZ}"},
        Carried{"MapOfIntervals", "MAP {'a': INTERVAL '-1 day'}"}),
    [](const auto& test) { return test.param.name; });

TEST_F(CarriedTypes, AUnionInsideAListIsRefusedWithItsColumn) {
  StepDatabase step(database_, "s", {});
  ASSERT_TRUE(step.run_confined("SELECT [union_value(k := 1)] AS odd").ok());
  const Status written = database_->export_parquet(**step.take_output(), directory_ / "r.parquet");
  ASSERT_FALSE(written.ok());
  EXPECT_THAT(written.error().message,
              ::testing::HasSubstr("column 'odd' (UNION(\"k\" INTEGER)[]) cannot be kept in Parquet"));
}

TEST(ColumnTypes, OfADocumentAreRefusedUnlessTheyAreWhatWasWritten) {
  for (const char* text :
       {"\"INTEGER) --\"", "{}", "[]", "null", "{\"type\":\"ENUM\"}", "{\"type\":\"LIST\",\"of\":[]}",
        "{\"decimal\":[39,0]}", "{\"decimal\":[5,6]}", "{\"type\":\"MAP\",\"of\":[\"DATE\"]}",
        "{\"type\":\"STRUCT\",\"names\":[\"a\"],\"of\":[\"DATE\",\"DATE\"]}"})
    EXPECT_EQ(ColumnType::from_json(*parse_json(text)), std::nullopt) << text;
  const auto type = ColumnType::from_json(
      *parse_json("{\"type\":\"STRUCT\",\"names\":[\"a\\\"b\"],\"of\":[{\"type\":\"ENUM\",\"names\":[\"it's\"]}]}"));
  ASSERT_TRUE(type);
  EXPECT_EQ(type->sql(), "STRUCT(\"a\"\"b\" ENUM('it''s'))");
}

}  // namespace
}  // namespace osiris::worker
