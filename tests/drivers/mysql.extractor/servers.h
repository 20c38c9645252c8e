// The MariaDB servers of these tests, one per test program and kind, and the usual ways to ask them.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/drivers/harness.h"
#include "tests/mysql/mariadb_server.h"

namespace osiris::worker::test {

// Started on first use, stopped when the program ends. It holds database `shop` and the account reader/`kPassword`.
osiris::test::MariaDbServer& plain_server();
osiris::test::MariaDbServer& tls_server();  // its certificate is for "localhost"

inline constexpr char kPassword[] = "p@ss/w:rd %41'\"";

// The connection fields of reader on `server`, with `more` added or replaced.
Json fields_for(const osiris::test::MariaDbServer& server, std::initializer_list<Json::Member> more = {});

// A step on the plain server that runs `query`.
class MysqlStep : public StepHarness {
 public:
  explicit MysqlStep(const std::string& query = {}, std::initializer_list<Json::Member> connection = {});
  MysqlStep(osiris::test::MariaDbServer& server, const std::string& query,
            std::initializer_list<Json::Member> connection = {});

  // The usual config of a compiled step, `more` added or replaced.
  void configure(std::initializer_list<Json::Member> more);
  // Runs it; the rows as text, or the error's message.
  std::string rows();
  // Runs it; the error. Fails the test when there is none.
  Error error();
};

}  // namespace osiris::worker::test
