// What may go wrong by PostgREST: what passes is sent again where that can do no harm, and an error says what is in the
// table.
#include "tests/drivers/supabase.writer/writing.h"

namespace osiris::worker::test {
namespace {

using Kind = RestFault::Kind;

void make_target() {
  in_shop(
      "DROP TABLE IF EXISTS target; CREATE TABLE target (id int PRIMARY KEY, name text CHECK (name <> 'name 250'))");
}

std::string held() { return ask_shop("SELECT count(*), count(DISTINCT id) FROM target"); }

// Before: nothing was done; after: all was, and nobody said so.
TEST(SupabaseAppendWithoutAnswer, IsNeverSentTwice) {
  for (const RestFault& fault : {RestFault{Kind::kCutBefore, {}}, RestFault{Kind::kCutAfter, {}},
                                 answering(504, "gateway"), answering(500, "oops"), answering(502),
                                 answering(503, R"({"code":"PGRST001","message":"Database client error"})"),
                                 answering(500, R"({"code":"57P01","message":"terminating connection"})")}) {
    make_target();
    Write step(numbered(200), {{"table", "target"}});
    size_t posts = 0;
    shop_api().on_request([&](const RestRequest& request, size_t) -> std::optional<RestFault> {
      if (request.method != "POST" || ++posts != 2) return std::nullopt;
      return fault;
    });
    const Error error = step.error();
    EXPECT_EQ(error.code, Code::kInvalidState) << error.message;
    EXPECT_NE(error.message.find("rows 101 to 200: outcome unknown: "), std::string::npos) << error.message;
    EXPECT_NE(
        error.message.find("rows 1 to 100 are in table public.target, and a run that repeats this one adds them again"),
        std::string::npos)
        << error.message;
    EXPECT_NE(error.hint.find("look whether rows 101 to 200 are in table public.target"), std::string::npos)
        << error.hint;
    EXPECT_EQ(posts, 2u);
    EXPECT_EQ(held(), fault.kind == Kind::kCutAfter ? "200|200\n" : "100|100\n");
  }
}

TEST(SupabaseAppendThatHadNoEffect, IsSentAgain) {
  for (const RestFault& fault : {answering(429, "", "Retry-After: 0\r\n"),
                                 answering(503, R"({"code":"PGRST003","message":"Timed out acquiring connection"})")}) {
    make_target();
    Write step(numbered(200), {{"table", "target"}});
    fail_requests("POST", fault, 2);
    EXPECT_EQ(step.outcome(), "ok 200");
    EXPECT_EQ(held(), "200|200\n");
  }
}

TEST(SupabaseUpsertWithoutAnswer, IsSentAgain) {
  for (const RestFault& fault :
       {RestFault{Kind::kCutBefore, {}}, RestFault{Kind::kCutAfter, {}}, answering(504), answering(500, "oops")}) {
    make_target();
    Write step(numbered(200), {{"table", "target"}, {"write_mode", "upsert"}, {"primary_key", "id"}});
    fail_requests("POST", fault);
    EXPECT_EQ(step.outcome(), "ok 200");
    EXPECT_EQ(held(), "200|200\n");
  }
}

TEST(SupabaseConstraint, NamesTheBatch) {
  make_target();
  const std::string said =
      Write(numbered(400), {{"table", "target"}, {"write_mode", "upsert"}, {"primary_key", "id"}}).outcome();
  EXPECT_NE(said.find("Supabase write failed: rows 201 to 300: POST "), std::string::npos) << said;
  EXPECT_NE(said.find("answered 400: new row for relation \"target\" violates check constraint"), std::string::npos)
      << said;
  EXPECT_NE(said.find("rows 1 to 200 are in table public.target, and may be written again"), std::string::npos) << said;
  EXPECT_EQ(held(), "200|200\n");
  const std::string twice = Write(numbered(1), {{"table", "target"}}).outcome();
  EXPECT_NE(twice.find("answered 409: duplicate key value"), std::string::npos) << twice;
}

TEST(SupabaseReplaceThatFails, KeepsWhatTheTableHad) {
  make_target();
  in_shop("INSERT INTO target VALUES (999, 'old')");
  const auto write = [](int rows) {
    return Write(numbered(rows), {{"table", "target"}, {"write_mode", "replace"}, {"primary_key", "id"}}).outcome();
  };
  EXPECT_NE(write(400).find("rows 1 to 200 are in table public.target, beside those that it had; run again"),
            std::string::npos);
  EXPECT_EQ(held(), "201|201\n");
  EXPECT_EQ(write(100), "ok 100") << "a run that ends well puts it right";
  EXPECT_EQ(held(), "100|100\n");
}

TEST(SupabaseTable, ThatIsMissingIsShownAsDdl) {
  in_shop("DROP TABLE IF EXISTS absent");
  Write step("SELECT 1::BIGINT AS id, 2.5::DECIMAL(8,3) AS kwh, now()::TIMESTAMPTZ AS at, ['a'] AS tags",
             {{"table", "absent"}, {"primary_key", "id"}, {"create_if_missing", true}});
  const Error error = step.error();
  EXPECT_EQ(error.code, Code::kNotFound);
  EXPECT_EQ(error.message, "Supabase write failed: table public.absent does not exist");
  EXPECT_NE(error.hint.find("CREATE TABLE \"public\".\"absent\" (\"id\" bigint, \"kwh\" numeric(8,3), \"at\" "
                            "timestamptz, \"tags\" text[], PRIMARY KEY (\"id\"))"),
            std::string::npos)
      << error.hint;
}

TEST(SupabaseTable, ThatLacksAColumnIsSaid) {
  make_target();
  const std::string said = Write("SELECT 1 AS id, 2 AS nmae", {{"table", "target"}}).outcome();
  EXPECT_NE(said.find("nmae"), std::string::npos) << said;
  EXPECT_NE(said.find("rename the column in the step before, or add it"), std::string::npos) << said;
}

TEST(SupabaseKey, ThatMayNotWriteIsSaid) {
  make_target();
  Write step(numbered(1), {{"table", "target"}});
  step.set_connection("supabase", "shop", api_fields("anon-key"));
  EXPECT_EQ(step.error().category, "write.permission_denied");
  step.set_connection("supabase", "shop", api_fields("canary-key"));
  const Error error = step.error();
  EXPECT_EQ(error.category, "connection.auth_failed");
  EXPECT_EQ((error.message + step.everything_said()).find("canary-key"), std::string::npos);
}

TEST(SupabaseServerThat, TakesFewerRowsThanItWasGiven) {
  make_target();
  in_shop(
      "CREATE OR REPLACE FUNCTION drop_odd() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.id % 2 = 1 THEN RETURN "
      "NULL; END IF; RETURN NEW; END';"
      "CREATE TRIGGER drops BEFORE INSERT ON target FOR EACH ROW EXECUTE FUNCTION drop_odd()");
  EXPECT_NE(Write(numbered(10), {{"table", "target"}})
                .outcome()
                .find("rows 1 to 10: the server says that it wrote 5 of them"),
            std::string::npos);
  EXPECT_EQ(
      Write(numbered(100), {{"table", "target"}, {"write_mode", "upsert"}, {"primary_key", "id"}, {"verify", "off"}})
          .outcome(),
      "ok 100");
}

TEST(SupabaseStep, IsCancelledBetweenBatches) {
  make_target();
  Write step("SELECT i::INTEGER AS id, 'n' AS name FROM range(100000) t(i)",
             {{"table", "target"}, {"batch_size", 100}});
  step.cancel_at_progress(300);
  EXPECT_EQ(step.error().code, Code::kCancelled);
  EXPECT_EQ(held(), "300|300\n");
  EXPECT_NE(step.everything_said().find("rows 1 to 300 are in table public.target"), std::string::npos);
}

TEST(SupabaseConfig, ThatCannotBeDoneIsRefused) {
  make_target();
  const auto said = [](std::initializer_list<Json::Member> more) { return Write(numbered(1), more).outcome(); };
  EXPECT_NE(said({{"table", "target"}, {"ddl_channel", "http_sql"}}).find("http_sql is not supported"),
            std::string::npos);
  EXPECT_NE(said({{"table", "target"}, {"schema_drift", "evolve"}}).find("needs the database itself"),
            std::string::npos);
  EXPECT_EQ(held(), "0|0\n");
}

}  // namespace
}  // namespace osiris::worker::test
