// The way to the real service: TLS and HTTP/2, here by nghttpx in front of the local server, with a CA of the test's
// own.
#include <gtest/gtest.h>

#include "tests/e2b/sandboxed_project.h"
#include "tests/unit/http/tls_front.h"

namespace osiris::e2b_test {
namespace {

class E2bOverHttps : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(front.is_up()) << front.error();
    use_server(project, server);
    project.set("OSIRIS_E2B_API_URL", front.url());
    project.set("OSIRIS_E2B_SANDBOX_URL", front.url());
    project.write("pipeline.yaml",
                  e2e::oml("tls", {e2e::mock_step("a", "rows: 1000"), e2e::mock_step("b", "rows: 1")}));
    server.clear_requests();
  }

  static int port_of(const std::string& url) { return std::atoi(url.c_str() + url.rfind(':') + 1); }

  ServerProcess server = start_server();
  http::TlsFront front{port_of(server.url())};
  Project project;
};

TEST_F(E2bOverHttps, ARunIsTheSameOverHttp2) {
  const Outcome outcome = project.osiris(run_arguments("e2b", {"--e2b-ca-file", front.ca_file()}));
  ASSERT_EQ(outcome.exit, 0) << outcome.err;
  const ComparableEvents remote = comparable_events(project.session());
  const Json recorded = server.requests();
  ASSERT_GT(recorded.size(), 0u);
  for (const Json& request : recorded.items())
    EXPECT_TRUE(request["headers"]["via"].as_string().starts_with("2 "))
        << request["route"].as_string() << " did not come by HTTP/2";
  expect_no_sandbox(server);
  ASSERT_EQ(project.osiris(run_arguments("local")).exit, 0);
  const ComparableEvents local = comparable_events(project.session());
  EXPECT_EQ(remote.steps, local.steps);
  EXPECT_EQ(remote.run, local.run);
}

TEST_F(E2bOverHttps, AnUnknownCaIsRefusedBeforeAnythingIsSent) {
  const Outcome outcome = project.osiris(run_arguments("e2b"));
  EXPECT_EQ(outcome.exit, 3) << outcome.err;
  EXPECT_NE(outcome.err.find("certificate"), std::string::npos) << outcome.err;
  EXPECT_EQ(server.requests().size(), 0u);
  expect_no_sandbox(server);
}

}  // namespace
}  // namespace osiris::e2b_test
