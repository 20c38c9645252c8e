// Pages: every row once, whatever PostgREST gives at a time and whoever writes meanwhile.
#include "tests/drivers/supabase/steps.h"
#include "worker/drivers/supabase.extractor/driver.h"

namespace osiris::worker::test {
namespace {

class Read : public SupabaseStep {
 public:
  explicit Read(std::initializer_list<Json::Member> more) : SupabaseStep(supabase_extractor(), more) {}
};

std::string counted(Read& step) {
  const auto done = step.run();
  return done.ok() ? step.query("SELECT count(*), count(DISTINCT id) FROM {out}") : done.error().message;
}

TEST(SupabasePages, AreReadToTheLastOne) {
  in_shop(
      "DROP TABLE IF EXISTS paged; CREATE TABLE paged (id int PRIMARY KEY, name text);"
      "INSERT INTO paged SELECT n, 'n' FROM generate_series(1, 2500) AS n");
  Read step({{"table", "paged"}, {"limit", 1000}});
  EXPECT_EQ(counted(step), "2500|2500\n");
  EXPECT_EQ(shop_api().requests().size(), 5u) << "a description, three pages, and an empty one";
}

TEST(SupabasePages, MayBeShorterThanAsked) {
  in_shop(
      "DROP TABLE IF EXISTS capped; CREATE TABLE capped (id int PRIMARY KEY);"
      "INSERT INTO capped SELECT generate_series(1, 250)");
  osiris::test::PostgrestOptions options;
  options.max_rows = 100;
  const Postgrest api(plain_postgres(), options);
  for (const char* order : {"", "id.desc"}) {
    Read step({{"table", "capped"}, {"order", order}});
    step.set_connection("supabase", "shop", Json::object({{"url", api.url()}, {"key", "service-key"}}));
    EXPECT_EQ(counted(step), "250|250\n") << order;
  }
}

TEST(SupabasePages, GoOnByAKeyOfSeveralColumns) {
  in_shop(
      "DROP TABLE IF EXISTS pairs; CREATE TABLE pairs (a int, b text, id int, PRIMARY KEY (a, b));"
      "INSERT INTO pairs SELECT n % 7, 'k,\"' || n, n FROM generate_series(1, 700) AS n");
  Read step({{"table", "pairs"}, {"limit", 90}});
  EXPECT_EQ(counted(step), "700|700\n");
}

// A row before the page that comes next would shift pages that are counted off.
TEST(SupabasePages, ByKeyLoseNothingToAWriter) {
  in_shop(
      "DROP TABLE IF EXISTS busy; CREATE TABLE busy (id int PRIMARY KEY);"
      "INSERT INTO busy SELECT generate_series(1, 300)");
  Read step({{"table", "busy"}, {"limit", 100}});
  shop_api().on_request([](const RestRequest& request, size_t number) -> std::optional<RestFault> {
    if (!request.parameter("and").empty())
      in_shop("DELETE FROM busy WHERE id = " + std::to_string(number) + "; INSERT INTO busy VALUES (-" +
              std::to_string(number) + ")");
    return std::nullopt;
  });
  EXPECT_EQ(counted(step), "300|300\n");
}

TEST(SupabasePages, ThatAreCountedOffNoticeAWriter) {
  in_shop(
      "DROP TABLE IF EXISTS shifting; CREATE TABLE shifting (id int PRIMARY KEY);"
      "INSERT INTO shifting SELECT generate_series(1, 300)");
  Read step({{"table", "shifting"}, {"limit", 100}, {"order", "id.desc"}});
  shop_api().on_request([](const RestRequest& request, size_t) -> std::optional<RestFault> {
    if (request.parameter("offset") == "100") in_shop("INSERT INTO shifting VALUES (301)");
    return std::nullopt;
  });
  const Error error = step.error();
  EXPECT_NE(error.message.find("table shifting had 300 rows when its first page was read and 301 now"),
            std::string::npos)
      << error.message;
  EXPECT_FALSE(step.has_output_table());
}

TEST(SupabasePages, WithoutAnOrderAreRefused) {
  in_shop("DROP TABLE IF EXISTS heap; CREATE TABLE heap (id int); INSERT INTO heap SELECT generate_series(1, 300)");
  Read one({{"table", "heap"}});
  EXPECT_EQ(counted(one), "300|300\n") << "one page has no order to lose";
  Read more({{"table", "heap"}, {"limit", 100}});
  EXPECT_NE(counted(more).find("nothing gives its rows an order"), std::string::npos);
  Read ordered({{"table", "heap"}, {"limit", 100}, {"order", "id"}});
  EXPECT_EQ(counted(ordered), "300|300\n");
}

TEST(SupabasePages, AreThereWithoutADescription) {
  in_shop(
      "DROP TABLE IF EXISTS undescribed; CREATE TABLE undescribed (id int PRIMARY KEY, name text);"
      "INSERT INTO undescribed SELECT generate_series(1, 30)");
  osiris::test::PostgrestOptions options;
  options.describes = false;
  const Postgrest api(plain_postgres(), options);
  const auto read = [&](Json filter) {
    Read step({{"table", "undescribed"}, {"filter", std::move(filter)}});
    step.set_connection("supabase", "shop", Json::object({{"url", api.url()}, {"key", "service-key"}}));
    return step.rows();
  };
  EXPECT_EQ(read(Json::object({{"id", "lt.3"}})), "id BIGINT, name VARCHAR\n1|NULL\n2|NULL\n");
  EXPECT_EQ(read(Json::object({{"id", "gt.99"}})), "id \"NULL\", name \"NULL\"\n") << "one row of the table tells them";
}

// A server that gives the first page over and over.
TEST(SupabasePages, ThatRepeatThemselvesAreAnError) {
  in_shop("DROP TABLE IF EXISTS looping; CREATE TABLE looping (id int PRIMARY KEY); INSERT INTO looping VALUES (1)");
  Read step({{"table", "looping"}, {"retries", 0}});
  shop_api().on_request([](const RestRequest& request, size_t) -> std::optional<RestFault> {
    return request.table() == "looping" ? std::optional(answering(200, "[{\"id\":1}]")) : std::nullopt;
  });
  EXPECT_NE(step.error().message.find("the same last row of looping twice"), std::string::npos);
}

}  // namespace
}  // namespace osiris::worker::test
