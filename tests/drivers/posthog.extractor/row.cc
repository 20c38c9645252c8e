#include "tests/drivers/posthog.extractor/stand_in.h"
#include "tests/drivers/suite.h"
#include "worker/drivers/posthog.extractor/driver.h"

namespace osiris::worker::test {
namespace {

constexpr uint64_t kPageRows = 10'000;

// As many rows as `project_id` says, in pages; one answer is made for all full ones but for the id.
const osiris::test::Api& paged_api() {
  static const osiris::test::Api api([](const osiris::test::ApiRequest& request, size_t) {
    const size_t at = request.head.find("/projects/") + 10;
    const uint64_t rows = std::stoull(request.head.substr(at)) - 1;
    const std::string& query = request.body["query"]["query"].as_string();
    if (query == "SELECT 1") return osiris::test::ApiAnswer{R"({"columns":["1"],"results":[[1]]})"};
    const size_t behind = query.find(") > '");
    const uint64_t begin = behind == std::string::npos ? 0 : std::stoull(query.substr(behind + 5)) - 1'000'000'000 + 1;
    std::string list;
    for (uint64_t id = begin; id < std::min(rows, begin + kPageRows); ++id)
      list += (id > begin ? ",[\"" : "[\"") + std::to_string(1'000'000'000 + id) + "\",\"p\"]";
    return osiris::test::ApiAnswer{R"({"columns":["distinct_id","person_id"],"results":[)" + list + "]}"};
  });
  return api;
}

void arrange(StepHarness& step, uint64_t rows) {
  step.set_connection("posthog", "shop",
                      Json::object({{"api_key", "phx-canary-key"},
                                    {"project_id", static_cast<int64_t>(rows + 1)},
                                    {"custom_base_url", paged_api().url("")}}));
  step.set_config({{"data_type", "person_distinct_ids"}, {"page_size", kPageRows}});
}

// The second page is none.
void arrange_failure(StepHarness& step) {
  static const osiris::test::Api api([](const osiris::test::ApiRequest&, size_t number) {
    if (number > 1) return osiris::test::ApiAnswer{R"({"error":"memory limit"})"};
    std::string list;
    for (int id = 0; id < 100; ++id) list += (id ? ",[\"" : "[\"") + std::to_string(1000 + id) + "\",\"p\"]";
    return osiris::test::ApiAnswer{R"({"columns":["distinct_id","person_id"],"results":[)" + list + "]}"};
  });
  step.set_connection("posthog", "shop",
                      Json::object({{"api_key", "k-123456"}, {"project_id", 1}, {"custom_base_url", api.url("")}}));
  step.set_config({{"data_type", "person_distinct_ids"}, {"page_size", 100}});
}

void arrange_secret(StepHarness& step, const std::string& secret) {
  static const osiris::test::Api api([](const osiris::test::ApiRequest&, size_t) {
    return osiris::test::ApiAnswer{R"({"detail":"Invalid personal API key"})", 401};
  });
  step.set_connection("posthog", "shop",
                      Json::object({{"api_key", secret}, {"project_id", 1}, {"custom_base_url", api.url("")}}));
  step.set_config({{"data_type", "events"}});
}

}  // namespace

const DriverRow& driver_row() {
  static const DriverRow row{.driver = &posthog_extractor(),
                             .makes_relation = true,
                             .arrange = arrange,
                             .arrange_failure = arrange_failure,
                             .arrange_secret = arrange_secret};
  return row;
}

}  // namespace osiris::worker::test
