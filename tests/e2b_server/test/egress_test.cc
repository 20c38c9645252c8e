// Egress as E2B's firewall does it: the allowed listener is reached, at the second one a connection is accepted and
// closed, private ranges say nothing, and the name server answers whom a name or its own address was allowed.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "tests/e2b_server/test/fixture.h"

namespace osiris::e2b_server {
namespace {

// Says "hello" to whoever gets through, and closes.
class Listener {
 public:
  explicit Listener(const std::string& address) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    ::inet_pton(AF_INET, address.c_str(), &name.sin_addr);
    socklen_t size = sizeof name;
    ok_ = ::bind(fd_, reinterpret_cast<sockaddr*>(&name), size) == 0 && ::listen(fd_, 8) == 0 &&
          ::getsockname(fd_, reinterpret_cast<sockaddr*>(&name), &size) == 0;
    port_ = std::to_string(ntohs(name.sin_port));
    where_ = address + "/" + port_;
    thread_ = std::thread([this] {
      for (int caller; (caller = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0; ::close(caller))
        if (::send(caller, "hello", 5, MSG_NOSIGNAL) != 5) continue;
    });
  }
  ~Listener() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  bool ok() const { return ok_; }
  const std::string& port() const { return port_; }
  // Prints what the other side says: "hello", or nothing from a connection that is closed at once. Fails where there is
  // none.
  std::string dial() const { return dial_at(where_); }
  static std::string dial_at(const std::string& where) { return "exec 3<>/dev/tcp/" + where + " && cat <&3"; }

 private:
  int fd_;
  bool ok_ = false;
  std::string port_, where_;
  std::thread thread_;
};

class Egress : public ServerTest {
 protected:
  bool start() {
    if (::geteuid() != 0) return false;
    auto started = ServerProcess::start({"--network", "isolated", "--name", "db.example.test=service:1"});
    if (!started.ok()) return false;
    server_ = std::make_unique<ServerProcess>(*std::move(started));
    return server_->ready_line()["service_addresses"].size() >= 2;
  }
  std::string address(size_t index) const {
    return server_->ready_line()["service_addresses"].items()[index].as_string();
  }
  static Json only(const std::string& allowed) {
    Json network =
        Json::object({{"allowOut", Json::array({allowed + "/32"})}, {"denyOut", Json::array({"0.0.0.0/0"})}});
    return Json::object({{"templateID", "base"}, {"network", std::move(network)}});
  }
};

TEST_F(Egress, TheAllowedAddressIsReachedAndTheSecondRefused) {
  OSIRIS_NEEDS(start(), "root and network namespaces");
  const Listener allowed(address(0)), refused(address(1));
  ASSERT_TRUE(allowed.ok() && refused.ok());
  const SandboxHandle sandbox = create(only(address(0)));
  EXPECT_EQ(run(sandbox, allowed.dial()).out, "hello");
  const auto outcome = run(sandbox, refused.dial());
  EXPECT_EQ(outcome.exit_code(), 0) << "accepted: " << outcome.err;
  EXPECT_EQ(outcome.out, "") << "and closed";
  EXPECT_EQ(run(create(), refused.dial()).out, "hello") << "open by default";
}

// Whatever the port and whoever listens there, also when the client speaks first.
TEST_F(Egress, EveryDeniedPortIsAcceptedAndClosed) {
  OSIRIS_NEEDS(start(), "root and network namespaces");
  const SandboxHandle sandbox = create(only(address(0)));
  for (const char* where : {"198.51.100.7/80", "198.51.100.7/443", "203.0.113.9/5432"}) {
    const auto outcome =
        run(sandbox, "exec 3<>/dev/tcp/" + std::string(where) + " && { echo hi >&3; cat <&3; echo closed; }");
    EXPECT_NE(outcome.out.find("closed"), std::string::npos) << where << outcome.err;
  }
}

TEST_F(Egress, PrivateRangesAreSilentWhateverIsAllowed) {
  OSIRIS_NEEDS(start(), "root and network namespaces");
  const SandboxHandle sandbox = create(only("10.0.0.0"));
  EXPECT_EQ(run(sandbox, "timeout 1 bash -c 'exec 3<>/dev/tcp/10.0.0.0/80'").exit_code(), 124);
  EXPECT_EQ(run(create(), "timeout 1 bash -c 'exec 3<>/dev/tcp/192.168.3.4/80'").exit_code(), 124)
      << "open by default, but not there";
}

// 8.8.8.8 by UDP, as in E2B: for who may reach everything, was allowed a name, or was allowed that address.
TEST_F(Egress, TheNameServerAnswersWhomANameWasAllowed) {
  OSIRIS_NEEDS(start(), "root and network namespaces");
  const auto rules = [](std::initializer_list<Json> allowed) {
    return Json::object(
        {{"templateID", "base"},
         {"network", Json::object({{"allowOut", Json::array(allowed)}, {"denyOut", Json::array({"0.0.0.0/0"})}})}});
  };
  const std::string ask =
      "RES_OPTIONS='timeout:1 attempts:1' getent ahostsv4 db.example.test | head -1 | cut -d' ' -f1";
  EXPECT_EQ(run(create(rules({address(0)})), ask).out, "") << "addresses open no name server";
  EXPECT_EQ(run(create(rules({address(0), "db.example.test"})), ask).out, address(0) + "\n");
  EXPECT_EQ(run(create(rules({"*.other.example"})), ask).out, address(0) + "\n") << "any name";
  EXPECT_EQ(run(create(rules({"8.8.8.8"})), ask).out, address(0) + "\n");
  EXPECT_EQ(run(create(), ask).out, address(0) + "\n");
  EXPECT_EQ(read(create(), "/etc/resolv.conf"), "nameserver 8.8.8.8\n");
}

TEST_F(Egress, ANameIsReachedByTheAddressItHas) {
  OSIRIS_NEEDS(start(), "root and network namespaces");
  const Listener listener(address(0));
  const Json body = Json::object({{"templateID", "base"},
                                  {"network", Json::object({{"allowOut", Json::array({"db.example.test", address(0)})},
                                                            {"denyOut", Json::array({"0.0.0.0/0"})}})}});
  EXPECT_EQ(run(create(body), Listener::dial_at("db.example.test/" + listener.port())).out, "hello");
}

TEST_F(Egress, RulesChangeWhileTheSandboxRuns) {
  OSIRIS_NEEDS(start(), "root and network namespaces");
  const Listener first(address(0)), second(address(1));
  const SandboxHandle sandbox = create(only(address(0)));
  EXPECT_EQ(run(sandbox, second.dial()).out, "");
  EXPECT_EQ(api("PUT", "/sandboxes/" + sandbox.id + "/network", only(address(1))["network"]).status, 204);
  EXPECT_EQ(run(sandbox, second.dial()).out, "hello");
  EXPECT_EQ(run(sandbox, first.dial()).out, "");
}

TEST_F(Egress, RootInsideCannotChangeTheRulesNorReachANeighbour) {
  OSIRIS_NEEDS(start(), "root and network namespaces");
  const Listener refused(address(1));
  const SandboxHandle sandbox = create(only(address(0)));
  const Pairs as_root{{"authorization", "Basic cm9vdDo="}};
  EXPECT_NE(run(sandbox, "ip route add 198.18.0.0/15 dev eth0", as_root).exit_code(), 0);
  EXPECT_EQ(run(sandbox, refused.dial(), as_root).out, "");
  const SandboxHandle neighbour = create();
  EventStream server(neighbour, "process.Process/Start",
                     shell("python3 -u -c \"import "
                           "socket;s=socket.socket();s.bind(('0.0.0.0',7000));s.listen();print('up');s.accept()\""));
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

// The checks of E2B's own validation, and that the password is never given back.
class EgressProxy : public ServerTest {
 protected:
  HttpAnswer ask(const std::string& proxy) {
    return api("POST", "/v2/sandboxes",
               *parse_json(R"({"templateID":"base","network":{"egressProxy":)" + proxy + "}}"));
  }
};

TEST_F(EgressProxy, IsKeptAndShownWithoutItsPassword) {
  start_server();
  const HttpAnswer created = ask(R"({"address":"203.0.113.9:1080","username":"team","password":"hunter2hunter2"})");
  ASSERT_EQ(created.status, 201) << created.body;
  const Json shown = api("GET", "/sandboxes/" + created.json()["sandboxID"].as_string()).json();
  EXPECT_EQ(shown["network"]["egressProxy"].dump(), R"({"address":"203.0.113.9:1080","username":"team"})");
  EXPECT_EQ(ask("null").status, 201);
}

TEST_F(EgressProxy, IsRefusedAsE2bRefusesIt) {
  start_server();
  const std::string long_text(256, 'x');
  for (const std::string& wrong :
       {std::string(R"("203.0.113.9:1080")"), std::string("{}"), std::string(R"({"address":""})"),
        std::string(R"({"address":"203.0.113.9"})"), std::string(R"({"address":"203.0.113.9:0"})"),
        std::string(R"({"address":"203.0.113.9:65536"})"), std::string(R"({"address":":1080"})"),
        std::string(R"({"address":"10.0.0.5:1080"})"), std::string(R"({"address":"127.0.0.1:1080"})"),
        std::string(R"({"address":"100.64.1.1:1080"})"), std::string(R"({"address":"no-such-host.invalid:1080"})"),
        std::string(R"({"address":"203.0.113.9:1080","password":"x"})"),
        R"({"address":"203.0.113.9:1080","username":")" + long_text + "\"}"})
    EXPECT_EQ(ask(wrong).status, 400) << wrong;
}

TEST_F(EgressProxy, FreeDiskIsAWholeNumber) {
  start_server();
  const auto build = [&](const std::string& disk) {
    return api("POST", "/v3/templates", *parse_json(R"({"name":"disk","minFreeDiskMb":)" + disk + "}")).status;
  };
  EXPECT_EQ(build("4096"), 202);
  EXPECT_EQ(build("0"), 202);
  for (const char* wrong : {"-1", "1.5", "\"4096\"", "2147483648"}) EXPECT_EQ(build(wrong), 400) << wrong;
}

}  // namespace
}  // namespace osiris::e2b_server
