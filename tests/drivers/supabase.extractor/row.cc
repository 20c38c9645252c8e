#include "tests/drivers/suite.h"
#include "tests/drivers/supabase/steps.h"
#include "worker/drivers/supabase.extractor/driver.h"

namespace osiris::worker::test {
namespace {

void read(StepHarness& step, const std::string& table) {
  step.set_connection("supabase", "shop", api_fields());
  step.set_config({{"table", table}, {"retries", 0}});
}

void arrange(StepHarness& step, uint64_t rows) {
  shop_api().on_request({});
  in_shop(
      "DROP TABLE IF EXISTS suite; CREATE TABLE suite (id bigint PRIMARY KEY, name text);"
      "INSERT INTO suite SELECT n, 'n' FROM generate_series(1, " +
      std::to_string(rows) + ") AS n");
  read(step, "suite");
}

void arrange_failure(StepHarness& step) {
  arrange(step, 5000);
  shop_api().on_request([](const RestRequest& request, size_t) -> std::optional<RestFault> {
    if (request.parameter("and").empty()) return std::nullopt;
    return answering(500, R"({"code":"XX000","message":"lost","details":null,"hint":null})");
  });
}

void arrange_secret(StepHarness& step, const std::string& secret) {
  arrange(step, 1);
  step.set_connection("supabase", "shop", api_fields(secret));
}

}  // namespace

const DriverRow& driver_row() {
  static const DriverRow row{.driver = &supabase_extractor(),
                             .makes_relation = true,
                             .arrange = arrange,
                             .arrange_failure = arrange_failure,
                             .arrange_secret = arrange_secret};
  return row;
}

}  // namespace osiris::worker::test
