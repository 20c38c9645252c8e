// Steps on the project of driver tests: the database `shop` of the plain PostgreSQL server, and the stand-in for
// PostgREST before it.
#pragma once

#include <string>

#include "tests/drivers/postgres/steps.h"
#include "tests/supabase/postgrest.h"

namespace osiris::worker::test {

using osiris::test::Postgrest;
using osiris::test::RestAnswer;
using osiris::test::RestFault;
using osiris::test::RestRequest;

// One per test program; nothing goes wrong with it until a test says so.
Postgrest& shop_api();

// Connections to it: by PostgREST, and to its database.
Json api_fields(const std::string& key = "service-key");
Json dsn_fields(const std::string& password = kPostgresPassword);

class SupabaseStep : public StepHarness {
 public:
  enum class Way { kApi, kDatabase };
  // The config as the compiler fills it in, with `more` added or replaced.
  SupabaseStep(const Driver& driver, std::initializer_list<Json::Member> more, Way way = Way::kApi);

  using StepHarness::run;
  Result<StepOutcome> run() { return StepHarness::run(driver_); }
  // Runs it. "columns\nrows" of the output, or "error: message; hint".
  std::string rows();
  // Runs it. "ok 3", or "error: message; hint".
  std::string outcome();
  // Runs it; the error. Fails the test where there is none.
  Error error();

 private:
  const Driver& driver_;
};

// Goes wrong `times` times, beginning with the first request of this method, and well from then on.
void fail_requests(const std::string& method, RestFault fault, size_t times = 1);
RestFault answering(int status, const std::string& body = "", const std::string& headers = "");

}  // namespace osiris::worker::test
