#include "tests/drivers/mysql.extractor/servers.h"

#include <cstdio>
#include <cstdlib>

#include "worker/drivers/mysql.extractor/driver.h"

namespace osiris::worker::test {
namespace {

using osiris::test::MariaDbOptions;
using osiris::test::MariaDbServer;

std::unique_ptr<MariaDbServer> started(MariaDbOptions options) {
  auto server = MariaDbServer::start(std::move(options));
  Status status = server.ok() ? (*server)->execute(
                                    "CREATE DATABASE shop; CREATE DATABASE other;"
                                    "CREATE USER reader@'%' IDENTIFIED BY 'p@ss/w:rd %41\\'\\\"';"
                                    "GRANT ALL ON shop.* TO reader@'%'; GRANT ALL ON other.* TO reader@'%';")
                              : Status(server.error());
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.error().message.c_str());
    std::abort();
  }
  return *std::move(server);
}

}  // namespace

MariaDbServer& plain_server() {
  static const std::unique_ptr<MariaDbServer> server = started({});
  return *server;
}

MariaDbServer& tls_server() {
  static const std::unique_ptr<MariaDbServer> server =
      started({.tls = true, .tls_name = "localhost", .port = 0, .arguments = {}});
  return *server;
}

Json fields_for(const MariaDbServer& server, std::initializer_list<Json::Member> more) {
  Json fields = Json::object({{"host", "127.0.0.1"},
                              {"port", int64_t{server.port()}},
                              {"database", "shop"},
                              {"user", "reader"},
                              {"password", kPassword}});
  for (const auto& [key, value] : more) fields.set(key, value);
  return fields;
}

MysqlStep::MysqlStep(const std::string& query, std::initializer_list<Json::Member> connection)
    : MysqlStep(plain_server(), query, connection) {}

MysqlStep::MysqlStep(MariaDbServer& server, const std::string& query, std::initializer_list<Json::Member> connection)
    : StepHarness("pull") {
  set_connection("mysql", "shop", fields_for(server, connection));
  configure({});
  if (!query.empty()) configure({{"query", query}});
}

void MysqlStep::configure(std::initializer_list<Json::Member> more) {
  Json config = Json::object({{"mode", "extract"},
                              {"host", "localhost"},
                              {"port", 3306},
                              {"schema", nullptr},
                              {"offset", 0},
                              {"batch_size", 10000},
                              {"pool_size", 5},
                              {"pool_recycle", 3600},
                              {"echo", false}});
  for (const auto& [key, value] : more) config.set(key, value);
  set_config(std::move(config));
}

std::string MysqlStep::rows() {
  const auto outcome = run(mysql_extractor());
  return outcome.ok() ? query("SELECT * FROM {out}") : outcome.error().message;
}

Error MysqlStep::error() {
  const auto outcome = run(mysql_extractor());
  if (!outcome.ok()) return outcome.error();
  ADD_FAILURE() << "it succeeded with " << outcome->rows_read << " rows";
  return Error();
}

}  // namespace osiris::worker::test
