// What a step asks PostgREST for, and what becomes of the answer.
#include "tests/drivers/supabase/steps.h"
#include "worker/drivers/supabase.extractor/driver.h"

namespace osiris::worker::test {
namespace {

class Read : public SupabaseStep {
 public:
  explicit Read(std::initializer_list<Json::Member> more) : SupabaseStep(supabase_extractor(), more) {}
};

void make_people() {
  in_shop(
      "DROP TABLE IF EXISTS people; CREATE TABLE people (id int PRIMARY KEY, name text, age int, height numeric(5,2),"
      " joined timestamptz, tags text[], extra jsonb, \"odd name\" text);"
      "INSERT INTO people VALUES (1, 'Ann', 31, 1.75, '2024-02-29 23:00+01', '{a,b}', '{\"k\": [1]}', 'x,y'),"
      "(2, 'Bob', NULL, NULL, NULL, NULL, NULL, 'a \"b\"'), (3, 'C, D', 18, 2.00, '2024-03-01 00:00+00', '{}', "
      "'[]', NULL)");
}

TEST(SupabaseRead, ValuesKeepTheirTypes) {
  make_people();
  EXPECT_EQ(Read({{"table", "people"}, {"select", "*"}}).rows(),
            "id BIGINT, name VARCHAR, age BIGINT, height DOUBLE, joined VARCHAR, tags JSON, extra JSON, odd name "
            "VARCHAR\n"
            "1|Ann|31|1.75|2024-02-29T22:00:00+00:00|[\"a\",\"b\"]|{\"k\":[1]}|x,y\n"
            "2|Bob|NULL|NULL|NULL|NULL|NULL|a \"b\"\n"
            "3|C, D|18|2.0|2024-03-01T00:00:00+00:00|[]|[]|NULL\n");
}

TEST(SupabaseRead, SelectRenamesAndCasts) {
  make_people();
  EXPECT_EQ(Read({{"table", "people"},
                  {"select", "id,full_name:name,height::text,\"odd name\""},
                  {"filter", Json::object({{"id", 1}})}})
                .rows(),
            "id BIGINT, full_name VARCHAR, height VARCHAR, odd name VARCHAR\n1|Ann|1.75|x,y\n");
}

TEST(SupabaseRead, ConditionsMustAllHold) {
  make_people();
  const auto ids = [](Json filter) {
    return Read({{"table", "people"}, {"select", "id"}, {"filter", std::move(filter)}}).rows();
  };
  EXPECT_EQ(ids(Json::object({{"age", "gte.18"}, {"name", "like.A*"}})), "id BIGINT\n1\n");
  EXPECT_EQ(ids(Json::object({{"age", "is.null"}})), "id BIGINT\n2\n");
  EXPECT_EQ(ids(Json::object({{"name", "in.(\"C, D\",Bob)"}})), "id BIGINT\n2\n3\n");
  EXPECT_EQ(ids(Json::object({{"or", "(id.eq.1,age.lt.20)"}})), "id BIGINT\n1\n3\n");
  EXPECT_EQ(ids(Json::object({{"age", 31}})), "id BIGINT\n1\n");
  const std::string wrong = ids(Json::object({{"age", "31"}}));
  EXPECT_NE(wrong.find("error: Supabase read failed: GET "), std::string::npos) << wrong;
  EXPECT_NE(wrong.find("/rest/v1/people answered 400"), std::string::npos) << wrong;
  EXPECT_NE(wrong.find("(PGRST100)"), std::string::npos) << wrong;
}

TEST(SupabaseRead, OrderAndOffset) {
  make_people();
  EXPECT_EQ(Read({{"table", "people"}, {"select", "id"}, {"order", "name.desc"}, {"offset", 1}}).rows(),
            "id BIGINT\n2\n1\n");
  EXPECT_EQ(Read({{"table", "people"}, {"select", "id"}, {"offset", 3}}).rows(), "id \"NULL\"\n");
  EXPECT_EQ(Read({{"table", "people"}, {"select", "id"}, {"offset", 7}}).rows(), "id \"NULL\"\n");
}

TEST(SupabaseRead, ATableWithoutRowsHasItsColumns) {
  make_people();
  EXPECT_EQ(Read({{"table", "people"}, {"filter", Json::object({{"id", "gt.5"}})}}).rows(),
            "id \"NULL\", name \"NULL\", age \"NULL\", height \"NULL\", joined \"NULL\", tags \"NULL\", extra "
            "\"NULL\", odd name \"NULL\"\n");
}

TEST(SupabaseRead, AnotherSchemaIsAskedForByItsProfile) {
  make_people();
  const std::string said = Read({{"table", "people"}, {"schema", "secrets"}}).rows();
  EXPECT_NE(said.find("The schema must be one of the following: public (PGRST106)"), std::string::npos) << said;
  Read step({{"table", "people"}});
  Json fields = api_fields();
  fields.set("schema", "secrets");
  step.set_connection("supabase", "shop", fields);
  EXPECT_NE(step.rows().find("PGRST106"), std::string::npos) << "public, the default, leaves it to the connection";
}

TEST(SupabaseRead, SendsItsKeyAsTheGatewayWantsIt) {
  make_people();
  Read step({{"table", "people"}});
  step.rows();
  const auto requests = shop_api().requests();
  ASSERT_FALSE(requests.empty());
  EXPECT_EQ(requests.back().header("apikey"), "service-key");
  EXPECT_EQ(requests.back().header("Authorization"), "Bearer service-key");
}

TEST(SupabaseIncremental, SecondRunsTakeWhatIsNew) {
  in_shop(
      "DROP TABLE IF EXISTS events; CREATE TABLE events (id int PRIMARY KEY, at timestamptz);"
      "INSERT INTO events VALUES (1, '2024-01-01 00:00:00+00'), (2, '2024-01-01 00:00:00.5+00')");
  const Json incremental = Json::object({{"column", "at"}, {"key", Json::array({"id"})}});
  Json state;
  const auto next = [&] {
    Read step({{"table", "events"}, {"select", "id,at"}, {"incremental", incremental}});
    step.set_previous_state(state);
    const std::string rows = step.rows();
    state = step.new_state();
    return rows.substr(rows.find('\n') + 1);
  };
  EXPECT_EQ(next(), "1|2024-01-01T00:00:00+00:00\n2|2024-01-01T00:00:00.5+00:00\n");
  in_shop("INSERT INTO events VALUES (3, '2024-01-01 00:00:00.5+00'), (4, '2024-01-02 00:00:00+00')");
  EXPECT_EQ(next(), "3|2024-01-01T00:00:00.5+00:00\n4|2024-01-02T00:00:00+00:00\n");
  EXPECT_EQ(next(), "");
  in_shop("INSERT INTO events VALUES (5, NULL)");
  EXPECT_NE(Read({{"table", "events"}, {"incremental", incremental}}).rows().find("1 of 5 rows have NULL"),
            std::string::npos);
}

TEST(SupabaseConnection, ThatLacksSomethingIsSaid) {
  Read step({{"table", "people"}});
  step.set_connection("supabase", "shop", Json::object({{"url", "https://project.example"}}));
  EXPECT_EQ(step.rows().substr(0, 54), "error: Step step: Supabase URL and key are required; w");
  step.set_connection("supabase", "shop", Json::object({{"url", "project.example"}, {"key", "k"}}));
  EXPECT_NE(step.rows().find("'project.example' is no URL"), std::string::npos);
  step.set_connection("supabase", "shop", Json::object({{"url", "https://project.example"}, {"servicerolekey", "k"}}));
  EXPECT_NE(step.rows().find("did you mean 'service_role_key'?"), std::string::npos);
}

}  // namespace
}  // namespace osiris::worker::test
