// Logging in: to MariaDB, to what MySQL 8 speaks, with and without TLS; and being refused.
#include <stdlib.h>

#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "tests/drivers/mysql.extractor/servers.h"
#include "tests/mysql/certificates.h"
#include "tests/mysql/stand_in.h"
#include "worker/drivers/mysql.extractor/driver.h"

namespace osiris::worker::test {
namespace {

using osiris::test::StandIn;
using osiris::test::StandInOptions;

std::string row_of(const std::string& text) { return std::string("\0\0", 2) + static_cast<char>(text.size()) + text; }

// A directory with certificates for "localhost".
const std::filesystem::path& certificates() {
  static const std::filesystem::path directory = [] {
    std::string name = std::filesystem::temp_directory_path() / "osiris-certificates-XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    const Status status = osiris::test::make_certificates(name, "localhost");
    EXPECT_TRUE(status.ok()) << status.error().message;
    std::atexit([] { std::filesystem::remove_all(certificates()); });
    return std::filesystem::path(name);
  }();
  return directory;
}

StandInOptions with_tls(StandInOptions options = {}) {
  options.certificate = certificates() / "server.pem";
  options.key = certificates() / "server.key";
  return options;
}

// A step on the stand-in; what every query returns there is "hello".
class StandInStep : public StepHarness {
 public:
  explicit StandInStep(const StandIn& server, std::initializer_list<Json::Member> more = {}) : StepHarness("pull") {
    Json fields = Json::object({{"host", "localhost"},
                                {"port", int64_t{server.port()}},
                                {"database", "shop"},
                                {"user", "reader"},
                                {"password", "p@ss/w:rd"}});
    for (const auto& [key, value] : more) fields.set(key, value);
    set_connection("mysql", "shop", fields);
    set_config({{"query", "SELECT a FROM t"}});
  }
  std::string rows() {
    const auto outcome = run(mysql_extractor());
    return outcome.ok() ? query("SELECT * FROM {out}") : outcome.error().message;
  }
  Error error() {
    const auto outcome = run(mysql_extractor());
    if (!outcome.ok()) return outcome.error();
    ADD_FAILURE() << "it succeeded";
    return Error();
  }
};

StandInOptions hello() {
  StandInOptions options;
  options.rows = {row_of("hello")};
  return options;
}

// ---- MySQL 8

TEST(Mysql8Login, FullPathOverTlsSendsThePasswordInside) {
  const StandIn server(with_tls(hello()));
  EXPECT_EQ(StandInStep(server).rows(), "hello\n");
  EXPECT_TRUE(server.used_tls());
  EXPECT_FALSE(server.used_rsa());
  EXPECT_FALSE(server.used_fast_path());
  EXPECT_EQ(server.plain_bytes().find("reader"), std::string::npos) << "even the user's name is inside TLS";
}

TEST(Mysql8Login, FastPathOverTls) {
  StandInOptions options = with_tls(hello());
  options.is_cached = true;
  const StandIn server(options);
  EXPECT_EQ(StandInStep(server).rows(), "hello\n");
  EXPECT_TRUE(server.used_fast_path());
}

TEST(Mysql8Login, FullPathOverPlainTcpSealsThePasswordWithRsa) {
  const StandIn server(hello());
  EXPECT_EQ(StandInStep(server).rows(), "hello\n");
  EXPECT_TRUE(server.used_rsa());
  EXPECT_EQ(server.plain_bytes().find("p@ss/w:rd"), std::string::npos);
}

TEST(Mysql8Login, FastPathOverPlainTcp) {
  StandInOptions options = hello();
  options.is_cached = true;
  const StandIn server(options);
  EXPECT_EQ(StandInStep(server).rows(), "hello\n");
  EXPECT_TRUE(server.used_fast_path());
  EXPECT_FALSE(server.used_rsa());
}

TEST(Mysql8Login, AWrongPasswordIsRefusedOnEveryPath) {
  for (const bool tls : {false, true}) {
    for (const bool cached : {false, true}) {
      StandInOptions options = tls ? with_tls(hello()) : hello();
      options.is_cached = cached;
      const StandIn server(options);
      StandInStep step(server, {{"password", "p@ss/w:rdX"}});
      const Error error = step.error();
      EXPECT_EQ(error.category, "connection.auth_failed") << error.message;
      EXPECT_EQ(error.code, Code::kUnauthenticated);
      EXPECT_NE(error.message.find("MySQL connection failed for step pull: Access denied for user 'reader'"),
                std::string::npos)
          << error.message;
      EXPECT_EQ((error.message + error.hint).find("p@ss"), std::string::npos);
      EXPECT_EQ(server.logins(), 0);
    }
  }
}

TEST(Mysql8Login, AnEmptyPasswordWorksWhereTheAccountHasNone) {
  StandInOptions options = hello();
  options.password = "";
  const StandIn server(options);
  EXPECT_EQ(StandInStep(server, {{"password", ""}}).rows(), "hello\n");
  EXPECT_EQ(StandInStep(server, {{"password", nullptr}}).rows(), "hello\n");
}

TEST(Mysql8Login, APasswordLongerThanAnRsaMaskStillWorks) {
  StandInOptions options = hello();
  options.password = std::string(150, 'k') + "ž";
  const StandIn server(options);
  EXPECT_EQ(StandInStep(server, {{"password", options.password}}).rows(), "hello\n");
  EXPECT_TRUE(server.used_rsa());
}

TEST(Mysql8Login, FollowsTheServerFromAnotherDefaultMethod) {
  StandInOptions options = hello();
  options.greeting_plugin = "mysql_native_password";
  const StandIn server(options);
  EXPECT_EQ(StandInStep(server).rows(), "hello\n");
}

TEST(MysqlLogin, MethodsThatThisClientDoesNotHaveAreRefusedByName) {
  for (const std::string plugin :
       {"mysql_old_password", "mysql_clear_password", "dialog", "client_ed25519", "auth_gssapi_client"}) {
    StandInOptions options = hello();
    options.switch_to = plugin;
    const StandIn server(options);
    const Error error = StandInStep(server).error();
    EXPECT_EQ(error.category, "connection.auth_failed") << plugin << ": " << error.message;
    EXPECT_NE(error.hint.find("caching_sha2_password"), std::string::npos) << plugin;
    EXPECT_EQ(server.plain_bytes().find("p@ss"), std::string::npos) << plugin;
  }
}

// ---- MariaDB

TEST(MysqlLogin, AWrongPasswordIsAnErrorWithTheServersWords) {
  const Error error = MysqlStep("SELECT 1", {{"password", "guess-me"}}).error();
  EXPECT_EQ(error.code, Code::kUnauthenticated);
  EXPECT_EQ(error.category, "connection.auth_failed");
  EXPECT_NE(error.message.find("MySQL connection failed for step pull: Access denied for user 'reader'"),
            std::string::npos)
      << error.message;
  EXPECT_EQ(error.message.find("guess-me"), std::string::npos);
}

TEST(MysqlLogin, APasswordOfEverySignWorks) { EXPECT_EQ(MysqlStep("SELECT 1").rows(), "1\n"); }

TEST(MysqlLogin, AServerThatIsNotThereIsUnavailable) {
  const uint16_t nobody = [] { return StandIn().port(); }();  // stopped again at once
  const Error error = MysqlStep("SELECT 1", {{"port", int64_t{nobody}}}).error();
  EXPECT_EQ(error.code, Code::kUnavailable);
  EXPECT_EQ(error.category, "connection.failed");
  EXPECT_NE(error.message.find("Connection refused"), std::string::npos) << error.message;
}

TEST(MysqlLogin, AHostNameThatDoesNotExistIsNamed) {
  const Error error = MysqlStep("SELECT 1", {{"host", "no-such-host.invalid"}, {"connect_timeout", 2}}).error();
  EXPECT_EQ(error.category, "connection.failed");
  EXPECT_NE(error.message.find("host name 'no-such-host.invalid' cannot be resolved"), std::string::npos)
      << error.message;
}

TEST(MysqlLogin, ALentAddressIsUsedWhereTheNameHasNone) {
  MysqlStep step("SELECT 1", {{"host", "no-such-host.invalid"}});
  step.lend_address("no-such-host.invalid", "127.0.0.1");
  EXPECT_EQ(step.rows(), "1\n");
  MysqlStep other("SELECT 1", {{"host", "no-other-host.invalid"}, {"connect_timeout", 2}});
  other.lend_address("no-such-host.invalid", "127.0.0.1");
  EXPECT_NE(other.error().message.find("cannot be resolved"), std::string::npos) << "lent for another name";
}

TEST(MysqlLogin, ALentAddressIsNotUsedAfterARefusedLogin) {
  MysqlStep step("SELECT 1", {{"host", "localhost"}, {"password", "not-the-password"}});
  step.lend_address("localhost", "203.0.113.1");  // nobody answers there
  EXPECT_EQ(step.error().category, "connection.auth_failed");
}

// ---- TLS

// That the right name is accepted there: HostNames.TlsChecksTheNameWhicheverAddressIsUsed.
TEST(MysqlTls, ALentAddressIsCheckedAgainstTheName) {
  MysqlStep step(
      tls_server(), "SELECT 1",
      {{"host", "no-such-host.invalid"}, {"ssl_mode", "verify_identity"}, {"ssl_ca", tls_server().ca_file().string()}});
  step.lend_address("no-such-host.invalid", "127.0.0.1");
  const Error error = step.error();
  EXPECT_EQ(error.category, "connection.failed") << error.message;
  EXPECT_NE(error.message.find("certificate"), std::string::npos) << error.message;
  MysqlStep trusting(
      tls_server(), "SELECT 1",
      {{"host", "no-such-host.invalid"}, {"ssl_mode", "verify_ca"}, {"ssl_ca", tls_server().ca_file().string()}});
  trusting.lend_address("no-such-host.invalid", "127.0.0.1");
  EXPECT_EQ(trusting.rows(), "1\n");
}

TEST(MysqlTls, PreferredUsesTlsWhereTheServerHasIt) {
  MysqlStep step(tls_server(), "SHOW SESSION STATUS LIKE 'Ssl_version'");
  EXPECT_EQ(step.rows(), "Ssl_version|TLSv1.3\n");
}

TEST(MysqlTls, PreferredGoesWithoutWhereTheServerHasNone) {
  EXPECT_EQ(MysqlStep("SHOW SESSION STATUS LIKE 'Ssl_version'", {{"ssl_mode", "preferred"}}).rows(), "Ssl_version|\n");
}

TEST(MysqlTls, DisabledGoesWithoutEvenWhereTheServerHasIt) {
  EXPECT_EQ(MysqlStep(tls_server(), "SHOW SESSION STATUS LIKE 'Ssl_version'", {{"ssl_mode", "disabled"}}).rows(),
            "Ssl_version|\n");
}

TEST(MysqlTls, RequiredUsesTlsWithoutVerifying) {
  EXPECT_EQ(MysqlStep(tls_server(), "SHOW SESSION STATUS LIKE 'Ssl_version'", {{"ssl_mode", "REQUIRED"}}).rows(),
            "Ssl_version|TLSv1.3\n");
}

TEST(MysqlTls, ModesThatNeedTlsRefuseAServerWithoutBeforeAnythingIsSent) {
  for (const char* mode : {"required", "verify_ca", "verify_identity"}) {
    const StandIn server(hello());
    StandInStep step(server, {{"ssl_mode", mode}});
    if (std::string(mode) != "required")
      step.set_connection("mysql", "shop", [&] {
        Json fields = step.connection()->fields;
        fields.set("ssl_ca", (certificates() / "ca.pem").string());
        return fields;
      }());
    const Error error = step.error();
    EXPECT_EQ(error.category, "connection.failed") << mode << ": " << error.message;
    EXPECT_NE(error.message.find("does not support"), std::string::npos) << error.message;
    EXPECT_EQ(server.plain_bytes(), "") << mode;
  }
}

TEST(MysqlTls, VerifyCaAcceptsTheRightAuthority) {
  EXPECT_EQ(
      MysqlStep(tls_server(), "SELECT 1", {{"ssl_mode", "verify_ca"}, {"ssl_ca", tls_server().ca_file().string()}})
          .rows(),
      "1\n");
}

TEST(MysqlTls, VerifyCaRefusesAnotherAuthority) {
  const Error error = MysqlStep(tls_server(), "SELECT 1",
                                {{"ssl_mode", "verify_ca"}, {"ssl_ca", tls_server().other_ca_file().string()}})
                          .error();
  EXPECT_EQ(error.category, "connection.failed");
  EXPECT_NE(error.message.find("certificate"), std::string::npos) << error.message;
}

TEST(MysqlTls, ACertificateThatHasExpiredIsRefused) {
  osiris::test::MariaDbOptions options;
  options.tls = options.tls_is_expired = true;
  auto server = osiris::test::MariaDbServer::start(std::move(options));
  ASSERT_TRUE(server.ok()) << server.error().message;
  const Error error =
      MysqlStep(**server, "SELECT 1", {{"ssl_mode", "verify_ca"}, {"ssl_ca", (*server)->ca_file().string()}}).error();
  EXPECT_EQ(error.category, "connection.failed") << error.message;
  EXPECT_NE(error.message.find("certificate"), std::string::npos) << error.message;
}

TEST(MysqlTls, VerifyCaDoesNotLookAtTheName) {
  EXPECT_EQ(MysqlStep(tls_server(), "SELECT 1",
                      {{"host", "127.0.0.1"}, {"ssl_mode", "verify_ca"}, {"ssl_ca", tls_server().ca_file().string()}})
                .rows(),
            "1\n");
}

TEST(MysqlTls, VerifyIdentityAcceptsTheNameInTheCertificate) {
  EXPECT_EQ(
      MysqlStep(tls_server(), "SELECT 1",
                {{"host", "localhost"}, {"ssl_mode", "verify_identity"}, {"ssl_ca", tls_server().ca_file().string()}})
          .rows(),
      "1\n");
}

TEST(MysqlTls, VerifyIdentityRefusesAnotherName) {
  const Error error =
      MysqlStep(tls_server(), "SELECT 1",
                {{"host", "127.0.0.1"}, {"ssl_mode", "verify_identity"}, {"ssl_ca", tls_server().ca_file().string()}})
          .error();
  EXPECT_EQ(error.category, "connection.failed") << error.message;
}

TEST(MysqlTls, VerifyIdentityRefusesAnotherAuthority) {
  const Error error =
      MysqlStep(
          tls_server(), "SELECT 1",
          {{"host", "localhost"}, {"ssl_mode", "verify_identity"}, {"ssl_ca", tls_server().other_ca_file().string()}})
          .error();
  EXPECT_EQ(error.category, "connection.failed") << error.message;
}

TEST(MysqlTls, WithoutAnAuthorityOfItsOwnTheSystemsAreTrustedAndOursIsNotAmongThem) {
  const Error error =
      MysqlStep(tls_server(), "SELECT 1", {{"host", "localhost"}, {"ssl_mode", "verify_identity"}}).error();
  EXPECT_TRUE(error.category == "connection.failed" || error.category == "connection.invalid_config") << error.message;
}

TEST(MysqlTls, TheAuthorityMayBeGivenAsText) {
  const auto pem = read_file(tls_server().ca_file());
  ASSERT_TRUE(pem.ok());
  EXPECT_EQ(
      MysqlStep(tls_server(), "SELECT 1", {{"host", "localhost"}, {"ssl_mode", "verify_identity"}, {"ssl_ca", *pem}})
          .rows(),
      "1\n");
}

TEST(MysqlTls, AnAuthorityWithoutAModeMeansVerifyCa) {
  EXPECT_EQ(MysqlStep(tls_server(), "SELECT 1", {{"ssl_ca", tls_server().ca_file().string()}}).rows(), "1\n");
  EXPECT_EQ(MysqlStep(tls_server(), "SELECT 1", {{"ssl_ca", tls_server().other_ca_file().string()}}).error().category,
            "connection.failed");
}

TEST(MysqlTls, AnAuthorityThatWouldNotBeUsedIsRefused) {
  const Error error =
      MysqlStep(tls_server(), "SELECT 1", {{"ssl_mode", "required"}, {"ssl_ca", tls_server().ca_file().string()}})
          .error();
  EXPECT_EQ(error.category, "connection.invalid_config");
}

TEST(MysqlTls, AnAuthorityFileThatIsNotThereIsNamed) {
  const Error error =
      MysqlStep(tls_server(), "SELECT 1", {{"ssl_mode", "verify_ca"}, {"ssl_ca", "certs/absent.pem"}}).error();
  EXPECT_EQ(error.category, "connection.invalid_config");
  EXPECT_NE(error.message.find("certs/absent.pem"), std::string::npos);
}

TEST(MysqlTls, UnknownModesAreRefused) {
  EXPECT_EQ(MysqlStep("SELECT 1", {{"ssl_mode", "on"}}).error().category, "connection.invalid_config");
}

// ---- check

TEST(MysqlCheck, AnswersThatTheConnectionWorks) {
  MysqlStep step;
  const Status status = step.check(mysql_extractor());
  EXPECT_TRUE(status.ok()) << status.error().message;
}

TEST(MysqlCheck, SaysWhyItDoesNot) {
  MysqlStep step("", {{"password", "wrong"}});
  const Status status = step.check(mysql_extractor());
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().category, "connection.auth_failed");
}

TEST(MysqlCheck, DoesNotWaitForAServerThatSaysNothing) {
  StandInOptions options;
  options.silence = StandInOptions::Silence::kFromTheStart;
  const StandIn server(options);
  StandInStep step(server, {{"connect_timeout", 3600}});
  const Status status = step.check(mysql_extractor());
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().category, "connection.timeout");
  EXPECT_NE(status.error().message.find("no answer within 2 s"), std::string::npos) << status.error().message;
}

}  // namespace
}  // namespace osiris::worker::test
