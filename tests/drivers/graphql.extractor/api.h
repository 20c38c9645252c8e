// A step that asks an API of the test's own.
#pragma once

#include <string>

#include "tests/drivers/harness.h"
#include "tests/web/api.h"

namespace osiris::worker::test {

using osiris::test::Api;
using osiris::test::ApiAnswer;
using osiris::test::ApiRequest;

// With the keys that the compiler fills in, retries as short as they may be, and `more`.
class GraphqlStep : public StepHarness {
 public:
  explicit GraphqlStep(const Api& api, std::initializer_list<Json::Member> more = {});
  GraphqlStep(const std::string& endpoint, std::initializer_list<Json::Member> more);

  // Runs it; "columns\nrows" of the output, or "error: ...".
  std::string rows();
  // Runs it; the error. Fails the test where there is none.
  Error error();
};

}  // namespace osiris::worker::test
