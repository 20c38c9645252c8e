// `connections doctor --adapter e2b` answers whether a sandbox reaches a database: a real MariaDB on an address that
// the egress rules allow, and a second listener on one that nobody allowed. Needs root, for networks of the sandboxes'
// own.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/e2b/sandboxed_project.h"
#include "tests/mysql/mariadb_server.h"

namespace osiris::e2b_test {
namespace {

// Says nothing: a connect succeeds by the kernel alone. For whoever gets that far.
class Listener {
 public:
  explicit Listener(const std::string& address) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    ::inet_pton(AF_INET, address.c_str(), &name.sin_addr);
    socklen_t size = sizeof name;
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&name), size) != 0 || ::listen(fd_, 8) != 0 ||
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&name), &size) != 0)
      ADD_FAILURE() << "cannot listen on " << address;
    port_ = ntohs(name.sin_port);
  }
  ~Listener() { ::close(fd_); }
  int port() const { return port_; }

 private:
  int fd_;
  int port_ = 0;
};

class Doctor : public OwnNetworks {
 protected:
  void SetUp() override {
    OwnNetworks::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    server_.emplace(start_server({"--network", "isolated"}));
    use_server(project_, *server_);
    ASSERT_GE(server_->ready_line()["service_addresses"].size(), 2u);
    auto started = test::MariaDbServer::start({.arguments = {"--bind-address=" + address(0)}});
    ASSERT_TRUE(started.ok()) << started.error().message;
    database_ = *std::move(started);
    const Status filled = database_->execute(
        "CREATE DATABASE shop; CREATE USER reader@'%' IDENTIFIED BY 'doctors-secret'; GRANT SELECT ON shop.* TO "
        "reader@'%'; "
        "CREATE TABLE shop.t (id INT); INSERT INTO shop.t VALUES (1), (2)");
    ASSERT_TRUE(filled.ok()) << filled.error().message;
    project_.set("SHOP_PASSWORD", "doctors-secret");
    connect_to(address(0), database_->port());
  }

  std::string address(size_t index) const {
    return server_->ready_line()["service_addresses"].items()[index].as_string();
  }
  void connect_to(const std::string& host, int port) const {
    project_.write("osiris_connections.yaml",
                   "version: 1\nconnections:\n  mysql:\n    shop: {default: true, host: " + host +
                       ", port: " + std::to_string(port) +
                       ", database: shop, user: reader, password: \"${SHOP_PASSWORD}\", connect_timeout: 3}\n",
                   0600);
  }
  Json examine(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"--json", "connections", "doctor", "--adapter", "e2b"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return project_.osiris(arguments).json()["results"]["mysql"]["shop"];
  }

  std::optional<ServerProcess> server_;
  Project project_;
  std::unique_ptr<test::MariaDbServer> database_;
};

TEST_F(Doctor, TheSandboxReachesTheDatabaseOfTheConnection) {
  const Json finding = examine();
  EXPECT_EQ(finding["status"].as_string(), "success") << finding.dump();
  EXPECT_GT(finding["latency_ms"].as_double(), 0);
  expect_no_sandbox(*server_);
}

TEST_F(Doctor, AWrongPasswordIsToldApartFromAnAddressThatIsNotReached) {
  project_.set("SHOP_PASSWORD", "not-the-password");
  Json finding = examine();
  EXPECT_EQ(finding["status"].as_string(), "failure");
  EXPECT_EQ(finding["category"].as_string(), "auth") << finding.dump();
  EXPECT_EQ(finding.dump().find("not-the-password"), std::string::npos);

  project_.set("SHOP_PASSWORD", "doctors-secret");
  finding = examine({"--e2b-network", "none"});
  EXPECT_EQ(finding["status"].as_string(), "failure");
  EXPECT_EQ(finding["category"].as_string(), "network") << finding.dump();
  expect_no_sandbox(*server_);
}

// The rule allows the connection's host and nothing else: not even another address of the same machine.
TEST_F(Doctor, WhatNoConnectionNamesIsRefused) {
  const Listener second(address(1));
  project_.write(
      "pipeline.yaml",
      e2e::oml("pull", {"  - {id: pull, component: mysql.extractor, mode: read, config: {connection: \"@mysql.shop\", "
                        "query: \"SELECT id FROM t ORDER BY id\"}}\n",
                        "  - {id: save, component: filesystem.csv_writer, mode: write, config: {path: out.csv}}\n"}));
  const Outcome pulled = project_.osiris(run_arguments("e2b"));
  ASSERT_EQ(pulled.exit, 0) << pulled.err;
  EXPECT_EQ(project_.read("out.csv"), "id\n1\n2\n");
  // What the create call asked for is exactly that address.
  const Json recorded = server_->requests();
  for (const Json& request : recorded.items())
    if (request["route"].as_string() == "POST /v2/sandboxes") {
      EXPECT_EQ(request["body"]["network"].dump(),
                "{\"allowOut\":[\"" + address(0) + "\"],\"denyOut\":[\"0.0.0.0/0\"]}");
    }
  // The second address, reached only when it is allowed (then by a server that says nothing, which is another failure).
  connect_to(address(1), second.port());
  const Json allowed = examine();
  EXPECT_EQ(allowed["status"].as_string(), "failure");
  EXPECT_EQ(allowed["message"].as_string().find("No route to host"), std::string::npos) << allowed.dump();
  const Json refused = examine({"--e2b-network", "none", "--e2b-network-allow", address(0)});
  EXPECT_EQ(refused["category"].as_string(), "network") << refused.dump();
  EXPECT_NE(refused["message"], allowed["message"]);
  expect_no_sandbox(*server_);
}

}  // namespace
}  // namespace osiris::e2b_test
