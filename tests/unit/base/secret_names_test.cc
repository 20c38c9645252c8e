#include "protocol/base/secret_names.h"

#include <gtest/gtest.h>

#include "protocol/base/text.h"
#include "tests/unit/base/secret_field_names.h"

namespace osiris {
namespace {

TEST(SecretNames, AreKnownInEverySpelling) {
  for (const std::string name : kSecretFieldNames)
    for (const std::string& spelling : {name, ascii_lower(name), "my_" + name})
      if (spelling != "my_key") {
        EXPECT_TRUE(names_a_secret(spelling)) << spelling;
      }
}

TEST(SecretNames, DoNotIncludeNamesThatOnlyLookLikeOne) {
  for (const char* name : kPlainFieldNames) EXPECT_FALSE(names_a_secret(name)) << name;
}

TEST(SecretNames, WhatIsSurelySecretIsSecret) {
  for (const char* name : {"password", "PWD", "api_key", "Key", "dsn", "service_role_key", "passphrase",
                           "encryption_key", "credentials"}) {
    EXPECT_TRUE(is_surely_secret(name)) << name;
    EXPECT_TRUE(names_a_secret(name)) << name;
  }
}

TEST(SecretNames, APipelineIsNotRefusedForAWordInsideAName) {
  for (const char* name : {"password_column", "token_field", "auth", "primary_key", "url", "host", "keyboard"})
    EXPECT_FALSE(is_surely_secret(name)) << name;
}

TEST(UrlPasswords, AreFoundAndMasked) {
  EXPECT_EQ(authority_password("postgres://user:p@ss@host:5/db"), "p@ss");
  EXPECT_EQ(mask_authority_password("postgres://user:p@ss@host:5/db"), "postgres://user:***MASKED***@host:5/db");
  EXPECT_EQ(mask_authority_password("user:pw@host:1080"), "user:***MASKED***@host:1080");
  EXPECT_TRUE(holds_url_password("postgres://user:pw@host"));
  EXPECT_EQ(url_userinfo("https://a-token@host/x"), "a-token");
  EXPECT_EQ(url_userinfo("https://user:pw@host/x"), "user:pw");
}

TEST(UrlPasswords, AreNotSeenWhereThereIsNone) {
  for (const char* plain : {"http://host:80/a", "http://user@host", "no url", "http://h/x@y:z", ""}) {
    EXPECT_FALSE(holds_url_password(plain)) << plain;
    EXPECT_EQ(mask_authority_password(plain), plain);
  }
  EXPECT_FALSE(holds_url_password("a:b@c")) << "without a scheme it is ordinary text";
  EXPECT_EQ(url_userinfo("http://host/x@y"), "");
}

TEST(UrlPasswords, AreMaskedInASentence) {
  EXPECT_EQ(mask_url_passwords("from amqp://a:b@c to 'pg://d:e@f@g/x', then http://h:1/i@j"),
            "from amqp://a:***MASKED***@c to 'pg://d:***MASKED***@g/x', then http://h:1/i@j");
}

}  // namespace
}  // namespace osiris
