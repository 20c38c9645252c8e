// MySQL by host name through the egress of a sandbox: a real MariaDB, real network namespaces, the local server's name
// server, and a machine whose /etc/hosts knows the name too. Needs root, for networks of the sandboxes' own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "protocol/base/subprocess.h"
#include "tests/e2b/sandboxed_project.h"
#include "tests/mysql/mariadb_server.h"
#include "tests/package_index/package_index.h"

namespace osiris::e2b_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kHost = "db.example.test";

class HostNames : public OwnNetworks {
 protected:
  // A server whose sandboxes find `sandbox_sees` under the name ("" : no such name), and a database on its first
  // address.
  void start(const std::string& sandbox_sees, test::MariaDbOptions options = {}) {
    std::vector<std::string> arguments = {"--network", "isolated"};
    if (!sandbox_sees.empty()) arguments.insert(arguments.end(), {"--name", std::string(kHost) + "=" + sandbox_sees});
    // Names the machine's own name server could be asked for are left to it; this one it must not know.
    server_.emplace(start_server(arguments));
    use_server(project_, *server_);
    options.arguments.push_back("--bind-address=" + address(0));
    auto started = test::MariaDbServer::start(options);
    ASSERT_TRUE(started.ok()) << started.error().message;
    database_ = *std::move(started);
    const Status filled = database_->execute(
        "CREATE DATABASE shop; CREATE USER reader@'%' IDENTIFIED BY 'names-secret'; GRANT SELECT ON shop.* TO "
        "reader@'%'; "
        "CREATE TABLE shop.t (id INT); INSERT INTO shop.t VALUES (1), (2), (3)");
    ASSERT_TRUE(filled.ok()) << filled.error().message;
    project_.set("SHOP_PASSWORD", "names-secret");
    project_.write(
        "pipeline.yaml",
        e2e::oml("pull", {"  - {id: pull, component: mysql.extractor, mode: read, config: {connection: "
                          "\"@mysql.shop\", query: \"SELECT id FROM t ORDER BY id\"}}\n",
                          "  - {id: save, component: filesystem.csv_writer, mode: write, config: {path: out.csv}}\n"}));
    connect();
  }
  void connect(const std::string& more = "") {
    project_.write("osiris_connections.yaml",
                   "version: 1\nconnections:\n  mysql:\n    shop: {default: true, host: " + std::string(kHost) +
                       ", port: " + std::to_string(database_->port()) +
                       ", database: shop, user: reader, password: \"${SHOP_PASSWORD}\", connect_timeout: 8" + more +
                       "}\n",
                   0600);
  }
  std::string address(size_t index) const {
    return server_->ready_line()["service_addresses"].items()[index].as_string();
  }

  // osiris on a machine whose /etc/hosts is this one's with the name added: a mount of its own, gone with the process.
  Outcome osiris_where_the_name_is(const std::string& address, const std::vector<std::string>& arguments) {
    project_.write("hosts", "127.0.0.1 localhost\n" + address + " " + kHost + "\n");
    SpawnOptions options = project_.spawn_options(arguments);
    const std::vector<std::string> command = options.arguments;
    options.arguments = {"/usr/bin/unshare",
                         "--mount",
                         "sh",
                         "-c",
                         "mount --bind " + (project_.dir() / "hosts").string() + " /etc/hosts && exec \"$@\"",
                         "sh"};
    options.arguments.insert(options.arguments.end(), command.begin(), command.end());
    auto output = run_command(options, 120'000);
    EXPECT_TRUE(output.ok()) << output.error().message;
    if (!output.ok()) return {};
    return {output->exit.signaled ? 128 + output->exit.value : output->exit.value, output->standard_output,
            output->standard_error};
  }
  Outcome run(const std::vector<std::string>& more = {}) {
    return osiris_where_the_name_is(address(0), run_arguments("e2b", more));
  }
  Json network_asked_for() const {
    const Json recorded = server_->requests();
    for (const Json& request : recorded.items())
      if (request["route"].as_string() == "POST /v2/sandboxes") return request["body"]["network"];
    return {};
  }

  Project project_;
  std::optional<ServerProcess> server_;
  std::unique_ptr<test::MariaDbServer> database_;
};

TEST_F(HostNames, ADatabaseIsReachedByItsName) {
  ASSERT_NO_FATAL_FAILURE(start("service:1"));
  const Outcome outcome = run();
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(project_.read("out.csv"), "id\n1\n2\n3\n");
  EXPECT_EQ(network_asked_for().dump(),
            R"({"allowOut":[")" + address(0) + R"(","db.example.test"],"denyOut":["0.0.0.0/0"]})");
  const auto rules = Project::events(project_.session(), "egress_rules");
  ASSERT_EQ(rules.size(), 1u);
  EXPECT_EQ(rules[0]["network"], network_asked_for());
  expect_no_sandbox(*server_);
}

TEST_F(HostNames, WhereTheSandboxFindsNoAddressTheLentOneIsUsed) {
  ASSERT_NO_FATAL_FAILURE(start(""));
  const Outcome outcome = run();
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(project_.read("out.csv"), "id\n1\n2\n3\n");
}

// A host behind a CDN: the sandbox's answer is not the machine's, the rule denies it, and E2B accepts the connection
// and closes it.
TEST_F(HostNames, WhereTheSandboxFindsAnotherAddressTheLentOneIsUsedToo) {
  ASSERT_NO_FATAL_FAILURE(start("service:2"));
  const Outcome outcome = run();
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(project_.read("out.csv"), "id\n1\n2\n3\n");
}

TEST_F(HostNames, TlsChecksTheNameWhicheverAddressIsUsed) {
  ASSERT_NO_FATAL_FAILURE(start("", {.tls = true, .tls_name = kHost, .port = 0, .arguments = {}}));
  const std::string authority = project_.read(database_->ca_file());
  ASSERT_FALSE(authority.empty());
  connect(", ssl_mode: verify_identity, ssl_ca: " + Json(authority).dump());
  const Outcome outcome = run();
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(project_.read("out.csv"), "id\n1\n2\n3\n");
}

TEST_F(HostNames, TlsOfAnotherNameIsRefusedAtTheLentAddress) {
  ASSERT_NO_FATAL_FAILURE(start("", {.tls = true, .tls_name = "other.example.test", .port = 0, .arguments = {}}));
  connect(", ssl_mode: verify_identity, ssl_ca: " + Json(project_.read(database_->ca_file())).dump());
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit, 1) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("verify_identity"));
}

// docs/e2b.md, "Packages of Python steps": the index with a password, by its name.
TEST_F(HostNames, APrivateIndexIsReachedByNameAsItsRecipeSays) {
  ASSERT_NO_FATAL_FAILURE(start("service:1"));
  test::PackageIndex index;
  index.add("tiny-dep", "1.0", "X = 1\n");
  index.start(address(0));
  project_.write("script.py",
                 "import json, os, tiny_dep\nopen(os.environ['OSIRIS_OUTPUT'], 'w').write(json.dumps({'dep': "
                 "tiny_dep.X}) + '\\n')\n");
  project_.write(
      "pipeline.yaml",
      e2e::oml("thinking", {"  - id: think\n    component: python.processor\n    mode: transform\n"
                            "    config: {script: script.py, format: ndjson, requirements: ['tiny-dep==1.0']}\n",
                            "  - {id: save, component: filesystem.csv_writer, mode: write, needs: [think], config: "
                            "{path: out.csv}}\n"}));
  project_.set("PIP_INDEX_URL",
               "http://reader:index-password@" + std::string(kHost) + ":" + std::to_string(index.port()) + "/simple");
  project_.set("PIP_TRUSTED_HOST", kHost);  // no TLS here
  const Outcome outcome = run({"--e2b-install-deps", "--e2b-deps-in", "sandbox", "--e2b-pass-env", "PIP_INDEX_URL",
                               "--e2b-pass-env", "PIP_TRUSTED_HOST", "--e2b-network-allow", kHost});
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(project_.read("out.csv"), "dep\n1\n");
  EXPECT_EQ(network_asked_for()["allowOut"].dump(), R"([")" + address(0) + R"(","db.example.test"])");
}

TEST_F(HostNames, TheDoctorReachesItAndShowsTheRules) {
  ASSERT_NO_FATAL_FAILURE(start("service:1"));
  const Outcome outcome = osiris_where_the_name_is(address(0), {"connections", "doctor", "--adapter", "e2b"});
  EXPECT_EQ(outcome.exit, 0) << outcome.out << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("✓ mysql.shop"));
  EXPECT_THAT(outcome.out, HasSubstr("network: the sandbox may reach " + address(0) + ", db.example.test"));
  EXPECT_THAT(outcome.out, HasSubstr("the address seen from this machine, " + address(0)));
  const Json document =
      osiris_where_the_name_is(address(0), {"--json", "connections", "doctor", "--adapter", "e2b"}).json();
  EXPECT_EQ(document["results"]["mysql"]["shop"]["explanation"]["network"]["denyOut"].dump(), R"(["0.0.0.0/0"])");
}

TEST_F(HostNames, ADryRunShowsTheRulesAndTouchesNothing) {
  ASSERT_NO_FATAL_FAILURE(start("service:1"));
  const auto before = project_.tree();
  const Outcome outcome = osiris_where_the_name_is(address(0), run_arguments("e2b", {"--dry-run"}));
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("network: the sandbox may reach " + address(0) + ", db.example.test"));
  EXPECT_EQ(server_->requests().size(), 0u);
  auto after = project_.tree();
  after.erase("project/hosts");
  EXPECT_EQ(after, before);
  const Json document = osiris_where_the_name_is(address(0), run_arguments("e2b", {"--dry-run", "--json"})).json();
  EXPECT_EQ(document["explanation"]["network"]["allowOut"].dump(), R"([")" + address(0) + R"(","db.example.test"])");
}

TEST_F(HostNames, ANameThatIsPrivateHereIsAWarningAndALiteralOneIsRefused) {
  ASSERT_NO_FATAL_FAILURE(start("service:1"));
  const Outcome warned = osiris_where_the_name_is("10.9.8.7", run_arguments("e2b", {"--dry-run"}));
  EXPECT_EQ(warned.exit, 0) << warned.err;
  EXPECT_THAT(warned.out,
              HasSubstr("db.example.test is 10.9.8.7 as seen from this machine, a private address (10.0.0.0/8)"));
  project_.write("osiris_connections.yaml",
                 "version: 1\nconnections:\n  mysql:\n    shop: {default: true, host: 10.9.8.7, database: shop, user: "
                 "reader, password: \"${SHOP_PASSWORD}\"}\n",
                 0600);
  for (const auto& arguments : {run_arguments("e2b"), run_arguments("e2b", {"--dry-run"})}) {
    const Outcome refused = project_.osiris(arguments);
    EXPECT_EQ(refused.exit, 2) << refused.err;
    EXPECT_THAT(refused.err, HasSubstr("connection @mysql.shop names 10.9.8.7, a private address (10.0.0.0/8)"));
    EXPECT_THAT(refused.err, HasSubstr("--e2b-egress-proxy"));
  }
  EXPECT_EQ(project_.osiris(run_arguments("e2b", {"--dry-run", "--e2b-allow-private"})).exit, 0);
  EXPECT_EQ(server_->requests().size(), 0u);
}

}  // namespace
}  // namespace osiris::e2b_test
