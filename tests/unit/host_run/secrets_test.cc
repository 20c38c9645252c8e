#include "host/run/secrets.h"

#include <gtest/gtest.h>

namespace osiris {
namespace {

TEST(SecretStore, LendsAValueForTheLengthOfACall) {
  Masking masking;
  SecretStore store(masking);
  store.add("connection/mysql.shop/password", SecretString(std::string_view("hunter22")));
  std::string seen;
  ASSERT_TRUE(store.lend("connection/mysql.shop/password", [&](std::string_view value) { seen = value; }).ok());
  EXPECT_EQ(seen, "hunter22");
}

TEST(SecretStore, RefusesANameTheRequestDoesNotList) {
  Masking masking;
  SecretStore store(masking);
  store.add("env/A", SecretString(std::string_view("value-of-a")));
  bool called = false;
  const Status status = store.lend("env/B", [&](std::string_view) { called = true; });
  EXPECT_EQ(status.error().code, Code::kNotFound);
  EXPECT_FALSE(called);
}

TEST(SecretStore, MakesEveryValueKnownToTheMaskingBeforeItIsLent) {
  Masking masking;
  SecretStore store(masking);
  store.add("env/A", SecretString(std::string_view("value-of-a")));
  EXPECT_EQ(masking.text("it is value-of-a.").find("value-of-a"), std::string::npos);
}

TEST(SecretStore, GivesNamesAndNothingElse) {
  Masking masking;
  SecretStore store(masking);
  store.add("env/B", SecretString(std::string_view("bbbbbb")));
  store.add("env/A", SecretString(std::string_view("aaaaaa")));
  EXPECT_EQ(store.names(), (std::vector<std::string>{"env/A", "env/B"}));
}

}  // namespace
}  // namespace osiris
