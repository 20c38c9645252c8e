#include "tests/drivers/graphql.extractor/api.h"
#include "tests/drivers/suite.h"
#include "worker/drivers/graphql.extractor/driver.h"

namespace osiris::worker::test {
namespace {

constexpr uint64_t kPageRows = 5'000;

// One API for all steps of the program: it gives as many rows as its query's variable `rows` says, in pages.
const Api& paged_api() {
  static const Api api([](const ApiRequest& request, size_t) {
    const Json& variables = request.body["variables"];
    const uint64_t rows = variables["rows"].as_uint(), begin = variables["after"].as_uint();
    const uint64_t end = std::min(rows, begin + kPageRows);
    std::string list;
    for (uint64_t id = begin; id < end; ++id)
      list += (id > begin ? "," : "") + std::string(R"({"id":)") + std::to_string(id) + R"(,"name":"n"})";
    if (variables["breaks"].as_bool() && begin > 0) return ApiAnswer{R"({"errors":[{"message":"lost"}]})"};
    return ApiAnswer{R"({"data":{"plants":[)" + list + R"(],"pageInfo":{"hasNextPage":)" +
                     (end < rows ? "true" : "false") + R"(,"endCursor":)" + std::to_string(end) + "}}}"};
  });
  return api;
}

void ask(StepHarness& step, Json variables) {
  step.set_config(
      {{"endpoint", paged_api().url()},
       {"query", "query($after: Int) { plants(after: $after) { id name } pageInfo { hasNextPage endCursor } }"},
       {"variables", std::move(variables)},
       {"data_path", "data.plants"},
       {"pagination_enabled", true},
       {"max_retries", 0}});
}

void arrange(StepHarness& step, uint64_t rows) { ask(step, Json::object({{"rows", rows}})); }

void arrange_failure(StepHarness& step) { ask(step, Json::object({{"rows", 20'000}, {"breaks", true}})); }

// An answer that says the token back.
void arrange_secret(StepHarness& step, const std::string& secret) {
  static const Api api([](const ApiRequest& request, size_t) {
    return ApiAnswer{R"({"errors":[{"message":"no such token"}]})", 401,
                     "X-Seen: " + std::to_string(request.header("Authorization").size()) + "\r\n"};
  });
  step.set_connection("graphql", "api", Json::object({{"auth_token", secret}}));
  step.set_config({{"endpoint", api.url()}, {"query", "{ a }"}, {"auth_type", "bearer"}});
}

}  // namespace

const DriverRow& driver_row() {
  static const DriverRow row{.driver = &graphql_extractor(),
                             .makes_relation = true,
                             .arrange = arrange,
                             .arrange_failure = arrange_failure,
                             .arrange_secret = arrange_secret};
  return row;
}

}  // namespace osiris::worker::test
