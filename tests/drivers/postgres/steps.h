// The PostgreSQL servers of driver tests, one per test program and kind, and the usual ways to ask them.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/drivers/harness.h"
#include "tests/postgres/postgres_server.h"

namespace osiris::worker::test {

// Started on first use, stopped when the program ends. It holds database `shop` of the account app/`kPostgresPassword`.
osiris::test::PostgresServer& plain_postgres();
osiris::test::PostgresServer& tls_postgres();  // its certificate is for "localhost"

inline constexpr char kPostgresPassword[] = "p@ss/w:rd %41'\"\\";

// The connection fields of `app` on `server`, with `more` added or replaced.
Json postgres_fields(const osiris::test::PostgresServer& server, std::initializer_list<Json::Member> more = {});

// Runs SQL in `shop` as its owner; fails the test when the server refuses.
void in_shop(const std::string& sql);
// What the server says, one line a row; the error's text otherwise.
std::string ask_shop(const std::string& sql);

// A step on the plain server.
class PostgresStep : public StepHarness {
 public:
  explicit PostgresStep(const Driver& driver, std::initializer_list<Json::Member> connection = {});
  PostgresStep(osiris::test::PostgresServer& server, const Driver& driver,
               std::initializer_list<Json::Member> connection = {});

  // The usual config of a compiled step, `more` added or replaced.
  void configure(std::initializer_list<Json::Member> more);
  using StepHarness::run;
  Result<StepOutcome> run() { return StepHarness::run(driver_); }
  // Runs it; the rows as text, or the error's message.
  std::string rows();
  // Runs it; the error. Fails the test when there is none.
  Error error();

 private:
  const Driver& driver_;
};

}  // namespace osiris::worker::test
