// Values arrive as they are, by PostgREST too.
#include "tests/drivers/supabase.writer/writing.h"

namespace osiris::worker::test {
namespace {

TEST(SupabaseValues, ArriveExactly) {
  in_shop(
      "DROP TABLE IF EXISTS kinds; CREATE TABLE kinds (b bool, i bigint, u numeric(20,0), h numeric(39,0), d "
      "numeric(38,10),"
      " f real, x double precision, t text, j jsonb, y bytea, g uuid, day date, ts timestamp, tz timestamptz, tm time,"
      " iv interval, bits varbit, list int[], texts text[])");
  EXPECT_EQ(Write("SELECT true AS b, -9223372036854775808 AS i, 18446744073709551615::UBIGINT AS u, "
                  "170141183460469231731687303715884105727::HUGEINT AS h, "
                  "1234567890123456789012345678.0123456789::DECIMAL(38,10) AS d, "
                  "0.1::FLOAT AS f, 'nan'::DOUBLE AS x, 'é\"\\\n😀' AS t, '{\"k\": [1, null]}'::JSON AS j, "
                  "'\\x00\\xFF'::BLOB AS y, "
                  "'00112233-4455-6677-8899-aabbccddeeff'::UUID AS g, '0044-03-15 (BC)'::DATE AS day, "
                  "'0001-01-01 00:00:00.000001'::TIMESTAMP AS ts, '9999-12-31 23:59:59.999999+00'::TIMESTAMPTZ AS tz, "
                  "'23:59:59.999999'::TIME AS tm, INTERVAL '1 month -2 days 3 seconds' AS iv, '0101'::BIT AS bits, "
                  "[1, NULL] AS list, ['a,b', '', NULL] AS texts "
                  "UNION ALL SELECT false, NULL, NULL, NULL, NULL, 'inf', '-inf', '', NULL, NULL, NULL, 'infinity', "
                  "NULL, NULL, NULL, NULL, NULL, [], NULL",
                  {{"table", "kinds"}})
                .outcome(),
            "ok 2");
  EXPECT_EQ(
      ask_shop("SET TimeZone = 'UTC'; SET bytea_output = 'hex'; SELECT * FROM kinds ORDER BY b DESC"),
      "t|-9223372036854775808|18446744073709551615|170141183460469231731687303715884105727|"
      "1234567890123456789012345678.0123456789|0.1|NaN|é\"\\\n😀|{\"k\": [1, null]}|\\x00ff|"
      "00112233-4455-6677-8899-aabbccddeeff|0044-03-15 BC|0001-01-01 00:00:00.000001|9999-12-31 23:59:59.999999+00|"
      "23:59:59.999999|1 mon -2 days +00:00:03|0101|{1,NULL}|{\"a,b\",\"\",NULL}\n"
      "f|NULL|NULL|NULL|NULL|Infinity|-Infinity||NULL|NULL|NULL|infinity|NULL|NULL|NULL|NULL|NULL|{}|NULL\n");
}

TEST(SupabaseValues, OfTypesThatPostgresDoesNotHaveAreRefused) {
  in_shop("DROP TABLE IF EXISTS plain; CREATE TABLE plain (id int, s jsonb)");
  const std::string said = Write("SELECT 1 AS id, {'k': 1} AS s", {{"table", "plain"}}).outcome();
  EXPECT_NE(said.find("column 's'"), std::string::npos) << said;
  EXPECT_NE(said.find("select to_json() of it"), std::string::npos) << said;
  EXPECT_TRUE(shop_api().requests().empty());
}

TEST(SupabaseValues, WithNamesInQuotes) {
  in_shop("DROP TABLE IF EXISTS odd; CREATE TABLE odd (\"a b\" int, \"c\"\"d,e\" text)");
  EXPECT_EQ(Write("SELECT 1 AS \"a b\", 'x' AS \"c\"\"d,e\"", {{"table", "odd"}}).outcome(), "ok 1");
  EXPECT_EQ(ask_shop("SELECT * FROM odd"), "1|x\n");
}

}  // namespace
}  // namespace osiris::worker::test
