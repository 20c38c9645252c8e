// Servers that go away or say nothing, and being cancelled while waiting for them: an error that says what happened,
// soon, and no half relation.
#include <thread>

#include "tests/drivers/mysql.extractor/servers.h"
#include "tests/mysql/stand_in.h"
#include "worker/drivers/mysql.extractor/driver.h"

namespace osiris::worker::test {
namespace {

using osiris::test::MariaDbServer;
using osiris::test::StandIn;
using osiris::test::StandInOptions;
using Silence = StandInOptions::Silence;

std::unique_ptr<MariaDbServer> own_server() {
  auto server = MariaDbServer::start();
  EXPECT_TRUE(server.ok()) << server.error().message;
  const Status status = (*server)->execute(
      "CREATE DATABASE shop; CREATE USER reader@'%' IDENTIFIED BY 'p@ss/w:rd %41\\'\\\"'; GRANT ALL ON shop.* TO "
      "reader@'%'");
  EXPECT_TRUE(status.ok()) << status.error().message;
  return *std::move(server);
}

constexpr char kEndless[] = "SELECT seq, REPEAT('x', 100) AS text FROM seq_1_to_4000000000";

TEST(MysqlLoss, AServerKilledInTheMiddleIsAnErrorAndLeavesNoRelation) {
  const auto server = own_server();
  MysqlStep step(*server, kEndless);
  step.on_progress([&](uint64_t rows) {
    if (rows >= 20000) server->kill();
  });
  const Error error = step.error();
  EXPECT_EQ(error.code, Code::kUnavailable);
  EXPECT_EQ(error.category, "connection.failed");
  EXPECT_NE(error.message.find("MySQL execution failed: the connection to 127.0.0.1:"), std::string::npos)
      << error.message;
  EXPECT_NE(error.message.find("was lost after"), std::string::npos) << error.message;
  EXPECT_FALSE(step.has_output_table());
}

TEST(MysqlLoss, AConnectionKilledByAnAdministratorIsAnErrorToo) {
  MysqlStep step(kEndless);
  step.on_progress([&](uint64_t rows) {
    if (rows < 20000) return;
    const auto id = plain_server().query(
        "SELECT id FROM information_schema.processlist WHERE user = 'reader' AND command <> 'Sleep'");
    if (id.ok() && !id->empty()) (void)plain_server().execute("KILL " + *id);
  });
  const Error error = step.error();
  EXPECT_EQ(error.category, "connection.failed") << error.message;
  EXPECT_FALSE(step.has_output_table());
}

TEST(MysqlLoss, AQueryKilledByAnAdministratorIsAnErrorToo) {
  MysqlStep step(kEndless);
  step.on_progress([&](uint64_t rows) {
    if (rows < 20000) return;
    const auto id = plain_server().query(
        "SELECT id FROM information_schema.processlist WHERE user = 'reader' AND command <> 'Sleep'");
    if (id.ok() && !id->empty()) (void)plain_server().execute("KILL QUERY " + *id);
  });
  const Error error = step.error();
  EXPECT_EQ(error.category, "extract.query_failed") << error.message;
  EXPECT_NE(error.message.find("interrupted"), std::string::npos) << error.message;
  EXPECT_FALSE(step.has_output_table());
}

// Cancelled while the driver waits for a server that has fallen silent at `silence`.
void expect_cancel_ends_the_wait(StandInOptions options) {
  const StandIn server(options);
  MysqlStep step;
  Json fields = Json::object({{"host", "127.0.0.1"},
                              {"port", int64_t{server.port()}},
                              {"database", "shop"},
                              {"user", "reader"},
                              {"password", "p@ss/w:rd"},
                              {"connect_timeout", 3600}});
  step.set_connection("mysql", "shop", fields);
  step.configure({{"query", "SELECT a FROM t"}});
  std::thread canceller([&] {
    server.wait_until_silent();
    step.cancel();
  });
  const Error error = step.error();
  canceller.join();
  EXPECT_EQ(error.code, Code::kCancelled) << error.message;
  EXPECT_FALSE(step.has_output_table());
}

TEST(MysqlCancel, EndsTheWaitForAGreeting) {
  StandInOptions options;
  options.silence = Silence::kFromTheStart;
  expect_cancel_ends_the_wait(options);
}

TEST(MysqlCancel, EndsTheWaitForAnAnswerAfterTheLogin) {
  StandInOptions options;
  options.silence = Silence::kAfterLogin;
  expect_cancel_ends_the_wait(options);
}

TEST(MysqlCancel, EndsTheWaitForTheNextRow) {
  StandInOptions options;
  options.silence = Silence::kAfterRows;
  options.rows = {std::string("\0\0\2hi", 5)};
  expect_cancel_ends_the_wait(options);
}

TEST(MysqlCancel, EndsTheWaitOverTlsToo) {
  MysqlStep step(tls_server(), "SELECT SLEEP(3600) AS a", {{"ssl_mode", "required"}});
  std::thread canceller([&] {
    // Until the server runs the statement.
    for (;;) {
      const auto running = tls_server().query(
          "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%SLEEP(3600)%' AND user = 'reader'");
      if (running.ok() && *running == "1\n") break;
    }
    step.cancel();
  });
  const Error error = step.error();
  canceller.join();
  EXPECT_EQ(error.code, Code::kCancelled) << error.message;
}

TEST(MysqlTimeout, AServerThatNeverGreetsRunsIntoConnectTimeout) {
  StandInOptions options;
  options.silence = Silence::kFromTheStart;
  const StandIn server(options);
  const Error error = MysqlStep("SELECT 1", {{"port", int64_t{server.port()}}, {"connect_timeout", 1}}).error();
  EXPECT_EQ(error.category, "connection.timeout");
  EXPECT_NE(error.message.find("no answer within 1 s"), std::string::npos) << error.message;
}

TEST(MysqlTimeout, AServerThatStopsSendingRunsIntoReadTimeout) {
  const Error error = MysqlStep("SELECT SLEEP(3600) AS a", {{"read_timeout", 1}}).error();
  EXPECT_EQ(error.category, "connection.timeout");
  EXPECT_NE(error.message.find("sent nothing for 1 s"), std::string::npos) << error.message;
}

TEST(MysqlTimeout, ASlowQueryWithoutReadTimeoutIsWaitedFor) {
  EXPECT_EQ(MysqlStep("SELECT SLEEP(1.2) AS a", {{"connect_timeout", 1}}).rows(), "0\n");
}

TEST(MysqlMalformed, RowsThatReachBeyondTheirPacketAreAnErrorNotACrash) {
  for (const std::string& row : {std::string("\0\0\xfe\xff\xff\xff\xff\xff\xff\xff\x7f", 11),
                                 std::string("\0\0\xff", 3), std::string("\0\0\xfd\xff\xff\xff", 6)}) {
    StandInOptions options;
    options.password = "p";
    options.rows = {row};
    const StandIn server(options);
    const Error error = MysqlStep("SELECT 1", {{"port", int64_t{server.port()}}, {"password", "p"}}).error();
    EXPECT_NE(error.message.find("alformed"), std::string::npos) << error.message;
    EXPECT_EQ(error.category, "connection.failed");
  }
}

TEST(MysqlMalformed, TextThatIsNotUtf8IsAnErrorNamingTheColumn) {
  StandInOptions options;
  options.password = "p";
  options.rows = {std::string("\0\0\2ok", 5), std::string("\0\0\2\xc3\x28", 5)};
  const StandIn server(options);
  MysqlStep step("SELECT 1", {{"port", int64_t{server.port()}}, {"password", "p"}});
  const Error error = step.error();
  EXPECT_NE(error.message.find("column 'a', row 2: the text is not valid UTF-8"), std::string::npos) << error.message;
  EXPECT_FALSE(step.has_output_table());
}

}  // namespace
}  // namespace osiris::worker::test
