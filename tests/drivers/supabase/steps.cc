#include "tests/drivers/supabase/steps.h"

#include <memory>

#include "protocol/base/text.h"

namespace osiris::worker::test {

Postgrest& shop_api() {
  static Postgrest api = [] {
    in_shop("SELECT 1");
    const Status made =
        plain_postgres().execute("CREATE ROLE anon NOLOGIN; GRANT USAGE ON SCHEMA public TO anon", "shop");
    if (!made.ok()) ADD_FAILURE() << made.error().message;
    return Postgrest(plain_postgres());
  }();
  return api;
}

Json api_fields(const std::string& key) { return Json::object({{"url", shop_api().url()}, {"service_role_key", key}}); }

Json dsn_fields(const std::string& password) {
  return Json::object({{"pg_dsn", "postgresql://app:" + percent_encode(password) + "@127.0.0.1:" +
                                      std::to_string(plain_postgres().port()) + "/shop?sslmode=disable"}});
}

SupabaseStep::SupabaseStep(const Driver& driver, std::initializer_list<Json::Member> more, Way way)
    : StepHarness("step"), driver_(driver) {
  set_connection("supabase", "shop", way == Way::kApi ? api_fields() : dsn_fields());
  shop_api().on_request({});
  Json config = Json::object({{"schema", "public"}, {"timeout", 20}, {"retries", 3}});
  for (const auto& [key, value] : more) config.set(key, value);
  set_config(std::move(config));
}

std::string SupabaseStep::rows() {
  const auto done = run();
  if (!done.ok()) return "error: " + done.error().message + "; " + done.error().hint;
  const std::string text = query("SELECT * FROM {out}");
  return output_columns() + "\n" + text;
}

std::string SupabaseStep::outcome() {
  const auto done = run();
  if (!done.ok()) return "error: " + done.error().message + "; " + done.error().hint;
  return "ok " + std::to_string(done->rows_written);
}

Error SupabaseStep::error() {
  const auto done = run();
  EXPECT_FALSE(done.ok());
  return done.ok() ? Error() : done.error();
}

void fail_requests(const std::string& method, RestFault fault, size_t times) {
  const auto left = std::make_shared<size_t>(times);
  shop_api().on_request([=](const RestRequest& request, size_t) -> std::optional<RestFault> {
    if (request.method != method || *left == 0) return std::nullopt;
    --*left;
    return fault;
  });
}

RestFault answering(int status, const std::string& body, const std::string& headers) {
  return {RestFault::Kind::kAnswer, {status, body, headers}};
}

}  // namespace osiris::worker::test
