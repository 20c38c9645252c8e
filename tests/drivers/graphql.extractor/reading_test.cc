// Rows and types from answers, and what is sent for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/drivers/graphql.extractor/api.h"
#include "worker/drivers/graphql.extractor/driver.h"

namespace osiris::worker::test {
namespace {

using ::testing::HasSubstr;

std::string plants(const std::string& list) { return R"({"data":{"plants":)" + list + "}}"; }

TEST(GraphqlReading, FlattensObjectsAndKeepsLists) {
  const Api api(plants(R"([{"id":1,"bed":{"row":2,"spot":{"x":0.5}},"tags":["a","b"],"dry":true,"note":null},)"
                       R"({"id":2,"bed":null,"tags":[],"dry":false,"note":"wet"}])"));
  EXPECT_EQ(GraphqlStep(api, {{"query", "{ plants { id bed { row spot { x } } tags dry note } }"}}).rows(),
            "id BIGINT, bed.row BIGINT, bed.spot.x DOUBLE, tags JSON, dry BOOLEAN, note VARCHAR\n"
            "1|2|0.5|[\"a\",\"b\"]|true|NULL\n2|NULL|NULL|[]|false|wet\n");
  EXPECT_EQ(GraphqlStep(api, {{"query", "{ plants { id bed { row } } }"}, {"flatten_result", false}}).rows(),
            "id BIGINT, bed JSON, tags JSON, dry BOOLEAN, note VARCHAR\n"
            "1|{\"row\":2,\"spot\":{\"x\":0.5}}|[\"a\",\"b\"]|true|NULL\n2|NULL|[]|false|wet\n");
}

TEST(GraphqlReading, NumbersAreExactOrText) {
  const Api api(plants(R"([{"id":9223372036854775807,"n":18446744073709551615,"m":9007199254740993,"t":"007"},)"
                       R"({"id":-9223372036854775808,"n":-1,"m":0.5,"t":"1e3"}])"));
  GraphqlStep step(api, {{"query", "{ plants { id n m t } }"}});
  EXPECT_EQ(step.rows(),
            "id BIGINT, n HUGEINT, m VARCHAR, t VARCHAR\n"
            "9223372036854775807|18446744073709551615|9007199254740993|007\n-9223372036854775808|-1|0.5|1e3\n");
  EXPECT_THAT(step.logs(), ::testing::Contains(HasSubstr("column 'm' holds values of several types")));
}

TEST(GraphqlReading, AColumnThatComesLateIsNullBefore) {
  const Api api(plants(R"([{"a":1},{"a":2,"b":"x"},{"b":"y","c":[1]}])"));
  EXPECT_EQ(GraphqlStep(api, {{"query", "{ plants { ...p } }"}}).rows(),
            "a BIGINT, b VARCHAR, c JSON\n1|NULL|NULL\n2|x|NULL\nNULL|y|[1]\n");
}

TEST(GraphqlReading, ADayWithoutRowsHasTheColumnsOfTheQuery) {
  const Api api(plants("[]"));
  GraphqlStep step(api, {{"query", "{ plants { id bed { row } } }"}});
  EXPECT_EQ(step.rows(), "id \"NULL\", bed.row \"NULL\"\n");
  EXPECT_EQ(GraphqlStep(Api(plants("null")), {}).rows(), "id \"NULL\", name \"NULL\"\n");
  EXPECT_THAT(GraphqlStep(api, {{"query", "{ plants { ...unknown } }"}}).rows(), HasSubstr("there are no records"));
}

TEST(GraphqlReading, DataPathsNameListsItemsAndSingleObjects) {
  const Api api(R"({"data":{"shop":{"edges":[{"node":{"id":1}},{"node":{"id":2}}],"one":{"id":7},"a b":[[3],[4]]}}})");
  const auto with_path = [&](const char* path) { return GraphqlStep(api, {{"data_path", path}}).rows(); };
  EXPECT_EQ(with_path("data.shop.edges[*].node"), "id BIGINT\n1\n2\n");
  EXPECT_EQ(with_path("$.data.shop.edges[-1].node"), "id BIGINT\n2\n");
  EXPECT_EQ(with_path("data.shop.one"), "id BIGINT\n7\n");
  EXPECT_EQ(with_path("data.shop['a b'][*]"), "value BIGINT\n3\n4\n");
  for (const char* path : {"data..id", "data.shop[", "data.shop[?(@.id)]", "data.shop['x", "data[0:1]", "data."})
    EXPECT_THAT(with_path(path), HasSubstr("cannot be read at character")) << path;
}

TEST(GraphqlReading, TheSameNameTwiceIsRefused) {
  EXPECT_THAT(GraphqlStep(Api(plants(R"([{"a.b":1,"a":{"b":2}}])")), {{"query", "{ plants { ...p } }"}}).rows(),
              HasSubstr("two values for the column 'a.b'"));
  EXPECT_THAT(GraphqlStep(Api(plants(R"([{"id":1,"ID":2}])")), {{"query", "{ plants { ...p } }"}}).rows(),
              HasSubstr("differ only in the case of letters"));
}

TEST(GraphqlReading, SendsQueryVariablesAndWhatTheConnectionSays) {
  const Api api(plants("[]"));
  GraphqlStep step(api, {{"variables", Json::object({{"first", 2}})}, {"auth_type", "bearer"}});
  step.set_connection("graphql", "api",
                      Json::object({{"auth_token", "s3cret"}, {"headers", R"({"X-Tenant":"acme"})"}}));
  ASSERT_TRUE(step.run(graphql_extractor()).ok());
  const ApiRequest request = api.requests().at(0);
  EXPECT_EQ(request.body["query"].as_string(), "{ plants { id name } }");
  EXPECT_EQ(request.body["variables"]["first"].as_int(), 2);
  EXPECT_EQ(request.header("Authorization"), "Bearer s3cret");
  EXPECT_EQ(request.header("X-Tenant"), "acme");
  EXPECT_EQ(request.header("Content-Type"), "application/json");
  EXPECT_EQ(request.header("User-Agent"), "Osiris GraphQL Extractor/1.0");
  EXPECT_EQ(step.everything_said().find("s3cret"), std::string::npos);
}

TEST(GraphqlReading, EveryKindOfAuthenticationComesFromTheConnection) {
  const Api api(plants("[]"));
  const auto header = [&](const char* name, Json fields, std::initializer_list<Json::Member> config = {}) {
    GraphqlStep step(api, config);
    step.set_connection("graphql", "api", std::move(fields));
    const auto outcome = step.run(graphql_extractor());
    return outcome.ok() ? api.requests().back().header(name) : outcome.error().message;
  };
  EXPECT_EQ(
      header("Authorization", Json::object({{"auth_type", "basic"}, {"auth_token", "pw"}, {"auth_username", "me"}})),
      "Basic bWU6cHc=");
  EXPECT_EQ(header("X-API-Key", Json::object({{"auth_token", "k"}}), {{"auth_type", "api_key"}}), "k");
  EXPECT_EQ(
      header("X-Token", Json::object({{"auth_type", "api_key"}, {"auth_token", "k"}, {"auth_header_name", "X-Token"}})),
      "k");
  EXPECT_EQ(header("Authorization", Json::object({{"auth_token", "k"}})), "") << "auth_type is none";
  EXPECT_THAT(header("", Json::object({{"auth_type", "bearer"}})), HasSubstr("has no auth_token"));
  EXPECT_THAT(header("", Json::object({{"auth_type", "basic"}, {"auth_token", "x"}})), HasSubstr("auth_username"));
  EXPECT_THAT(header("", Json::object({{"headers", Json::object({{"X", "a\r\nY: b"}})}})), HasSubstr("line break"));
}

TEST(GraphqlReading, TheConnectionMayHoldTheEndpoint) {
  const Api api(plants(R"([{"id":1}])"));
  GraphqlStep step("", {{"query", "{ plants { id } }"}});
  step.set_connection("graphql", "api", Json::object({{"endpoint", api.url()}}));
  EXPECT_EQ(step.rows(), "id BIGINT\n1\n");
  EXPECT_THAT(GraphqlStep("", {}).rows(), HasSubstr("there is no endpoint"));
  EXPECT_THAT(GraphqlStep("ftp://x/", {}).rows(), HasSubstr("is no URL"));
}

}  // namespace
}  // namespace osiris::worker::test
