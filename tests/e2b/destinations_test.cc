// Where keys and secrets go is the user's choice, seen before and after: files that others can write choose nothing,
// proxies of the environment are honoured, plain http to another machine is refused, and every choice is shown with its
// source.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/e2b/sandboxed_project.h"
#include "tests/unit/http/scripted_server.h"
#include "tests/unit/http/tls_front.h"

namespace osiris::e2b_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Takes what a client sends to a proxy, and refuses it.
class RefusingProxy {
 public:
  std::string url() const { return server_.url(""); }
  std::string host_and_port() const { return url().substr(std::string("http://").size()); }
  std::string first_line() const {
    const std::lock_guard lock(mutex_);
    return first_line_;
  }
  bool was_asked() const { return !first_line().empty(); }

 private:
  mutable std::mutex mutex_;
  std::string first_line_;
  http::ScriptedServer server_{[this](http::Connection& c) {
    const auto received = c.receive();
    {
      const std::lock_guard lock(mutex_);
      first_line_ = received.head.substr(0, received.head.find('\r'));
    }
    c.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  }};
};

class Destinations : public testing::Test {
 protected:
  Destinations() {
    use_server(project, server);
    project.write("pipeline.yaml", e2e::oml("one", {e2e::mock_step("a", "rows: 1")}));
  }
  Outcome run(const std::vector<std::string>& more = {}) {
    server.clear_requests();
    return project.osiris(run_arguments("e2b", more));
  }
  Outcome dry_run(const std::vector<std::string>& more = {}) {
    std::vector<std::string> all = {"--dry-run"};
    all.insert(all.end(), more.begin(), more.end());
    return run(all);
  }
  // Every line of the newest session's files.
  std::string session_text() const {
    std::string all;
    for (const auto& [path, content] : project.tree())
      if (path.find("sessions") != std::string::npos || path.find("run_logs") != std::string::npos) all += content;
    return all;
  }

  ServerProcess server = start_server();
  Project project;
};

TEST_F(Destinations, TheSourceOfTheServiceIsShownInADryRunAndInTheSession) {
  const Outcome shown = dry_run();
  ASSERT_EQ(shown.exit, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("service: the API key is sent to " + server.url() +
                                   " (--e2b-api-url from environment: OSIRIS_E2B_API_URL)"));
  EXPECT_EQ(server.requests().size(), 0u) << "a dry run calls nobody";

  Project other;
  other.set("E2B_API_KEY", server.api_key());
  other.write(".env", "E2B_API_URL=" + server.url() + "\n", 0600);
  other.write("osiris.yaml", "version: '2.0'\nadapters:\n  e2b: {sandbox_url: \"" + server.url() + "\"}\n");
  other.write("pipeline.yaml", e2e::oml("one", {e2e::mock_step("a", "rows: 1")}));
  const Outcome dry = other.osiris(run_arguments("e2b", {"--dry-run"}));
  EXPECT_THAT(dry.out,
              HasSubstr("(--e2b-api-url from environment: E2B_API_URL in " + (other.dir() / ".env").string() + ")"));
  EXPECT_THAT(dry.out, HasSubstr("(--e2b-sandbox-url from file)"));
  const Outcome ran = other.osiris(run_arguments("e2b"));
  ASSERT_EQ(ran.exit, 0) << ran.err;
  const auto selected = Project::events(other.session(), "adapter_selected");
  ASSERT_EQ(selected.size(), 1u);
  EXPECT_EQ(selected[0]["options"]["api-url"]["from"].as_string(), "E2B_API_URL in " + (other.dir() / ".env").string());
  EXPECT_EQ(selected[0]["options"]["sandbox-url"]["from"].as_string(), "adapters.e2b.sandbox_url in osiris.yaml");
  const auto service = Project::events(other.session(), "service_selected");
  ASSERT_EQ(service.size(), 1u);
  EXPECT_EQ(service[0]["api_url"].as_string(), server.url());
}

TEST_F(Destinations, ADotenvOrProjectFileThatOthersCanWriteChoosesNothing) {
  project.write(".env", "OSIRIS_E2B_API_URL=https://evil.example\n", 0600);
  ASSERT_EQ(run().exit, 0) << "a variable that is set wins";
  ::chmod((project.dir() / ".env").c_str(), 0666);
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"connections", "list"}, run_arguments("e2b"), {"resources", "list", "--adapter", "e2b"}}) {
    const Outcome refused = project.osiris(arguments);
    EXPECT_EQ(refused.exit, 2) << arguments[0] << refused.err;
    EXPECT_THAT(refused.err, HasSubstr("can be written by everyone")) << arguments[0];
    EXPECT_THAT(refused.err, HasSubstr("chmod go-w")) << arguments[0];
  }
  ::chmod((project.dir() / ".env").c_str(), 0600);
  project.write("osiris.yaml", "version: '2.0'\nadapters:\n  e2b: {api_url: \"https://evil.example\"}\n");
  EXPECT_EQ(run().exit, 0);
  ::chmod((project.dir() / "osiris.yaml").c_str(), 0666);
  const Outcome refused = run();
  EXPECT_EQ(refused.exit, 2) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("osiris.yaml can be written by everyone"));
  EXPECT_EQ(project.osiris(run_arguments("local")).exit, 0) << "what it says of another adapter does not matter";
}

TEST_F(Destinations, PlainHttpToAnotherMachineNeedsAWord) {
  project.set("OSIRIS_E2B_API_URL", "http://e2b.corp.example");
  const Outcome refused = run();
  EXPECT_EQ(refused.exit, 2) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("http://e2b.corp.example would carry the API key"));
  EXPECT_THAT(refused.err, HasSubstr("--e2b-allow-http"));
  EXPECT_EQ(dry_run().exit, 2);
  EXPECT_EQ(dry_run({"--e2b-allow-http"}).exit, 0);
}

TEST_F(Destinations, TheEgressProxyTravelsToTheServiceAndItsPasswordNowhereElse) {
  project.set("E2B_DEBUG", "1");
  const std::vector<std::string> arguments = {"--e2b-egress-proxy", "socks5://team:hunter2hunter2@203.0.113.9:1080",
                                              "--e2b-network-allow", "203.0.113.7"};
  const Outcome shown = dry_run(arguments);
  EXPECT_THAT(shown.out, HasSubstr("go through the SOCKS5 proxy 203.0.113.9:1080"));
  EXPECT_THAT(shown.out, HasSubstr("socks5://team:***MASKED***@203.0.113.9:1080"));
  const Outcome ran = run(arguments);
  ASSERT_EQ(ran.exit, 0) << ran.err;
  Json sent;
  const Json recorded = server.requests();
  for (const Json& request : recorded.items())
    if (request["route"].as_string() == "POST /v2/sandboxes") sent = request["body"]["network"]["egressProxy"];
  EXPECT_EQ(sent.dump(), R"({"address":"203.0.113.9:1080","username":"team","password":"hunter2hunter2"})");
  std::string everything = shown.out + shown.err + ran.out + ran.err;
  for (const auto& [path, content] : project.tree()) everything += content;
  EXPECT_THAT(everything, Not(HasSubstr("hunter2hunter2")));
  EXPECT_THAT(everything, HasSubstr("203.0.113.9:1080"));
}

TEST_F(Destinations, AnEgressProxyThatTheServiceRefusesIsSaid) {
  const Outcome refused =
      run({"--e2b-egress-proxy", "10.0.0.5:1080", "--e2b-allow-private", "--e2b-network-allow", "203.0.113.7"});
  EXPECT_EQ(refused.exit, 3) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("egress proxy")) << "the local server looks as E2B does";
}

TEST_F(Destinations, DiskToKeepFreeMakesATemplateOfItsOwn) {
  const Outcome ran = run({"--e2b-min-free-disk", "4"});
  ASSERT_EQ(ran.exit, 0) << ran.err;
  Json asked;
  const Json recorded = server.requests();
  for (const Json& request : recorded.items())
    if (request["route"].as_string() == "POST /v3/templates") asked = request["body"];
  EXPECT_EQ(asked["minFreeDiskMb"].as_int(), 4096);
  ASSERT_EQ(run({"--e2b-min-free-disk", "4GiB"}).exit, 0);
  EXPECT_EQ(server.count("POST /v3/templates"), 0) << "found by its name";
  ASSERT_EQ(run({"--e2b-min-free-disk", "2GiB"}).exit, 0);
  EXPECT_EQ(server.count("POST /v3/templates"), 1) << "another one";
}

// Over TLS, as with the real service.
class ProxiesOfTheEnvironment : public Destinations {
 protected:
  void SetUp() override {
    ASSERT_TRUE(front.is_up()) << front.error();
    project.set("OSIRIS_E2B_API_URL", front.url());
    project.set("OSIRIS_E2B_SANDBOX_URL", front.url());
    project.set("OSIRIS_E2B_CA_FILE", front.ca_file());
    project.set("OSIRIS_E2B_RETRY_BUDGET", "0");
  }
  static int port_of(const std::string& url) { return std::atoi(url.c_str() + url.rfind(':') + 1); }
  http::TlsFront front{port_of(server.url())};
};

TEST_F(ProxiesOfTheEnvironment, AreAskedAndTheirRefusalIsNotWalkedAround) {
  for (const char* name : {"HTTPS_PROXY", "https_proxy"}) {
    RefusingProxy proxy;
    project.set(name, "http://team:hunter2hunter2@" + proxy.host_and_port());
    const Outcome refused = run();
    EXPECT_EQ(refused.exit, 3) << refused.err;
    EXPECT_EQ(proxy.first_line(), "CONNECT localhost:" + std::to_string(front.port()) + " HTTP/1.1") << name;
    EXPECT_EQ(server.requests().size(), 0u);
    EXPECT_THAT(session_text() + refused.err, Not(HasSubstr("hunter2hunter2")));
    const auto service = Project::events(project.session(), "service_selected");
    ASSERT_EQ(service.size(), 1u);
    EXPECT_EQ(service[0]["proxy"].as_string(), proxy.url());
    EXPECT_THAT(dry_run().out, HasSubstr("through the proxy " + proxy.url()));
  }
}

TEST_F(ProxiesOfTheEnvironment, AreLeftOutForHostsOfNoProxy) {
  RefusingProxy proxy;
  project.set("HTTPS_PROXY", proxy.url());
  project.set("NO_PROXY", "example.org,localhost");
  const Outcome ran = run();
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_FALSE(proxy.was_asked());
}

TEST_F(ProxiesOfTheEnvironment, GiveWayToTheOption) {
  RefusingProxy theirs, mine;
  project.set("HTTPS_PROXY", theirs.url());
  EXPECT_EQ(run({"--e2b-proxy", mine.url()}).exit, 3);
  EXPECT_TRUE(mine.was_asked());
  EXPECT_FALSE(theirs.was_asked());
}

TEST_F(ProxiesOfTheEnvironment, AreNotForALoopbackServerOverHttp) {
  RefusingProxy proxy;
  project.set("HTTPS_PROXY", proxy.url());
  use_server(project, server);
  EXPECT_EQ(run().exit, 0);
  EXPECT_FALSE(proxy.was_asked());
}

TEST_F(ProxiesOfTheEnvironment, AndACaFileWithoutACertificateIsNamed) {
  project.write("empty.pem", "nothing\n");
  const Outcome refused = run({"--e2b-ca-file", "empty.pem"});
  EXPECT_EQ(refused.exit, 3) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("holds no certificate"));
  EXPECT_THAT(run({"--e2b-ca-file", "absent.pem"}).err, HasSubstr("absent.pem"));
}

}  // namespace
}  // namespace osiris::e2b_test
