#include "tests/drivers/graphql.extractor/api.h"

#include <gtest/gtest.h>

#include "worker/drivers/graphql.extractor/driver.h"

namespace osiris::worker::test {

GraphqlStep::GraphqlStep(const Api& api, std::initializer_list<Json::Member> more) : GraphqlStep(api.url(), more) {}

GraphqlStep::GraphqlStep(const std::string& endpoint, std::initializer_list<Json::Member> more) {
  Json config = Json::object({{"endpoint", endpoint},
                              {"query", "{ plants { id name } }"},
                              {"data_path", "data.plants"},
                              {"variables", Json::object()},
                              {"auth_type", "none"},
                              {"auth_header_name", "X-API-Key"},
                              {"timeout", 20},
                              {"max_retries", 3},
                              {"retry_delay", 0.001}});
  for (const auto& [key, value] : more) config.set(key, value);
  set_config(std::move(config));
}

std::string GraphqlStep::rows() {
  const auto outcome = run(graphql_extractor());
  if (!outcome.ok()) return "error: " + outcome.error().message;
  const std::string text = query("SELECT * FROM {out}");
  return output_columns() + "\n" + text;
}

Error GraphqlStep::error() {
  const auto outcome = run(graphql_extractor());
  EXPECT_FALSE(outcome.ok());
  return outcome.ok() ? Error() : outcome.error();
}

}  // namespace osiris::worker::test
