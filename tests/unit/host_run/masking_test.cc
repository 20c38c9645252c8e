// What is hidden and, as important, what is not.
#include "host/run/masking.h"

#include <gtest/gtest.h>

namespace osiris {
namespace {

TEST(Shapes, HideThePasswordOfAUrlAndKeepTheRest) {
  EXPECT_EQ(mask_shapes("cannot open postgres://loader:s3cr@t@db:5432/x?y=1"),
            "cannot open postgres://loader:***MASKED***@db:5432/x?y=1");
  EXPECT_EQ(mask_shapes("see https://example.org:8080/a@b"), "see https://example.org:8080/a@b");
}

TEST(Shapes, HideAssignmentsInEveryForm) {
  EXPECT_EQ(mask_shapes("password=hunter2, host=db"), "password=***MASKED***, host=db");
  EXPECT_EQ(mask_shapes(R"({"api_key": "abc \" def", "rows": 3})"), R"({"api_key": "***MASKED***", "rows": 3})");
  EXPECT_EQ(mask_shapes("GET /x?access_token=abc123&page=2"), "GET /x?access_token=***MASKED***&page=2");
  EXPECT_EQ(mask_shapes("Authorization: Basic dXNlcjpwYXNz"), "Authorization: ***MASKED***");
  EXPECT_EQ(mask_shapes("token: A1b2C3"), "token: ***MASKED***");
}

TEST(Shapes, KeepProseAboutSecrets) {
  for (const char* text :
       {"--local-env: expected KEY=VALUE", "Access denied for user 'a'@'b' (using password: YES)", "password: not set",
        "secret=${SHOP_PASSWORD}", "Environment variable 'SHOP_PASSWORD' not set for password in mysql.shop",
        "a = b : c", "e2b_transparent_proxy", "2025-11-23 05:42:53 rows: 12"})
    EXPECT_EQ(mask_shapes(text), text);
}

TEST(Shapes, HideTokensThatSayWhatTheyAre) {
  EXPECT_EQ(mask_shapes("key AKIAABCDEFGHIJKLMNOP used"), "key ***MASKED*** used");
  EXPECT_EQ(mask_shapes("ghp_0123456789abcdefghijABCDEFGHIJ012345"), "***MASKED***");
  EXPECT_EQ(mask_shapes("header Bearer abcdefgh.ijkl"), "header Bearer ***MASKED***");
}

TEST(Shapes, TakeLinearTimeOnHostileText) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "password=\"";
  EXPECT_FALSE(mask_shapes(text).empty());
  EXPECT_FALSE(mask_shapes(std::string(1'000'000, '=')).empty());
  EXPECT_FALSE(mask_shapes(std::string(1'000'000, 'a') + "=").empty());
}

TEST(Masking, HidesAKnownValueInAllItsForms) {
  Masking masking;
  masking.learn("s3cr3t/v@lue");
  for (const std::string& form : secret_spellings("s3cr3t/v@lue"))
    EXPECT_EQ(masking.text("before " + form + " after").find(form), std::string::npos) << form;
  EXPECT_EQ(masking.text("before after"), "before after");
}

TEST(Masking, HidesFieldsByNameAndByValueAtEveryDepth) {
  Masking masking;
  masking.learn("canary-value");
  const Json out = masking.fields(Json::object({{"password", "short"},
                                                {"port_password", 1234},
                                                {"nested", Json::object({{"list", Json::array({"x canary-value"})}})},
                                                {"canary-value", "as a key"},
                                                {"has_token", Json(true)},
                                                {"rows", 5}}));
  EXPECT_EQ(out["password"], Json("***MASKED***"));
  EXPECT_EQ(out["port_password"], Json("***MASKED***"));
  EXPECT_EQ(out["rows"], Json(5));
  EXPECT_EQ(out["has_token"], Json(true));
  EXPECT_EQ(out.dump().find("canary-value"), std::string::npos) << out.dump();
}

TEST(Masking, NeverTouchesStructuralFields) {
  Masking masking;
  masking.learn("01M83EVF9CT33H60A2B59753JP");
  masking.learn("read-calls");
  const Json fields = Json::object({{"run_id", "run-000001_01M83EVF9CT33H60A2B59753JP"},
                                    {"step_id", "read-calls"},
                                    {"key", "read-calls"},
                                    {"sha256", std::string(64, 'a')},
                                    {"manifest_hash", std::string(64, 'b')},
                                    {"alias", "read-calls"}});
  EXPECT_EQ(masking.fields(fields), fields);
}

TEST(Masking, HidesAStructuralNameThatHoldsAWholeDocument) {
  Masking masking;
  masking.learn("canary-value");
  EXPECT_EQ(masking.fields(Json::object({{"driver", Json::object({{"x", "canary-value"}})}})).dump().find("canary"),
            std::string::npos);
}

}  // namespace
}  // namespace osiris
