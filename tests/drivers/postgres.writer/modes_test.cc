// The write modes and the keys of the config.
#include <thread>

#include "tests/drivers/postgres.writer/writing.h"
#include "tests/support/eventually.h"

namespace osiris::worker::test {
namespace {

using testing::Test;

std::string table(const std::string& name) { return ask_shop("SELECT * FROM " + name + " ORDER BY 1, 2"); }

constexpr char kTwo[] = "SELECT * FROM (VALUES (1::INTEGER, 'one'), (2, 'two')) t(id, name)";
constexpr char kOther[] = "SELECT * FROM (VALUES (2::INTEGER, 'zwei'), (3, 'drei')) t(id, name)";

TEST(PostgresAppend, MakesTheTableAndAddsToIt) {
  EXPECT_EQ(WriteStep(kTwo, {{"table", "app"}, {"primary_key", "id"}}).outcome(), "ok 2");
  EXPECT_EQ(WriteStep("SELECT 'x' AS NAME, 9 AS Id", {{"table", "app"}}).outcome(), "ok 1");
  EXPECT_EQ(table("app"), "1|one\n2|two\n9|x\n");
  EXPECT_EQ(ask_shop("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'app'::regclass"),
            "PRIMARY KEY (id)\n");
}

TEST(PostgresAppend, ATableThatIsNotThereIsAnErrorWhereNoneIsToBeMade) {
  const std::string said = WriteStep(kTwo, {{"table", "nowhere"}, {"create_table", false}}).outcome();
  EXPECT_NE(said.find("table public.nowhere does not exist"), std::string::npos) << said;
  EXPECT_NE(said.find("CREATE TABLE \"public\".\"nowhere\" (\"id\" integer, \"name\" text)"), std::string::npos)
      << said;
  EXPECT_NE(WriteStep(kTwo, {{"table", "nowhere"}, {"create_table", false}, {"create_if_missing", true}})
                .outcome()
                .find("mean the same and differ"),
            std::string::npos);
}

TEST(PostgresAppend, QuotesEveryName) {
  EXPECT_EQ(WriteStep("SELECT 1 AS \"a\"\"b\", 2 AS \"select\"", {{"table", "we\"ird; DROP"}, {"primary_key", "a\"b"}})
                .outcome(),
            "ok 1");
  EXPECT_EQ(ask_shop("SELECT \"a\"\"b\", \"select\" FROM \"we\"\"ird; DROP\""), "1|2\n");
}

TEST(PostgresAppend, AColumnThatMayBeEitherOfTwoIsRefused) {
  in_shop("CREATE TABLE alike (\"Id\" int, id int)");
  const std::string said = WriteStep("SELECT 1 AS \"ID\"", {{"table", "alike"}}).outcome();
  EXPECT_NE(said.find("column 'ID' may be any of Id, id of table public.alike"), std::string::npos) << said;
  EXPECT_EQ(WriteStep("SELECT 1 AS \"Id\"", {{"table", "alike"}}).outcome(), "ok 1");
  EXPECT_EQ(ask_shop("SELECT \"Id\", id IS NULL FROM alike"), "1|t\n");
}

TEST(PostgresAppend, SchemaIsWhereTheTableIs) {
  in_shop("CREATE SCHEMA \"Lake 1\"");
  EXPECT_EQ(WriteStep(kTwo, {{"table", "t"}, {"schema", "Lake 1"}}).outcome(), "ok 2");
  EXPECT_EQ(table("\"Lake 1\".t"), "1|one\n2|two\n");
  EXPECT_NE(WriteStep(kTwo, {{"table", "t"}, {"schema", "lake"}}).outcome().find("no schema 'lake'"),
            std::string::npos);
}

TEST(PostgresAppend, NoRowsMakeAnEmptyTable) {
  EXPECT_EQ(WriteStep("SELECT 1 AS id WHERE false", {{"table", "empty"}}).outcome(), "ok 0");
  EXPECT_EQ(ask_shop("SELECT count(*) FROM empty"), "0\n");
}

TEST(PostgresTruncate, EmptiesTheTableAndKeepsIt) {
  in_shop("CREATE TABLE trunc (id int, name varchar(9), at timestamptz DEFAULT now()); INSERT INTO trunc VALUES (7)");
  EXPECT_EQ(WriteStep(kTwo, {{"table", "trunc"}, {"write_mode", "truncate"}}).outcome(), "ok 2");
  EXPECT_EQ(ask_shop("SELECT id, name, at IS NOT NULL FROM trunc ORDER BY 1"), "1|one|t\n2|two|t\n");
  EXPECT_EQ(WriteStep(kOther, {{"table", "trunc"}, {"truncate_before", true}}).outcome(), "ok 2");
  EXPECT_EQ(ask_shop("SELECT count(*) FROM trunc"), "2\n");
}

TEST(PostgresReplace, SwapsTheTableAndKeepsWhatItIs) {
  in_shop(
      "CREATE TABLE swap (id int PRIMARY KEY, name text NOT NULL DEFAULT 'none', CONSTRAINT short CHECK (length(name) "
      "< 9));"
      "CREATE INDEX by_name ON swap (lower(name)); COMMENT ON TABLE swap IS 'the old one';"
      "INSERT INTO swap VALUES (7, 'old')");
  ASSERT_TRUE(plain_postgres().execute("CREATE ROLE reader; GRANT SELECT ON swap TO reader", "shop").ok());
  const std::string before = ask_shop("SELECT 'swap'::regclass::oid");
  EXPECT_EQ(WriteStep(kTwo, {{"table", "swap"}, {"write_mode", "replace"}}).outcome(), "ok 2");
  EXPECT_EQ(table("swap"), "1|one\n2|two\n");
  EXPECT_NE(ask_shop("SELECT 'swap'::regclass::oid"), before);
  EXPECT_EQ(ask_shop("SELECT conname FROM pg_constraint WHERE conrelid = 'swap'::regclass ORDER BY 1"),
            "short\nswap_pkey\n");
  EXPECT_EQ(ask_shop("SELECT indexname FROM pg_indexes WHERE tablename = 'swap' ORDER BY 1"), "by_name\nswap_pkey\n");
  EXPECT_EQ(ask_shop("SELECT has_table_privilege('reader', 'swap', 'SELECT'), obj_description('swap'::regclass)"),
            "t|the old one\n");
  in_shop("INSERT INTO swap (id) VALUES (3)");
  EXPECT_EQ(ask_shop("SELECT name FROM swap WHERE id = 3"), "none\n");
}

TEST(PostgresReplace, FillsATableThatOthersDependOnItself) {
  in_shop(
      "CREATE TABLE seen (id int, name text); INSERT INTO seen VALUES (7, 'old');"
      "CREATE VIEW sees AS SELECT count(*) AS n FROM seen");
  WriteStep step(kTwo, {{"table", "seen"}, {"write_mode", "replace"}});
  EXPECT_EQ(step.outcome(), "ok 2");
  EXPECT_EQ(ask_shop("SELECT n FROM sees"), "2\n");
  EXPECT_NE(step.everything_said().find("because view sees depends on it"), std::string::npos);
}

TEST(PostgresReplace, AFailureLeavesTheOldTable) {
  in_shop("CREATE TABLE stays (id int PRIMARY KEY, name text); INSERT INTO stays VALUES (7, 'old')");
  const std::string said = WriteStep("SELECT 1 + i % 100 AS id, 'x' AS name FROM range(101) t(i)",
                                     {{"table", "stays"}, {"write_mode", "replace"}})
                               .outcome();
  EXPECT_NE(said.find("Key (id)=(1) is duplicated"), std::string::npos) << said;
  EXPECT_EQ(table("stays"), "7|old\n");
  EXPECT_EQ(ask_shop("SELECT count(*) FROM pg_class WHERE relname LIKE 'osiris%'"), "0\n");
}

TEST(PostgresUpsert, InsertsNewRowsAndUpdatesTheOthers) {
  EXPECT_EQ(
      WriteStep(kTwo, {{"table", "ups"}, {"write_mode", "upsert"}, {"primary_key", Json::array({"id"})}}).outcome(),
      "ok 2");
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(WriteStep(kOther, {{"table", "ups"}, {"write_mode", "upsert"}, {"upsert_keys", "ID"}}).outcome(), "ok 2");
  EXPECT_EQ(table("ups"), "1|one\n2|zwei\n3|drei\n");
}

TEST(PostgresUpsert, OfKeysAloneAddsThoseThatAreNew) {
  in_shop("CREATE TABLE links (a int, b int, UNIQUE (b, a)); INSERT INTO links VALUES (1, 1)");
  EXPECT_EQ(WriteStep("SELECT 1 AS a, i::INTEGER AS b FROM range(3) t(i)",
                      {{"table", "links"}, {"write_mode", "upsert"}, {"primary_key", Json::array({"a", "b"})}})
                .outcome(),
            "ok 3");
  EXPECT_EQ(table("links"), "1|0\n1|1\n1|2\n");
}

TEST(PostgresUpsert, NeedsKeysThatTellRowsApart) {
  const auto upsert = [](const std::string& select, const char* name) {
    return WriteStep(select, {{"table", name}, {"write_mode", "upsert"}, {"primary_key", "id"}}).outcome();
  };
  in_shop(
      "CREATE TABLE keyless (id int, name text); CREATE TABLE keyed (id int UNIQUE, name text);"
      "INSERT INTO keyed VALUES (1, 'old')");
  EXPECT_NE(upsert(kTwo, "keyless").find("no primary key or unique index on (id)"), std::string::npos);
  const std::string twice = upsert("SELECT 5 AS id, 'x' AS name FROM range(3)", "keyed");
  EXPECT_NE(twice.find("the key (id) = (5) 3 times"), std::string::npos) << twice;
  const std::string null = upsert("SELECT NULL::INTEGER AS id, 'x' AS name", "keyed");
  EXPECT_NE(null.find("1 rows have a NULL in the key (id)"), std::string::npos) << null;
  EXPECT_NE(upsert("SELECT 'x' AS name", "keyed").find("names 'id', which is no column of the rows"),
            std::string::npos);
  EXPECT_NE(WriteStep(kTwo, {{"table", "keyed"}, {"write_mode", "upsert"}}).outcome().find("'primary_key' is required"),
            std::string::npos);
  EXPECT_EQ(table("keyed"), "1|old\n");
}

TEST(PostgresDrift, FreezesUnlessToldOtherwise) {
  in_shop("CREATE TABLE drift (id int); CREATE TABLE strict (id int, needed int NOT NULL)");
  const auto write = [](const char* drift) {
    return WriteStep("SELECT 1 AS id, 1.5::DECIMAL(4,1) AS price", {{"table", "drift"}, {"schema_drift", drift}})
        .outcome();
  };
  const std::string frozen = write("freeze");
  EXPECT_NE(frozen.find("table public.drift has no column 'price'; it has id"), std::string::npos) << frozen;
  EXPECT_NE(frozen.find("schema_drift: evolve"), std::string::npos);
  EXPECT_EQ(write("discard_columns"), "ok 1");
  EXPECT_EQ(write("evolve"), "ok 1");
  EXPECT_EQ(ask_shop("SELECT id, price, pg_typeof(price) FROM drift ORDER BY price"),
            "1|1.5|numeric\n1|NULL|numeric\n");
  const std::string needs = WriteStep("SELECT 1 AS id", {{"table", "strict"}}).outcome();
  EXPECT_NE(needs.find("needs column 'needed'"), std::string::npos) << needs;
}

TEST(PostgresVerify, ATriggerThatDropsRowsIsNoticed) {
  in_shop(
      "CREATE TABLE picky (id int); CREATE FUNCTION drops() RETURNS trigger LANGUAGE plpgsql AS "
      "'BEGIN IF NEW.id % 2 = 0 THEN RETURN NULL; END IF; RETURN NEW; END';"
      "CREATE TRIGGER drops BEFORE INSERT ON picky FOR EACH ROW EXECUTE FUNCTION drops()");
  const std::string said = WriteStep("SELECT i::INTEGER AS id FROM range(10) t(i)", {{"table", "picky"}}).outcome();
  EXPECT_NE(said.find("10 rows were handed over and table public.picky holds 5"), std::string::npos) << said;
  EXPECT_EQ(ask_shop("SELECT count(*) FROM picky"), "0\n");
  EXPECT_EQ(WriteStep("SELECT i::INTEGER AS id FROM range(10) t(i)", {{"table", "picky"}, {"verify", "off"}}).outcome(),
            "ok 10");
  EXPECT_EQ(ask_shop("SELECT count(*) FROM picky"), "5\n");
}

TEST(PostgresVerify, ATriggerThatTakesRowsAwayAgainIsNoticed) {
  in_shop(
      "CREATE TABLE shrinking (id int); CREATE FUNCTION takes() RETURNS trigger LANGUAGE plpgsql AS "
      "'BEGIN DELETE FROM shrinking WHERE id = NEW.id AND NEW.id % 2 = 0; RETURN NULL; END';"
      "CREATE TRIGGER takes AFTER INSERT ON shrinking FOR EACH ROW EXECUTE FUNCTION takes()");
  const std::string said =
      WriteStep("SELECT i::INTEGER AS id FROM range(10) t(i)", {{"table", "shrinking"}, {"write_mode", "truncate"}})
          .outcome();
  EXPECT_NE(said.find("10 rows were handed over and table public.shrinking holds 5"), std::string::npos) << said;
}

TEST(PostgresWriters, TwoOnOneTableBothArrive) {
  for (const char* mode : {"append", "replace", "truncate", "upsert"}) {
    in_shop("DROP TABLE IF EXISTS shared");
    const auto write = [&](int first) {
      return WriteStep("SELECT (i + " + std::to_string(first) + ")::INTEGER AS id FROM range(20000) t(i)",
                       {{"table", "shared"}, {"write_mode", mode}, {"primary_key", "id"}})
          .outcome();
    };
    std::string other;
    std::thread thread([&] { other = write(20000); });
    EXPECT_EQ(write(0), "ok 20000") << mode;
    thread.join();
    EXPECT_EQ(other, "ok 20000") << mode;
    const bool is_added = std::string(mode) == "append" || std::string(mode) == "upsert";
    EXPECT_EQ(ask_shop("SELECT count(*) FROM shared"), is_added ? "40000\n" : "20000\n") << mode;
  }
}

TEST(PostgresReaders, SeeTheOldRowsUntilAReplaceIsDone) {
  in_shop("CREATE TABLE watched AS SELECT 1 AS id");
  WriteStep step("SELECT i::INTEGER AS id FROM range(300000) t(i)", {{"table", "watched"}, {"write_mode", "replace"}});
  std::string seen;
  step.on_progress([&](uint64_t) { seen = ask_shop("SELECT count(*) FROM watched"); });
  EXPECT_EQ(step.outcome(), "ok 300000");
  EXPECT_EQ(seen, "1\n");
  EXPECT_EQ(ask_shop("SELECT count(*) FROM watched"), "300000\n");
}

}  // namespace
}  // namespace osiris::worker::test
