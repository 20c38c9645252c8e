#include "tests/drivers/postgres/steps.h"

#include <cstdio>
#include <cstdlib>

namespace osiris::worker::test {
namespace {

using osiris::test::PostgresOptions;
using osiris::test::PostgresServer;

std::unique_ptr<PostgresServer> started(PostgresOptions options) {
  auto server = PostgresServer::start(std::move(options));
  Status status = server.ok() ? Status() : Status(server.error());
  for (const char* sql : {"CREATE ROLE app LOGIN PASSWORD E'p@ss/w:rd %41''\"\\\\'", "CREATE DATABASE shop OWNER app"})
    if (status.ok()) status = (*server)->execute(sql);
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.error().message.c_str());
    std::abort();
  }
  return *std::move(server);
}

}  // namespace

PostgresServer& plain_postgres() {
  static const std::unique_ptr<PostgresServer> server = started({});
  return *server;
}

PostgresServer& tls_postgres() {
  PostgresOptions options;
  options.tls = true;
  options.hba = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
  static const std::unique_ptr<PostgresServer> server = started(std::move(options));
  return *server;
}

Json postgres_fields(const PostgresServer& server, std::initializer_list<Json::Member> more) {
  Json fields = Json::object({{"host", "127.0.0.1"},
                              {"port", int64_t{server.port()}},
                              {"database", "shop"},
                              {"user", "app"},
                              {"password", kPostgresPassword}});
  for (const auto& [key, value] : more) fields.set(key, value);
  return fields;
}

void in_shop(const std::string& sql) {
  const Status done = plain_postgres().execute("SET ROLE app; " + sql, "shop");
  if (!done.ok()) ADD_FAILURE() << done.error().message;
}

std::string ask_shop(const std::string& sql) {
  const auto answer = plain_postgres().query(sql, "shop");
  return answer.ok() ? *answer : answer.error().message;
}

PostgresStep::PostgresStep(const Driver& driver, std::initializer_list<Json::Member> connection)
    : PostgresStep(plain_postgres(), driver, connection) {}

PostgresStep::PostgresStep(PostgresServer& server, const Driver& driver, std::initializer_list<Json::Member> connection)
    : StepHarness("pull"), driver_(driver) {
  set_connection("postgres", "shop", postgres_fields(server, connection));
  configure({});
}

void PostgresStep::configure(std::initializer_list<Json::Member> more) {
  Json config = Json::object({{"host", "localhost"}, {"port", 5432}, {"schema", nullptr}, {"echo", false}});
  for (const auto& [key, value] : more) config.set(key, value);
  set_config(std::move(config));
}

std::string PostgresStep::rows() {
  const auto outcome = run();
  return outcome.ok() ? query("SELECT COLUMNS(*)::VARCHAR FROM {out}") : outcome.error().message;
}

Error PostgresStep::error() {
  const auto outcome = run();
  if (!outcome.ok()) return outcome.error();
  ADD_FAILURE() << "it succeeded with " << outcome->rows_read << " rows";
  return Error();
}

}  // namespace osiris::worker::test
