// A step that writes the rows of a SELECT to a table of `shop`.
#pragma once

#include "tests/drivers/mysql.extractor/servers.h"
#include "worker/drivers/mysql.writer/driver.h"

namespace osiris::worker::test {

// A server that lets clients send data for LOAD DATA LOCAL, and one that does not.
osiris::test::MariaDbServer& loading_server();
osiris::test::MariaDbServer& inserting_server();

void in_database(const std::string& sql, osiris::test::MariaDbServer& server = loading_server());
std::string ask_database(const std::string& sql, osiris::test::MariaDbServer& server = loading_server());

class MysqlWriteStep : public StepHarness {
 public:
  MysqlWriteStep(const std::string& select, std::initializer_list<Json::Member> config,
                 osiris::test::MariaDbServer& server = loading_server(),
                 std::initializer_list<Json::Member> connection = {});
  // "ok 3", or the error's message and hint.
  std::string outcome();
};

}  // namespace osiris::worker::test
