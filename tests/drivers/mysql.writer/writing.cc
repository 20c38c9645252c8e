#include "tests/drivers/mysql.writer/writing.h"

#include <cstdio>
#include <cstdlib>

namespace osiris::worker::test {
namespace {

using osiris::test::MariaDbServer;

std::unique_ptr<MariaDbServer> started(const char* local_data) {
  osiris::test::MariaDbOptions options;
  options.arguments = {std::string("--local-infile=") + local_data};
  auto server = MariaDbServer::start(std::move(options));
  Status status = server.ok() ? (*server)->execute(
                                    "CREATE DATABASE shop; CREATE DATABASE other;"
                                    "CREATE USER reader@'%' IDENTIFIED BY 'p@ss/w:rd %41\\'\\\"';"
                                    "GRANT ALL ON shop.* TO reader@'%'; GRANT SELECT ON other.* TO reader@'%';"
                                    "CREATE TABLE other.theirs (id INT)")
                              : Status(server.error());
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.error().message.c_str());
    std::abort();
  }
  return *std::move(server);
}

}  // namespace

MariaDbServer& loading_server() {
  static const std::unique_ptr<MariaDbServer> server = started("1");
  return *server;
}

MariaDbServer& inserting_server() {
  static const std::unique_ptr<MariaDbServer> server = started("0");
  return *server;
}

void in_database(const std::string& sql, MariaDbServer& server) {
  const Status done = server.execute("USE shop; " + sql);
  if (!done.ok()) ADD_FAILURE() << done.error().message;
}

std::string ask_database(const std::string& sql, MariaDbServer& server) {
  const auto answer = server.query(sql);
  return answer.ok() ? *answer : answer.error().message;
}

MysqlWriteStep::MysqlWriteStep(const std::string& select, std::initializer_list<Json::Member> config,
                               MariaDbServer& server, std::initializer_list<Json::Member> connection)
    : StepHarness("push") {
  set_connection("mysql", "shop", fields_for(server, connection));
  add_input("rows", select);
  set_config(config);
}

std::string MysqlWriteStep::outcome() {
  const auto done = run(mysql_writer());
  if (done.ok()) return "ok " + std::to_string(done->rows_written);
  return done.error().message + "; " + done.error().hint;
}

}  // namespace osiris::worker::test
