// The same step on a connection that leads to the database: the rows that PostgREST would give, in their own types.
#include "tests/drivers/parts.h"
#include "tests/drivers/supabase/steps.h"
#include "worker/drivers/supabase.extractor/conditions.h"
#include "worker/drivers/supabase.extractor/driver.h"

namespace osiris::worker::test {
namespace {

class Read : public SupabaseStep {
 public:
  explicit Read(std::initializer_list<Json::Member> more) : SupabaseStep(supabase_extractor(), more, Way::kDatabase) {}
};

void make_items() {
  in_shop(
      "DROP TABLE IF EXISTS items; CREATE TABLE items (id int PRIMARY KEY, name text, price numeric(8,3), ok bool);"
      "INSERT INTO items SELECT n, 'item ' || n, n / 8.0, n % 3 = 0 FROM generate_series(1, 20) AS n;"
      "INSERT INTO items VALUES (21, NULL, NULL, NULL), (22, 'it''s', 1, true)");
}

TEST(SupabaseDatabase, ValuesAreExact) {
  make_items();
  EXPECT_EQ(Read({{"table", "items"}, {"filter", Json::object({{"id", "lte.2"}})}, {"order", "id"}}).rows(),
            "id INTEGER, name VARCHAR, price DECIMAL(8,3), ok BOOLEAN\n1|item 1|0.125|false\n2|item 2|0.250|false\n");
  EXPECT_TRUE(shop_api().requests().empty());
}

// Whatever a step may ask for, both ways give the same rows.
TEST(SupabaseDatabase, GivesTheRowsThatPostgrestGives) {
  make_items();
  const std::initializer_list<Json> filters = {Json::object(),
                                               Json::object({{"name", "eq.item 3"}}),
                                               Json::object({{"name", "neq.item 3"}}),
                                               Json::object({{"name", "like.item 1*"}, {"price", "gt.1.5"}}),
                                               Json::object({{"name", "ilike.ITEM 2*"}}),
                                               Json::object({{"id", "in.(1,2,\"3\")"}}),
                                               Json::object({{"id", "not.in.(1,2)"}}),
                                               Json::object({{"name", "is.null"}}),
                                               Json::object({{"name", "not.is.null"}, {"ok", "is.true"}}),
                                               Json::object({{"name", "eq.it's"}}),
                                               Json::object({{"name", "in.(\"it's\",\"item 1\")"}}),
                                               Json::object({{"ok", true}}),
                                               Json::object({{"id", 5}}),
                                               Json::object({{"price", "gte.2"}, {"id", "lt.20"}})};
  for (const Json& filter : filters)
    for (const char* order : {"id", "name.desc.nullslast,id", "ok.nullsfirst,price.desc,id.asc"}) {
      const auto read = [&](SupabaseStep::Way way) {
        SupabaseStep step(
            supabase_extractor(),
            {{"table", "items"}, {"select", "id,label:name"}, {"filter", filter}, {"order", order}, {"offset", 1}},
            way);
        const auto done = step.run();
        return done.ok() ? step.query("SELECT id, label FROM {out}") : done.error().message;
      };
      EXPECT_EQ(read(SupabaseStep::Way::kDatabase), read(SupabaseStep::Way::kApi)) << filter.dump() << order;
    }
}

TEST(SupabaseDatabase, IsReadInPartsOfOneSnapshotAndPostgrestIsNot) {
  make_items();
  Read step({{"table", "items"}, {"filter", Json::object({{"id", "gt.2"}})}, {"select", "id,name"}});
  Parts parts(step, supabase_extractor(), split_of("id", 4, true));
  EXPECT_EQ(parts.expect_whole(), (std::vector<size_t>{5, 5, 5, 5, 0}));
  EXPECT_TRUE(parts.source());
  SupabaseStep api(supabase_extractor(), {{"table", "items"}}, SupabaseStep::Way::kApi);
  const Status settled = Parts(api, supabase_extractor(), split_of("id", 4, true)).settle();
  ASSERT_FALSE(settled.ok());
  EXPECT_NE(settled.error().message.find("the connection leads to PostgREST"), std::string::npos);
}

TEST(SupabaseDatabase, SaysWhatItIsNotAskedFor) {
  make_items();
  const auto said = [](std::initializer_list<Json::Member> more) { return Read(more).rows(); };
  EXPECT_NE(said({{"table", "items"}, {"filter", Json::object({{"or", "(id.eq.1)"}})}}).find("'filter' holds 'or'"),
            std::string::npos);
  EXPECT_NE(said({{"table", "items"}, {"select", "id,other(id)"}}).find("a path or another table"), std::string::npos);
  EXPECT_NE(said({{"table", "items"}, {"select", "id::text; DROP TABLE items"}}).find("no name of a type"),
            std::string::npos);
  EXPECT_NE(said({{"table", "items"}, {"order", "id.down"}}).find("'down' in 'order'"), std::string::npos);
  EXPECT_NE(
      said({{"table", "items"}, {"filter", Json::object({{"id", "fts.x"}})}}).find("'filter' of id: 'fts' is none"),
      std::string::npos);
  EXPECT_EQ(ask_shop("SELECT count(*) FROM items"), "22\n");
}

TEST(SupabaseConditions, AreSqlWithQuotedValues) {
  const auto sql = [](const char* text) {
    const auto made = supabase::condition_sql("c", text);
    return made.ok() ? *made : made.error().message;
  };
  EXPECT_EQ(sql("eq.it's"), "c = 'it''s'");
  EXPECT_EQ(sql("not.in.(a,\"b,'c\")"), "NOT (c IN ('a', 'b,''c'))");
  EXPECT_EQ(sql("in.()"), "false");
  EXPECT_EQ(sql("is.NULL"), "c IS null");
  EXPECT_EQ(sql("is.1"), "'is.1' is no condition");
  EXPECT_EQ(sql("like.a*b"), "c LIKE 'a%b'");
  EXPECT_EQ(sql("cs.{a,b}"), "c @> '{a,b}'");
  EXPECT_EQ(sql("done"), "'done' is no condition");
}

TEST(SupabaseDsn, IsReadAsLibpqReadsIt) {
  make_items();
  const auto works = [](Json fields) {
    Read step({{"table", "items"}, {"select", "id"}});
    step.set_connection("supabase", "shop", std::move(fields));
    const auto done = step.run();
    return done.ok() ? "ok" : done.error().message + "; " + done.error().hint;
  };
  const std::string port = std::to_string(plain_postgres().port());
  EXPECT_EQ(
      works(Json::object({{"dsn", "host=127.0.0.1 port=" + port +
                                      " dbname=shop user=app sslmode=disable password='p@ss/w:rd %41\\'\"\\\\'"}})),
      "ok");
  EXPECT_EQ(works(Json::object({{"pg_host", "127.0.0.1"},
                                {"pg_port", int64_t{plain_postgres().port()}},
                                {"pg_database", "shop"},
                                {"pg_user", "app"},
                                {"pg_password", kPostgresPassword},
                                {"sslmode", "disable"}})),
            "ok");
  Json plain = postgres_fields(plain_postgres(), {{"sslmode", "disable"}});
  EXPECT_EQ(works(plain), "ok");
  plain.erase("sslmode");
  EXPECT_NE(works(plain).find("SSL"), std::string::npos) << "require, unless it says otherwise";
  const std::string bad = works(Json::object({{"pg_dsn", "postgresql://app:canary@[x/db"}}));
  EXPECT_NE(bad.find("'pg_dsn' is no connection string"), std::string::npos) << bad;
  EXPECT_EQ(bad.find("canary"), std::string::npos);
  EXPECT_NE(works(Json::object({{"pg_dsn", "postgresql://app:x@/db"}})).find("names no host"), std::string::npos);
  EXPECT_NE(
      works(Json::object({{"pg_dsn", "postgresql://app:x@h/db?options=-csearch_path%3Dx"}})).find("holds 'options'"),
      std::string::npos);
}

TEST(SupabaseDatabase, IsChecked) {
  EXPECT_TRUE(Read({}).check(supabase_extractor()).ok());
  Read step({});
  step.set_connection("supabase", "shop", dsn_fields("wrong"));
  EXPECT_EQ(step.check(supabase_extractor()).error().category, "connection.auth_failed");
}

}  // namespace
}  // namespace osiris::worker::test
