// Answers that are no rows: what passes is asked again, and what does not is an error that says what was asked.
#include "tests/drivers/supabase/steps.h"
#include "worker/drivers/supabase.extractor/driver.h"

namespace osiris::worker::test {
namespace {

class Read : public SupabaseStep {
 public:
  explicit Read(std::initializer_list<Json::Member> more = {})
      : SupabaseStep(supabase_extractor(), {{"table", "few"}, {"retries", 1}}) {
    in_shop(
        "DROP TABLE IF EXISTS few; CREATE TABLE few (id int PRIMARY KEY); INSERT INTO few VALUES (1), (2);"
        "GRANT SELECT ON few TO app");
    Json merged = config();
    for (const auto& [key, value] : more) merged.set(key, value);
    set_config(std::move(merged));
  }
};

TEST(SupabaseAnswer, ThatPassesIsAskedForAgain) {
  const RestFault passing[] = {answering(429, "slow down", "Retry-After: 0\r\n"),
                               answering(503, "upstream"),
                               answering(500, "oops"),
                               answering(408),
                               answering(503, R"({"code":"PGRST003","message":"Timed out acquiring connection"})"),
                               {RestFault::Kind::kCutBefore, {}},
                               {RestFault::Kind::kCutAfter, {}},
                               {RestFault::Kind::kCutBody, {}}};
  for (const RestFault& fault : passing) {
    Read step;
    fail_requests("GET", fault);
    EXPECT_EQ(step.rows(), "id BIGINT\n1\n2\n") << fault.answer.status;
  }
}

TEST(SupabaseAnswer, ThatLastsIsAnError) {
  Read step;
  fail_requests("GET", answering(503, "<html>\nupstream</html>"), 99);
  const Error error = step.error();
  EXPECT_EQ(error.code, Code::kUnavailable);
  EXPECT_EQ(error.category, "connection.failed");
  EXPECT_NE(error.message.find("answered 503: <html>"), std::string::npos) << error.message;
  EXPECT_NE(error.message.find("(after 2 attempts)"), std::string::npos) << error.message;
}

TEST(SupabaseAnswer, OfAWrongKey) {
  Read step;
  step.set_connection("supabase", "shop", api_fields("no such key"));
  const Error error = step.error();
  EXPECT_EQ(error.category, "connection.auth_failed");
  EXPECT_EQ(error.code, Code::kUnauthenticated);
  EXPECT_NE(error.message.find("JWSError"), std::string::npos) << error.message;
  EXPECT_EQ(error.message.find("no such key"), std::string::npos);
  EXPECT_NE(step.check(supabase_extractor()).error().message.find("401"), std::string::npos);
}

TEST(SupabaseAnswer, OfARoleWithoutTheRight) {
  Read step;
  step.set_connection("supabase", "shop", Json::object({{"url", shop_api().url()}, {"anon_key", "anon-key"}}));
  const Error error = step.error();
  EXPECT_EQ(error.category, "extract.permission_denied");
  EXPECT_NE(error.message.find("permission denied for table few (42501)"), std::string::npos) << error.message;
  EXPECT_TRUE(step.check(supabase_extractor()).ok());
}

TEST(SupabaseAnswer, OfATableThatIsNotThere) {
  Read step({{"table", "fewer"}});
  const Error error = step.error();
  EXPECT_EQ(error.code, Code::kNotFound);
  EXPECT_EQ(error.category, "extract.query_failed");
  EXPECT_NE(error.message.find("Could not find the table 'public.fewer' in the schema cache (PGRST205)"),
            std::string::npos)
      << error.message;
}

TEST(SupabaseAnswer, OfSomethingElse) {
  const auto said = [](RestFault fault) {
    Read step;
    fail_requests("GET", std::move(fault), 99);
    return step.error().message;
  };
  EXPECT_NE(said(answering(200, "<html></html>")).find("answered what is no list of rows"), std::string::npos);
  EXPECT_NE(said(answering(200, "{}")).find("it is a JSON object"), std::string::npos);
  EXPECT_NE(said(answering(200, "[1]")).find("one of them is a JSON integer"), std::string::npos);
  EXPECT_NE(said(answering(301, "", "Location: https://elsewhere.example\r\n")).find("sends elsewhere"),
            std::string::npos);
  EXPECT_NE(said(answering(404, "no Route matched")).find("answered 404: no Route matched"), std::string::npos);
}

TEST(SupabaseAnswer, NeverSaysWhatTheRowsHold) {
  Read step({{"filter", Json::object({{"id", "eq.canary"}})}});
  const Error error = step.error();
  EXPECT_NE(error.message.find("answered 400"), std::string::npos) << error.message;
  EXPECT_EQ(error.message.find("id=eq"), std::string::npos) << error.message;
}

TEST(SupabaseServer, ThatIsNotThereIsSaid) {
  Read step({{"retries", 0}});
  step.set_connection("supabase", "shop",
                      Json::object({{"url", "http://127.0.0.1:" + std::to_string(http::unused_port())}, {"key", "k"}}));
  EXPECT_EQ(step.error().category, "connection.failed");
  EXPECT_FALSE(step.check(supabase_extractor()).ok());
}

}  // namespace
}  // namespace osiris::worker::test
