// Rows that one PostgreSQL server sends in the form in which another takes them go on as they are: the same rows,
// events and errors as if they had been read and written anew.
#include <gmock/gmock.h>

#include <atomic>

#include "tests/postgres/postgres_streams.h"
#include "tests/postgres/proxy.h"

namespace osiris::worker {
namespace {

using osiris::test::Proxy;
using test::ask_shop;
using test::in_shop;
using test::plain_postgres;
using ::testing::HasSubstr;

constexpr char kEveryType[] =
    "(flag boolean, small smallint, whole integer, big bigint, part real, wide double precision, amount numeric(12,2), "
    "word text, short varchar(20), fixed char(5), tree xml, doc json, docb jsonb, raw bytea, key uuid, "
    "day date, at timestamp, at3 timestamp(3), moment timestamptz, hour time, hour2 timetz, span interval, "
    "bits bit(3), more varbit, list integer[], words text[], mood mood, price price)";

class PostgresHandOver : public PostgresStreams {
 protected:
  static void SetUpTestSuite() {
    in_shop(
        "CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE DOMAIN price AS numeric(6,2) CHECK (VALUE < 100); "
        "CREATE TABLE every_type " +
        std::string(kEveryType) +
        "; INSERT INTO every_type SELECT i % 2 = 0, i % 100, i, i * 1000000007::bigint, CASE WHEN i % 7 = 0 THEN "
        "'NaN'::real ELSE i / 3.0::real END, -i / 7.0, i * 1.25, 'wörd ' || i, repeat('x', i % 20), 'ab', "
        "'<a/>', '{\"a\" :  1}', '{\"b\": null}', '\\x00ff', md5(i::text)::uuid, CASE WHEN i % 5 = 0 THEN 'infinity' "
        "ELSE date '0001-01-01' + i END, CASE WHEN i % 5 = 0 THEN '-infinity' ELSE timestamp '2024-01-01' + i * "
        "interval '1 us' END, '2024-01-01 00:00:00.123', timestamptz '2024-01-01 12:00+02' + i * interval '1 day', "
        "'24:00:00', '12:00+05:30', '14 months -3 days 04:05:06.789', B'101', B'1', ARRAY[i, NULL], "
        "CASE WHEN i % 2 = 0 THEN '{}' ELSE ARRAY['a b', NULL] END::text[], 'glad', 1.5 FROM generate_series(1, 5000) "
        "AS i; INSERT INTO every_type (whole) VALUES (NULL), (5001)");
  }

  static Json writing(Json more = Json::object()) {
    more.set("echo", true);
    return write_step("read", std::move(more));
  }
  // Both roads; the second run stores the rows. What a run that failed has logged is not kept.
  Outcome expect_handed_over(const Json& read, const Json& write, bool is_handed_over = true) {
    const size_t before = logged().size();
    Outcome seen = run_both({read, write}, true);
    const std::string said = logged().substr(before);
    EXPECT_EQ(said.find("the rows go on as the server they come from sends them") != std::string::npos, is_handed_over);
    return seen;
  }
};

TEST_F(PostgresHandOver, IntoATableThatIsMade) {
  const Outcome seen = expect_handed_over(read_step(kRows), writing());
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_THAT(seen.written, HasSubstr("\n50000|"));
}

TEST_F(PostgresHandOver, OfEveryTypeInEveryMode) {
  made_ = "CREATE TABLE target " + std::string(kEveryType) + "; INSERT INTO target (whole) VALUES (-1)";
  for (const char* verify : {"count", "full", "off"}) {
    for (const char* mode : {"append", "replace", "truncate"}) {
      SCOPED_TRACE(std::string(mode) + ", verify: " + verify);
      const Outcome seen = expect_handed_over(read_step("SELECT * FROM every_type"),
                                              writing(Json::object({{"write_mode", mode}, {"verify", verify}})));
      EXPECT_TRUE(seen.errors.empty()) << seen.errors.begin()->second;
      EXPECT_THAT(seen.written, HasSubstr(std::string_view(mode) == "append" ? "\n5003|" : "\n5002|"));
    }
  }
}

TEST_F(PostgresHandOver, ByKeyAndWithAColumnThatIsAdded) {
  made_ = "CREATE TABLE target (id int PRIMARY KEY, word text); INSERT INTO target VALUES (5, 'old'), (-5, 'old')";
  const Outcome seen = expect_handed_over(
      read_step("SELECT i AS id, 'new' AS word, i * 2 AS more FROM generate_series(1, 3000) AS i"),
      writing(Json::object(
          {{"write_mode", "upsert"}, {"primary_key", "id"}, {"schema_drift", "evolve"}, {"verify", "full"}})));
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_THAT(seen.written, HasSubstr("\n3001|"));
}

TEST_F(PostgresHandOver, OfSomeColumnsInAnotherOrderAndOfSomeRows) {
  made_ = "CREATE TABLE target (word text, whole int, extra int DEFAULT 7)";
  const Json columns = *parse_json(R"({"table": "every_type", "columns": ["whole", "word"]})");
  const Json read = connected(with_mode(step("read", "postgres.extractor", {}, columns), "extract"), "@postgres.shop");
  const Outcome seen = expect_handed_over(read, writing());
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_THAT(seen.written, HasSubstr("\n5002|"));
}

TEST_F(PostgresHandOver, OverSeveralConnections) {
  const Outcome seen = expect_handed_over(
      read_step(kRows, Json::object({{"partition", Json::object({{"column", "id"}, {"parts", 3}})}})), writing());
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_THAT(seen.written, HasSubstr("\n50000|"));
}

TEST_F(PostgresHandOver, OfRowsThatHaveChunks) {
  const Json partition = Json::object({{"column", "id"}, {"parts", 2}, {"chunk_rows", 7000}});
  const Outcome seen = expect_handed_over(read_step(kRows, Json::object({{"partition", partition}})), writing());
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_THAT(seen.written, HasSubstr("\n50000|"));
}

TEST_F(PostgresHandOver, OfNoRows) {
  const Outcome seen = expect_handed_over(read_step("SELECT 1 AS id WHERE false"), writing());
  EXPECT_TRUE(seen.errors.empty());
  EXPECT_THAT(seen.written, HasSubstr("\n0|"));
}

TEST_F(PostgresHandOver, OfRowsThatAreLargerThanWhatIsReadAtOnce) {
  const std::string rows =
      "SELECT i AS id, repeat(chr(65 + i % 26), CASE WHEN i % 50 = 0 THEN 1000000 ELSE i % 9000 END) AS word FROM "
      "generate_series(1, 400) AS i";
  for (const char* verify : {"count", "full"}) {
    const Outcome seen = expect_handed_over(read_step(rows), writing(Json::object({{"verify", verify}})));
    EXPECT_TRUE(seen.errors.empty()) << seen.errors.begin()->second;
    EXPECT_THAT(seen.written, HasSubstr("\n400|"));
  }
}

TEST_F(PostgresHandOver, IsNotWhatIsDoneWithOtherTypes) {
  struct Pair {
    const char *selected, *target;
    Json more = Json::object();
  };
  for (const Pair& pair :
       {Pair{"i", "v bigint"}, Pair{"i::smallint", "v int"}, Pair{"'a'::varchar(5)", "v varchar(10)"},
        Pair{"'a'::text", "v varchar(10)"}, Pair{"'a'::char(3)", "v char(5)"}, Pair{"i::numeric", "v numeric"},
        Pair{"i::numeric(5,1)", "v numeric(8,2)"}, Pair{"'{}'::json", "v jsonb"}, Pair{"'{}'::jsonb", "v json"},
        Pair{"i::text", "v numeric"}, Pair{"timestamp '2024-01-01'", "v timestamp(3)"},
        Pair{"date '2024-01-01'", "v timestamp"}, Pair{"ARRAY['a'::varchar]", "v text[]"},
        Pair{"ARRAY[date '2024-01-01']", "v date[]"}, Pair{"ARRAY['glad'::mood]", "v text[]"},
        Pair{"B'101'::varbit", "v bit(3)"}, Pair{"i::oid", "v bigint"}, Pair{"i::real", "v float8"},
        Pair{"i AS v, i", "v int", Json::object({{"schema_drift", "discard_columns"}})}}) {
    SCOPED_TRACE(std::string(pair.selected) + " -> " + pair.target);
    made_ = "CREATE TABLE target (" + std::string(pair.target) + ")";
    const Outcome seen =
        expect_handed_over(read_step("SELECT " + std::string(pair.selected) + " AS " +
                                     (pair.more.members().empty() ? "v" : "w") + " FROM generate_series(1, 3000) AS i"),
                           writing(pair.more), false);
    EXPECT_TRUE(seen.errors.empty()) << seen.errors.begin()->second;
    EXPECT_THAT(seen.written, HasSubstr("\n3000|"));
  }
}

TEST_F(PostgresHandOver, OfTextsThatAreOneThing) {
  for (const auto& [selected, target] :
       {std::pair("'a'::varchar(5)", "text"), std::pair("'ab'::char(5)", "text"), std::pair("i::text", "varchar"),
        std::pair("'n'::name", "text"), std::pair("'{}'::text", "json"), std::pair("'glad'::mood", "mood"),
        std::pair("'glad'::text", "mood"), std::pair("'1.2.3.4'::inet", "text"), std::pair("B'1'::bit(1)", "varbit"),
        std::pair("i::numeric(9,2)", "numeric"), std::pair("timestamp(3) '2024-01-01'", "timestamp")}) {
    SCOPED_TRACE(std::string(selected) + " -> " + target);
    made_ = "CREATE TABLE target (v " + std::string(target) + ")";
    const Outcome seen =
        expect_handed_over(read_step("SELECT " + std::string(selected) + " AS v FROM generate_series(1, 3000) AS i"),
                           writing(Json::object({{"verify", "full"}})));
    EXPECT_TRUE(seen.errors.empty()) << seen.errors.begin()->second;
    EXPECT_THAT(seen.written, HasSubstr("\n3000|"));
  }
}

TEST_F(PostgresHandOver, RefusesTheValuesThatARelationDoesNotHold) {
  const std::string rows = " FROM generate_series(1, 3000) AS i";
  for (const auto& [value, said] :
       {std::pair("'NaN' ELSE i::numeric END::numeric(10,2)", "the number is NaN or infinite"),
        std::pair("timestamp '294260-01-01' ELSE 'epoch' END", "the time is beyond"),
        std::pair("timestamptz '294260-01-01' ELSE 'epoch' END", "the time is beyond"),
        std::pair("'{{1},{2}}' ELSE ARRAY[i] END::int[]", "the array has 2 dimensions"),
        std::pair("'[2:3]={1,2}' ELSE ARRAY[i] END::int[]", "the array begins at index 2"),
        std::pair("B'' ELSE B'1' END::varbit", "the string of bits is empty")}) {
    SCOPED_TRACE(value);
    const auto reading = [&](const char* row) {
      return read_step("SELECT CASE WHEN i = " + std::string(row) + " THEN " + value + " AS v" + rows);
    };
    EXPECT_TRUE(expect_handed_over(reading("-1"), writing()).errors.empty());
    const Outcome seen = run_both({reading("2000"), writing()}, false);
    EXPECT_THAT(seen.errors.at("read"), HasSubstr("column 'v', row 2000: " + std::string(said)));
    EXPECT_THAT(sink_.event_names("write"), ::testing::ElementsAre("step_skipped"));
    EXPECT_EQ(ask_shop("SELECT to_regclass('target') IS NULL"), "t\n");
  }
}

TEST_F(PostgresHandOver, OfARowThatTheTargetRefusesNamesIt) {
  made_ = "CREATE TABLE target (id int CHECK (id <> 2000)); INSERT INTO target VALUES (1)";
  const Outcome seen = run_both({read_step("SELECT i AS id FROM generate_series(1, 3000) AS i"), writing()}, false);
  EXPECT_THAT(seen.errors.at("write"), HasSubstr("target_id_check"));
  EXPECT_THAT(seen.errors.at("write"), HasSubstr("row 2000"));
  EXPECT_THAT(seen.written, HasSubstr("\n1|"));
}

TEST_F(PostgresHandOver, OfTextsWithoutAnEncodingThatTheServerLooksAt) {
  ASSERT_TRUE(
      plain_postgres().execute("CREATE DATABASE bytes ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE "
                               "template0 OWNER app"));
  ASSERT_TRUE(
      plain_postgres().execute("CREATE TABLE raw (id int, word text); INSERT INTO raw VALUES (1, 'a'), (2, E'\\377'); "
                               "GRANT SELECT ON raw TO app",
                               "bytes"));
  add_connection("postgres", "bytes", test::postgres_fields(plain_postgres(), {{"database", "bytes"}}));
  Json read = read_step("SELECT id, word FROM raw");
  read.set("connection", "@postgres.bytes");
  const Outcome refused = run_both({read, writing()}, false);
  EXPECT_THAT(refused.errors.at("read"), HasSubstr("invalid byte sequence for encoding \"UTF8\": 0xff"));
  read = read_step("SELECT id, word FROM raw WHERE id = 1");
  read.set("connection", "@postgres.bytes");
  EXPECT_TRUE(expect_handed_over(read, writing()).errors.empty());
}

TEST_F(PostgresHandOver, FindsRowsThatChangeOnTheirWay) {
  made_ = "CREATE TABLE target (id int, word text)";
  std::atomic<bool> has_changed{false};
  Proxy proxy(static_cast<uint16_t>(plain_postgres().port()), [&](bool from_client, std::string& bytes) {
    const size_t at = from_client && !has_changed ? bytes.find("word 7") : std::string::npos;
    if (at != std::string::npos) bytes[at + 5] = '8';
    has_changed = has_changed || at != std::string::npos;
    return Proxy::Fate::kPass;
  });
  add_connection("postgres", "far",
                 test::postgres_fields(plain_postgres(), {{"port", int64_t{proxy.port()}}, {"sslmode", "disable"}}));
  const Json read = read_step("SELECT i AS id, 'word ' || i AS word FROM generate_series(1, 1000) AS i");
  Json write = writing(Json::object({{"verify", "full"}}));
  write.set("connection", "@postgres.far");
  const Outcome seen = run({read, write});
  EXPECT_TRUE(has_changed);
  EXPECT_THAT(seen.errors.at("write"), HasSubstr("holds other values than were handed over, in column 'word'"));
  EXPECT_THAT(seen.written, HasSubstr("\n0|"));
}

}  // namespace
}  // namespace osiris::worker
