// Logging in, with and without TLS; being refused; and what a connection may say.
#include "protocol/base/file.h"
#include "tests/drivers/postgres/steps.h"
#include "worker/drivers/postgres.extractor/driver.h"

namespace osiris::worker::test {
namespace {

constexpr char kTls[] = "SELECT ssl AS tls FROM pg_stat_ssl WHERE pid = pg_backend_pid()";

std::string rows(osiris::test::PostgresServer& server, std::initializer_list<Json::Member> connection,
                 const std::string& query = kTls) {
  PostgresStep step(server, postgres_extractor(), connection);
  step.configure({{"query", query}});
  return step.rows();
}

Error refused(osiris::test::PostgresServer& server, std::initializer_list<Json::Member> connection) {
  PostgresStep step(server, postgres_extractor(), connection);
  step.configure({{"query", "SELECT 1 AS one"}});
  const Error error = step.error();
  EXPECT_EQ(step.everything_said().find(kPostgresPassword), std::string::npos);
  EXPECT_EQ(error.message.find(kPostgresPassword), std::string::npos);
  return error;
}

TEST(PostgresLogin, ByScramOverPlainTcp) {
  EXPECT_EQ(rows(plain_postgres(), {}), "false\n");
  EXPECT_EQ(rows(plain_postgres(), {{"sslmode", "disable"}}), "false\n");
  EXPECT_EQ(rows(plain_postgres(), {{"sslmode", "allow"}}), "false\n");
}

TEST(PostgresLogin, ByScramOverTls) {
  const std::string ca = tls_postgres().ca_file().string();
  EXPECT_EQ(rows(tls_postgres(), {}), "true\n");
  EXPECT_EQ(rows(tls_postgres(), {{"sslmode", "allow"}}), "true\n") << "the server takes no other";
  EXPECT_EQ(rows(tls_postgres(), {{"sslmode", "require"}}), "true\n");
  EXPECT_EQ(rows(tls_postgres(), {{"sslrootcert", ca}}), "true\n");
  EXPECT_EQ(rows(tls_postgres(), {{"host", "localhost"}, {"sslmode", "verify-full"}, {"sslrootcert", ca}}), "true\n");
}

TEST(PostgresLogin, TheAuthorityMayBeATextToo) {
  const auto pem = read_file(tls_postgres().ca_file());
  ASSERT_TRUE(pem.ok());
  EXPECT_EQ(rows(tls_postgres(), {{"sslmode", "verify-ca"}, {"sslrootcert", *pem}}), "true\n");
}

TEST(PostgresLogin, ACertificateOfAnotherAuthorityOrNameIsRefused) {
  const Error other =
      refused(tls_postgres(), {{"sslmode", "verify-ca"}, {"sslrootcert", tls_postgres().other_ca_file().string()}});
  EXPECT_EQ(other.category, "connection.failed") << other.message;
  EXPECT_NE(other.message.find("certificate verify failed"), std::string::npos) << other.message;
  const Error name =
      refused(tls_postgres(), {{"sslmode", "verify-full"}, {"sslrootcert", tls_postgres().ca_file().string()}});
  EXPECT_NE(name.message.find("127.0.0.1"), std::string::npos) << name.message;
  EXPECT_NE(name.hint.find("verify-full"), std::string::npos) << name.hint;
  const Error system = refused(tls_postgres(), {{"host", "localhost"}, {"sslmode", "verify-full"}});
  EXPECT_EQ(system.category.substr(0, 10), "connection");
}

TEST(PostgresLogin, ACertificateThatHasExpiredIsRefused) {
  osiris::test::PostgresOptions options;
  options.tls = options.tls_is_expired = true;
  auto server = osiris::test::PostgresServer::start(std::move(options));
  ASSERT_TRUE(server.ok()) << server.error().message;
  const Error error = refused(**server, {{"sslmode", "verify-ca"}, {"sslrootcert", (*server)->ca_file().string()}});
  EXPECT_EQ(error.category, "connection.failed") << error.message;
  EXPECT_NE(error.message.find("certificate verify failed"), std::string::npos) << error.message;
}

TEST(PostgresLogin, TlsThatTheServerDoesNotHaveIsRefused) {
  const Error error = refused(plain_postgres(), {{"sslmode", "require"}});
  EXPECT_EQ(error.category, "connection.failed");
  EXPECT_NE(error.message.find("does not support SSL"), std::string::npos) << error.message;
}

TEST(PostgresLogin, WrongCredentialsAreSaidSo) {
  for (const Json& wrong :
       {Json::object({{"password", "wrong"}}), Json::object({{"user", "nobody"}}), Json::object({{"password", ""}})}) {
    const auto& [key, value] = wrong.members()[0];
    const Error error = refused(plain_postgres(), {{key, value}});
    EXPECT_EQ(error.category, "connection.auth_failed") << error.message;
    EXPECT_EQ(error.code, Code::kUnauthenticated);
    EXPECT_NE(error.message.find("connecting to 127.0.0.1:"), std::string::npos) << error.message;
  }
}

TEST(PostgresLogin, AnUnknownDatabaseIsNamed) {
  const Error error = refused(plain_postgres(), {{"database", "shopp"}});
  EXPECT_EQ(error.category, "connection.invalid_config") << error.message;
  EXPECT_NE(error.message.find("\"shopp\" does not exist"), std::string::npos) << error.message;
}

TEST(PostgresLogin, NobodyThereIsAnError) {
  const Error error = refused(plain_postgres(), {{"port", 1}});
  EXPECT_EQ(error.category, "connection.failed");
  EXPECT_EQ(error.code, Code::kUnavailable);
  EXPECT_NE(error.message.find("Connection refused"), std::string::npos) << error.message;
}

TEST(PostgresLogin, ANameThatDoesNotResolveIsNamed) {
  const Error error = refused(plain_postgres(), {{"host", "no-such-host.invalid"}, {"connect_timeout", 5}});
  EXPECT_EQ(error.code, Code::kUnavailable);
  EXPECT_NE(error.message.find("no-such-host.invalid"), std::string::npos) << error.message;
}

TEST(PostgresLogin, AddressesThatWereLentAreTried) {
  PostgresStep step(postgres_extractor(), {{"host", "lent.invalid"}, {"connect_timeout", 4}});
  step.lend_address("lent.invalid", "127.0.0.1");
  step.configure({{"query", "SELECT 1 AS one"}});
  EXPECT_EQ(step.rows(), "1\n");
}

TEST(PostgresConnection, FieldsThatAreWrongAreNamed) {
  const auto message = [](std::initializer_list<Json::Member> fields) {
    const Error error = refused(plain_postgres(), fields);
    EXPECT_EQ(error.category, "connection.invalid_config");
    return error.message + "; " + error.hint;
  };
  EXPECT_NE(message({{"sslmode", "verify"}}).find("sslmode 'verify' is unknown"), std::string::npos);
  EXPECT_NE(message({{"ssl_mod", "require"}}).find("unknown connection field 'ssl_mod'"), std::string::npos);
  EXPECT_NE(message({{"sslmode", "disable"}, {"sslrootcert", "ca.pem"}}).find("has no effect"), std::string::npos);
  EXPECT_NE(message({{"dsn", "postgresql://x"}}).find("'dsn' is not supported"), std::string::npos);
  EXPECT_NE(message({{"host", "/run/postgresql"}}).find("one host name"), std::string::npos);
  EXPECT_NE(message({{"host", "a,b"}}).find("one host name"), std::string::npos);
  EXPECT_NE(message({{"port", "many"}}).find("'port' must be a whole number"), std::string::npos);
  EXPECT_NE(message({{"database", ""}}).find("'database' is required"), std::string::npos);
}

TEST(PostgresConnection, CheckLogsInAndAsksNothing) {
  PostgresStep step(postgres_extractor());
  EXPECT_TRUE(step.check(postgres_extractor()).ok());
  PostgresStep wrong(postgres_extractor(), {{"password", "wrong"}});
  EXPECT_FALSE(wrong.check(postgres_extractor()).ok());
}

}  // namespace
}  // namespace osiris::worker::test
