// The row in the driver suite of one that writes to a table of a server. `Server` says what is the server's own:
//   kDriver         the driver's function
//   kTable          the table, as the server's SQL names it
//   kTablesLeft     SQL: how many tables of a load are still there
//   connect(step)   gives the step its connection; connect(step, secret) one with this password
//   configure(step) gives the step its config, for the table suite_rows
//   in(sql)         runs SQL there; ask(sql) gives its answer
#pragma once

#include <string>

#include "tests/drivers/suite.h"

namespace osiris::worker::test {

template <class Server>
class ServerRow {
 public:
  static const DriverRow& row() {
    static const DriverRow row{.driver = &Server::kDriver(),
                               .writes_outside = true,
                               .arrange = arrange,
                               .arrange_failure = arrange_failure,
                               .arrange_secret = arrange_secret,
                               .written = written};
    return row;
  }

 private:
  static void prepare(StepHarness& step, const std::string& select) {
    Server::connect(step);
    step.add_input("rows", select);
    Server::configure(step);
  }
  static void arrange(StepHarness& step, uint64_t rows) {
    Server::in("DROP TABLE IF EXISTS suite_rows");
    prepare(step, "SELECT i AS id, 'name ' || i % 97 AS name, (i + 0.25)::DECIMAL(12,2) AS price FROM range(" +
                      std::to_string(rows) + ") t(i)");
  }
  // The server refuses a row after many that it took.
  static void arrange_failure(StepHarness& step) {
    Server::in(
        "DROP TABLE IF EXISTS suite_rows; CREATE TABLE suite_rows (id bigint PRIMARY KEY, CHECK (id <> 190000)); "
        "INSERT INTO suite_rows VALUES (-1)");
    prepare(step, "SELECT i AS id FROM range(200000) t(i)");
  }
  static void arrange_secret(StepHarness& step, const std::string& secret) {
    arrange(step, 10);
    Server::connect(step, secret);
  }
  static std::string written(StepHarness&) {
    return Server::ask(Server::kTablesLeft) == "0\n"
               ? Server::ask(std::string("SELECT COUNT(*), SUM(id) FROM ") + Server::kTable)
               : "a table was left";
  }
};

}  // namespace osiris::worker::test
