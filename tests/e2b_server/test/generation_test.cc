// --api: the older generations of the API, and how each answers what it does not know.
#include "tests/e2b_server/test/fixture.h"

namespace osiris::e2b_server {
namespace {

using Generation = ServerTest;

Json base() { return Json::object({{"templateID", "base"}, {"timeout", 60}}); }

TEST_F(Generation, TheNewestKnowsBothWaysToCreateAndConnect) {
  start_server();
  for (const char* version : {"", "/v2"}) {
    const HttpAnswer made = api("POST", std::string(version) + "/sandboxes", base());
    ASSERT_EQ(made.status, 201) << version;
    const std::string id = made.json()["sandboxID"].as_string();
    EXPECT_EQ(
        api("POST", std::string(version) + "/sandboxes/" + id + "/connect", Json::object({{"timeout", 60}})).status,
        200)
        << version;
  }
}

TEST_F(Generation, ThePublicOneOfAugustAnswers400WhereThePathIsThereAnd404WhereItIsNot) {
  start_server({"--api", "v1-400"});
  const HttpAnswer refused = api("POST", "/v2/sandboxes", base());
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.body, R"({"code":400,"message":"validation error: method not allowed"})");
  const std::string id = api("POST", "/sandboxes", base()).json()["sandboxID"].as_string();
  ASSERT_FALSE(id.empty());
  const HttpAnswer unknown = api("POST", "/v2/sandboxes/" + id + "/connect", Json::object({{"timeout", 60}}));
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.json()["message"].as_string(), "validation error: no matching operation was found");
  EXPECT_EQ(api("POST", "/sandboxes/" + id + "/connect", Json::object({{"timeout", 60}})).status, 200);
  EXPECT_EQ(api("GET", "/v2/sandboxes").status, 200);
  EXPECT_EQ(api("POST", "/v3/templates", Json::object({{"name", "x"}})).status, 202);
}

TEST_F(Generation, OlderOnesKnowNeitherListsNorTemplatesOfTheNewer) {
  start_server({"--api", "v1-404"});
  for (const char* path : {"/v2/sandboxes", "/v2/templates"}) {
    EXPECT_EQ(api("GET", path).status, 404) << path;
    EXPECT_EQ(api("GET", path).body, "404 page not found") << path;
  }
  EXPECT_EQ(api("GET", "/sandboxes").status, 200);
  EXPECT_EQ(api("GET", "/templates").status, 200);
  EXPECT_EQ(api("POST", "/v2/templates", Json::object({{"alias", "x"}})).status, 202);
}

TEST_F(Generation, SomeAnswer405) {
  start_server({"--api", "v1-405"});
  const HttpAnswer refused = api("POST", "/v2/sandboxes", base());
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(refused.body, "");
  EXPECT_EQ(api("POST", "/sandboxes", base()).status, 201);
}

}  // namespace
}  // namespace osiris::e2b_server
