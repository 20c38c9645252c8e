// The commands about connections and about what adapters hold.
#include <gtest/gtest.h>

#include "tests/e2e/project.h"

namespace osiris::e2e {
namespace {

class ConnectionCommands : public testing::Test {
 protected:
  Project project_;
};

TEST_F(ConnectionCommands, ConnectionsAreListedWithoutTheirSecrets) {
  project_.write("osiris_connections.yaml",
                 "version: 1\nconnections:\n  mysql:\n    shop: {host: 127.0.0.1, port: 3306, database: shop, user: "
                 "reader, password: '${SHOP_PASSWORD}'}\n",
                 0600);
  const Outcome listed = project_.osiris({"connections", "list"});
  EXPECT_NE(listed.out.find("MYSQL Connections:"), std::string::npos) << listed.out;
  EXPECT_NE(listed.out.find("reader@127.0.0.1:3306/shop"), std::string::npos) << listed.out;
  EXPECT_NE(listed.out.find("SHOP_PASSWORD ✗"), std::string::npos) << listed.out;
  EXPECT_EQ(project_.osiris({"validate"}).exit, 2);
  EXPECT_EQ(project_.osiris({"validate", "--mode", "warn"}).exit, 0);
}

TEST_F(ConnectionCommands, TheDoctorAsksTheDriversThroughTheAdapter) {
  project_.set("MOCK_PASSWORD", "a-password");
  project_.write("osiris_connections.yaml",
                 "version: 1\nconnections:\n  mock:\n    good: {host: db, password: '${MOCK_PASSWORD}'}\n    unset: "
                 "{password: '${NOT_SET}'}\n"
                 "  duckdb:\n    scratch: {path: ':memory:'}\n",
                 0600);
  const Outcome asked = project_.osiris({"connections", "doctor", "--allow-mock", "--json"});
  EXPECT_EQ(asked.exit, 3) << asked.err;
  const Json results = asked.json()["results"];
  EXPECT_EQ(results["mock"]["good"]["status"].as_string(), "success") << asked.out;
  EXPECT_EQ(results["mock"]["unset"]["status"].as_string(), "failure") << asked.out;
  EXPECT_NE(results["mock"]["unset"]["message"].as_string().find("NOT_SET"), std::string::npos) << asked.out;
  const Outcome one = project_.osiris({"connections", "doctor", "--allow-mock", "--connection-id", "@mock.good"});
  EXPECT_EQ(one.exit, 0) << one.err;
  EXPECT_NE(one.out.find("✓ mock.good"), std::string::npos) << one.out;
  EXPECT_EQ(project_.osiris({"connections", "doctor", "--connection-id", "@mock.nobody"}).exit, 2);
  EXPECT_TRUE(project_.sessions().empty());
}

TEST_F(ConnectionCommands, AResourceCommandOfAnAdapterWithoutAnySaysSo) {
  const Outcome outcome = project_.osiris({"resources", "list", "--adapter", "local"});
  EXPECT_EQ(outcome.exit, 3) << outcome.err;
  EXPECT_NE(outcome.err.find("has no remote resources"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace osiris::e2e
