// Page after page: one request each, all of them or an error.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/drivers/graphql.extractor/api.h"
#include "worker/drivers/graphql.extractor/driver.h"

namespace osiris::worker::test {
namespace {

using ::testing::HasSubstr;

std::string page(const std::string& list, const std::string& info) {
  return R"({"data":{"plants":{"nodes":)" + list + R"(,"pageInfo":)" + info + "}}}";
}

struct Paged : GraphqlStep {
  explicit Paged(const Api& api, std::initializer_list<Json::Member> more = {})
      : GraphqlStep(api, {{"query", "query($after: String) { plants(after: $after) { nodes { id } } }"},
                          {"data_path", "data.plants.nodes"},
                          {"pagination_enabled", true},
                          {"pagination_path", "data.plants.pageInfo"}}) {
    Json config = this->config();
    for (const auto& [key, value] : more) config.set(key, value);
    set_config(std::move(config));
  }
};

double metric(const StepHarness& step, const std::string& name) {
  for (const RecordedMetric& metric : step.metrics())
    if (metric.name == name) return metric.value;
  return -1;
}

TEST(GraphqlPages, AreAskedForOnceEachByTheirCursor) {
  const Api api([](const ApiRequest& request, size_t number) {
    const std::string after = request.body["variables"]["after"].as_string();
    EXPECT_EQ(after, number == 1 ? "" : "c" + std::to_string(number - 1));
    return ApiAnswer{page(R"([{"id":)" + std::to_string(number) + "}]",
                          number < 3 ? R"({"hasNextPage":true,"endCursor":"c)" + std::to_string(number) + R"("})"
                                     : R"({"hasNextPage":false,"endCursor":null})")};
  });
  Paged step(api);
  EXPECT_EQ(step.rows(), "id BIGINT\n1\n2\n3\n");
  EXPECT_EQ(api.requests().size(), 3u);
  EXPECT_EQ(metric(step, "requests_made"), 3);
  EXPECT_EQ(metric(step, "pages_fetched"), 3);
}

TEST(GraphqlPages, StopAfterTheMostThatAreWanted) {
  const Api api([](const ApiRequest&, size_t number) {
    return ApiAnswer{page(R"([{"id":1}])", R"({"hasNextPage":true,"endCursor":)" + std::to_string(number) + "}")};
  });
  EXPECT_EQ(Paged(api, {{"max_pages", 2}}).rows(), "id BIGINT\n1\n1\n");
  EXPECT_EQ(api.requests().size(), 2u);
}

TEST(GraphqlPages, ThatCannotBeFollowedAreAnErrorAndNoPartOfTheData) {
  const std::pair<const char*, const char*> wrong[] = {
      {R"({"hasNextPage":true,"endCursor":"same"})", "gave the cursor \"same\" twice"},
      {R"({"hasNextPage":true,"endCursor":null})", "has no 'endCursor'"},
      {R"({"hasNextPage":true})", "has no 'endCursor'"},
      {R"({"endCursor":"x"})", "'hasNextPage' is not true or false"},
      {R"({"hasNextPage":"yes","endCursor":"x"})", "'hasNextPage' is not true or false"},
      {"null", "has nothing at pagination_path"}};
  for (const auto& [info, why] : wrong) {
    const Api api(page(R"([{"id":1}])", info));
    Paged step(api);
    EXPECT_THAT(step.error().message, HasSubstr(why)) << info;
    EXPECT_FALSE(step.has_output_table()) << info;
  }
}

TEST(GraphqlPages, AFailingLaterPageFailsTheStepAndIsNamed) {
  const Api api([](const ApiRequest&, size_t number) {
    if (number > 1) return ApiAnswer{"gone", 404};
    return ApiAnswer{page(R"([{"id":1}])", R"({"hasNextPage":true,"endCursor":"c"})")};
  });
  Paged step(api);
  const Error error = step.error();
  EXPECT_THAT(error.message, HasSubstr("page 2"));
  EXPECT_EQ(error.code, Code::kNotFound);
  EXPECT_FALSE(step.has_output_table());
}

// Such a server would give its first page for ever.
TEST(GraphqlPages, AServerThatDoesNotHeedTheOffsetIsFoundOut) {
  const Api api(R"({"data":{"plants":[{"id":1},{"id":2}]}})");
  Paged step(
      api,
      {{"pagination_mode", "offset"}, {"data_path", "data.plants"}, {"query", "{ plants { id } }"}, {"page_size", 2}});
  EXPECT_THAT(step.error().message, HasSubstr("the same page whatever the variable 'offset' is"));
  EXPECT_FALSE(step.has_output_table());
  EXPECT_EQ(api.requests().size(), 3u);
}

TEST(GraphqlPages, OfRowsThatAreAlikeAreNoLoop) {
  const Api api([](const ApiRequest& request, size_t) {
    const uint64_t offset = request.body["variables"]["offset"].as_uint();
    return ApiAnswer{offset < 6 ? R"({"data":{"plants":[{"bed":"a"},{"bed":"a"}]}})" : R"({"data":{"plants":[]}})"};
  });
  Paged step(
      api,
      {{"pagination_mode", "offset"}, {"data_path", "data.plants"}, {"query", "{ plants { bed } }"}, {"page_size", 2}});
  EXPECT_EQ(step.rows(), "bed VARCHAR\na\na\na\na\na\na\n");
}

TEST(GraphqlPages, MayBeCountedByOffset) {
  const Api api([](const ApiRequest& request, size_t) {
    const Json& variables = request.body["variables"];
    std::string list;
    for (uint64_t id = variables["offset"].as_uint(); id < 5 && list.size() < 16; ++id)
      list += (list.empty() ? "" : ",") + std::string(R"({"id":)") + std::to_string(id) + "}";
    return ApiAnswer{R"({"data":{"plants":[)" + list + "]}}"};
  });
  const auto step = [&](std::initializer_list<Json::Member> more) {
    Paged made(api, {{"pagination_mode", "offset"}, {"data_path", "data.plants"}, {"query", "{ plants { id } }"}});
    Json config = made.config();
    for (const auto& [key, value] : more) config.set(key, value);
    made.set_config(std::move(config));
    return made.rows();
  };
  EXPECT_EQ(step({{"page_size", 2}}), "id BIGINT\n0\n1\n2\n3\n4\n");
  EXPECT_EQ(api.requests().size(), 3u);
  EXPECT_EQ(step({{"variables", Json::object({{"limit", 2}, {"offset", 3}})}}), "id BIGINT\n3\n4\n");
  EXPECT_THAT(step({{"page_size", 1}}), HasSubstr("does not heed the variable 'limit'"));
  EXPECT_THAT(step({}), HasSubstr("how many rows a page has"));
}

}  // namespace
}  // namespace osiris::worker::test
