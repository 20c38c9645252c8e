// Egress rules by address: the allowed listener is reached, the second one is refused.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/e2b_server/test/fixture.h"

namespace osiris::e2b_server {
namespace {

// Accepts by kernel backlog alone: a connect succeeds, nothing is said.
class Listener {
 public:
  explicit Listener(const std::string& address) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    ::inet_pton(AF_INET, address.c_str(), &name.sin_addr);
    socklen_t size = sizeof name;
    ok_ = ::bind(fd_, reinterpret_cast<sockaddr*>(&name), size) == 0 && ::listen(fd_, 8) == 0 &&
          ::getsockname(fd_, reinterpret_cast<sockaddr*>(&name), &size) == 0;
    where_ = address + "/" + std::to_string(ntohs(name.sin_port));
  }
  ~Listener() { ::close(fd_); }
  bool ok() const { return ok_; }
  std::string dial() const { return "exec 3<>/dev/tcp/" + where_; }

 private:
  int fd_;
  bool ok_ = false;
  std::string where_;
};

class Egress : public ServerTest {
 protected:
  bool start() {
    if (::geteuid() != 0) return false;
    auto started = ServerProcess::start({"--network", "isolated"});
    if (!started.ok()) return false;
    server_ = std::make_unique<ServerProcess>(*std::move(started));
    return server_->ready_line()["service_addresses"].size() >= 2;
  }
  std::string address(size_t index) const { return server_->ready_line()["service_addresses"].items()[index].as_string(); }
  static Json only(const std::string& allowed) {
    Json network = Json::object({{"allowOut", Json::array({allowed + "/32"})}, {"denyOut", Json::array({"0.0.0.0/0"})}});
    return Json::object({{"templateID", "base"}, {"network", std::move(network)}});
  }
};

TEST_F(Egress, TheAllowedAddressIsReachedAndTheSecondRefused) {
  OSIRIS_NEEDS(start(), "root and network namespaces");
  const Listener allowed(address(0)), refused(address(1));
  ASSERT_TRUE(allowed.ok() && refused.ok());
  const SandboxHandle sandbox = create(only(address(0)));
  EXPECT_EQ(run(sandbox, allowed.dial()).exit_code(), 0);
  const auto outcome = run(sandbox, refused.dial());
  EXPECT_NE(outcome.exit_code(), 0);
  EXPECT_NE(outcome.err.find("No route to host"), std::string::npos) << outcome.err;
  EXPECT_EQ(run(create(), refused.dial()).exit_code(), 0) << "open by default";
}

TEST_F(Egress, RulesChangeWhileTheSandboxRuns) {
  OSIRIS_NEEDS(start(), "root and network namespaces");
  const Listener first(address(0)), second(address(1));
  const SandboxHandle sandbox = create(only(address(0)));
  EXPECT_NE(run(sandbox, second.dial()).exit_code(), 0);
  EXPECT_EQ(api("PUT", "/sandboxes/" + sandbox.id + "/network", only(address(1))["network"]).status, 204);
  EXPECT_EQ(run(sandbox, second.dial()).exit_code(), 0);
  EXPECT_NE(run(sandbox, first.dial()).exit_code(), 0);
}

TEST_F(Egress, RootInsideCannotChangeTheRulesNorReachANeighbour) {
  OSIRIS_NEEDS(start(), "root and network namespaces");
  const Listener refused(address(1));
  const SandboxHandle sandbox = create(only(address(0)));
  const Pairs as_root{{"authorization", "Basic cm9vdDo="}};
  EXPECT_NE(run(sandbox, "ip route add 198.18.0.0/15 dev eth0", as_root).exit_code(), 0);
  EXPECT_NE(run(sandbox, refused.dial(), as_root).exit_code(), 0);
  const SandboxHandle neighbour = create();
  EventStream server(neighbour, "process.Process/Start",
                     shell("python3 -u -c \"import socket;s=socket.socket();s.bind(('0.0.0.0',7000));s.listen();print('up');s.accept()\""));
  ASSERT_GT(server.pid(), 0);
  ASSERT_TRUE(server.next());
  const std::string own = run(neighbour, "ip -4 -o addr show eth0 | grep -o '198[0-9.]*' | head -1").out;
  EXPECT_NE(run(create(), "exec 3<>/dev/tcp/" + own.substr(0, own.find('\n')) + "/7000").exit_code(), 0);
}

TEST_F(Egress, DomainsNeedADenyEverything) {
  OSIRIS_NEEDS(start(), "root and network namespaces");
  const Json body = *parse_json(R"({"templateID":"base","network":{"allowOut":["example.org"]}})");
  EXPECT_EQ(api("POST", "/v2/sandboxes", body).status, 400);
}

}  // namespace
}  // namespace osiris::e2b_server
