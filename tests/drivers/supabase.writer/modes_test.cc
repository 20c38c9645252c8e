// What each mode makes of a table by PostgREST.
#include "protocol/base/text.h"
#include "tests/drivers/supabase.writer/writing.h"

namespace osiris::worker::test {
namespace {

const std::string kSum = "SELECT count(*), sum(id), min(name), max(name) FROM target";

void make_target(const std::string& rows = "") {
  in_shop("DROP TABLE IF EXISTS target; CREATE TABLE target (id int PRIMARY KEY, name text);" +
          (rows.empty() ? "" : "INSERT INTO target VALUES " + rows));
}

size_t requests_of(const std::string& method) {
  size_t count = 0;
  for (const RestRequest& request : shop_api().requests()) count += request.method == method ? 1 : 0;
  return count;
}

TEST(SupabaseAppend, AddsRowsInBatches) {
  make_target("(0, 'old')");
  Write step(numbered(1234), {{"table", "target"}, {"batch_size", 100}});
  EXPECT_EQ(step.outcome(), "ok 1234");
  EXPECT_EQ(ask_shop(kSum), "1235|761995|name 1|old\n");
  EXPECT_EQ(requests_of("POST"), 13u);
  EXPECT_EQ(step.progress_reports().back(), 1234u);
}

TEST(SupabaseAppend, OfNoRowsAsksForNothing) {
  make_target();
  EXPECT_EQ(Write(numbered(0), {{"table", "target"}}).outcome(), "ok 0");
  EXPECT_EQ(requests_of("POST"), 0u);
}

TEST(SupabaseUpsert, InsertsAndUpdates) {
  make_target("(1, 'old'), (7, 'stays')");
  const auto upsert = [] {
    return Write(numbered(5), {{"table", "target"}, {"write_mode", "upsert"}, {"primary_key", "id"}, {"batch_size", 2}})
        .outcome();
  };
  EXPECT_EQ(upsert(), "ok 5");
  EXPECT_EQ(ask_shop(kSum), "6|22|name 1|stays\n");
  EXPECT_EQ(upsert(), "ok 5");
  EXPECT_EQ(ask_shop(kSum), "6|22|name 1|stays\n");
}

TEST(SupabaseUpsert, RefusesKeysThatDoNotTellRowsApart) {
  make_target();
  const auto said = [](const std::string& select) {
    return Write(select, {{"table", "target"}, {"write_mode", "upsert"}, {"primary_key", Json::array({"id"})}})
        .outcome();
  };
  EXPECT_NE(said("SELECT 1 AS id, 'a' AS name UNION ALL SELECT 1, 'b'").find("the key (id) = (1) 2 times"),
            std::string::npos);
  EXPECT_NE(said("SELECT NULL::INTEGER AS id, 'a' AS name").find("1 rows have a NULL in the key (id)"),
            std::string::npos);
  EXPECT_NE(said("SELECT 'a' AS name").find("primary_key names 'id', which is no column"), std::string::npos);
  EXPECT_TRUE(shop_api().requests().empty());
}

TEST(SupabaseReplace, LeavesTheRowsWrittenAndNoOther) {
  make_target("(3, 'old'), (4000, 'stale'), (5000, 'stale')");
  in_shop("INSERT INTO target SELECT n, 'stale' FROM generate_series(10001, 13000) AS n");
  Write step(numbered(1500),
             {{"table", "target"}, {"write_mode", "replace"}, {"primary_key", "id"}, {"batch_size", 1000}});
  EXPECT_EQ(step.outcome(), "ok 1500");
  EXPECT_EQ(ask_shop(kSum), "1500|1125750|name 1|name 999\n");
  EXPECT_NE(join(step.logs(), "\n").find("replace removed 3002 rows that the table had before"), std::string::npos);
}

TEST(SupabaseReplace, OfAKeyOfSeveralColumns) {
  in_shop(
      "DROP TABLE IF EXISTS pairs; CREATE TABLE pairs (\"meter id\" text, at timestamptz, kwh numeric(9,3), PRIMARY "
      "KEY (\"meter id\", at));"
      "INSERT INTO pairs VALUES ('a,\"b\\', '2024-01-01 00:00+00', 1), ('a,\"b\\', '2023-01-01 00:00+00', 1), ('gone', "
      "'2024-01-01 00:00+00', 2)");
  Write step(
      "SELECT 'a,\"b\\' AS \"meter id\", TIMESTAMPTZ '2024-01-01 00:00:00+00' AS at, 2.125::DECIMAL(9,3) AS kwh UNION "
      "ALL "
      "SELECT 'new', TIMESTAMPTZ '2024-06-01 12:00:00.123456+00', 3",
      {{"table", "pairs"}, {"write_mode", "replace"}, {"primary_key", Json::array({"meter id", "at"})}});
  EXPECT_EQ(step.outcome(), "ok 2");
  EXPECT_EQ(ask_shop("SELECT * FROM pairs ORDER BY 1"),
            "a,\"b\\|2023-12-31 20:30:00-03:30|2.125\nnew|2024-06-01 09:30:00.123456-02:30|3.000\n");
}

TEST(SupabaseReplace, ByNoRowsEmptiesTheTable) {
  make_target("(1, 'old'), (2, 'old')");
  EXPECT_EQ(Write(numbered(0), {{"table", "target"}, {"write_mode", "replace"}, {"primary_key", "id"}}).outcome(),
            "ok 0");
  EXPECT_EQ(ask_shop("SELECT count(*) FROM target"), "0\n");
}

// Keys that the table changes could be taken for keys that are not among the rows.
TEST(SupabaseReplace, RemovesNothingWhereRowsAreNotFoundAgain) {
  in_shop(
      "DROP TABLE IF EXISTS padded; CREATE TABLE padded (id char(5) PRIMARY KEY); INSERT INTO padded VALUES ('old')");
  const std::string said =
      Write("SELECT 'new' AS id", {{"table", "padded"}, {"write_mode", "replace"}, {"primary_key", "id"}}).outcome();
  EXPECT_NE(said.find("of the 1 rows written, 0 are found in table public.padded by their key, so what it had before "
                      "was not removed"),
            std::string::npos)
      << said;
  EXPECT_EQ(ask_shop("SELECT count(*) FROM padded"), "2\n");
}

TEST(SupabaseReplace, NoticesRowsOfOthers) {
  make_target();
  Write step(numbered(3), {{"table", "target"}, {"write_mode", "replace"}, {"primary_key", "id"}});
  shop_api().on_request([](const RestRequest& request, size_t) -> std::optional<RestFault> {
    if (request.method == "HEAD") in_shop("INSERT INTO target VALUES (99, 'other')");
    return std::nullopt;
  });
  EXPECT_NE(step.outcome().find("was to hold the 3 rows written and holds 4"), std::string::npos);
}

}  // namespace
}  // namespace osiris::worker::test
