// A stand-in for PostHog's query endpoint: rows with a time and an id, and the conditions, order and limit of the
// extractor's queries, which it reads by their form. It knows no other HogQL.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "tests/drivers/harness.h"
#include "tests/web/api.h"

namespace osiris::worker::test {

struct Hit {
  std::string time;  // "2024-01-31 10:00:00.123456"
  std::string id, event;
  std::string properties = "{}";  // JSON
};

class PosthogStandIn {
 public:
  PosthogStandIn();

  void put(Hit hit);
  // The queries that came, in their order.
  std::vector<std::string> queries() const;
  std::string url() const { return api_.url(""); }
  // Instead of an answer, from now on.
  void answer_with(osiris::test::ApiAnswer answer);

 private:
  osiris::test::ApiAnswer answer(const osiris::test::ApiRequest& request);

  mutable std::mutex mutex_;
  std::vector<Hit> hits_;
  std::optional<osiris::test::ApiAnswer> fixed_;
  osiris::test::Api api_;
};

// Connects `step` to it, with the config keys that the compiler fills in.
void ask_posthog(StepHarness& step, const PosthogStandIn& server, std::vector<Json::Member> more = {});

}  // namespace osiris::worker::test
