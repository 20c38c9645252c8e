#include "tests/drivers/posthog.extractor/stand_in.h"

#include <algorithm>
#include <regex>

namespace osiris::worker::test {
namespace {

std::string found(const std::string& query, const std::string& pattern) {
  std::smatch match;
  return std::regex_search(query, match, std::regex(pattern)) ? match[1].str() : std::string();
}

std::string padded(std::string time) {
  if (time.find('.') == std::string::npos) time += ".000000";
  return time;
}

}  // namespace

using osiris::test::ApiAnswer;
using osiris::test::ApiRequest;

PosthogStandIn::PosthogStandIn() : api_([this](const ApiRequest& request, size_t) { return answer(request); }) {}

void PosthogStandIn::put(Hit hit) {
  const std::lock_guard lock(mutex_);
  hit.time = padded(hit.time);
  hits_.push_back(std::move(hit));
}

void PosthogStandIn::answer_with(ApiAnswer answer) {
  const std::lock_guard lock(mutex_);
  fixed_ = std::move(answer);
}

std::vector<std::string> PosthogStandIn::queries() const {
  std::vector<std::string> queries;
  for (const ApiRequest& request : api_.requests()) queries.push_back(request.body["query"]["query"].as_string());
  return queries;
}

ApiAnswer PosthogStandIn::answer(const ApiRequest& request) {
  const std::lock_guard lock(mutex_);
  if (fixed_) return *fixed_;
  if (request.header("Authorization") != "Bearer phx-canary-key") return {R"({"detail":"Invalid key"})", 401};
  if (request.head.find("POST /api/projects/42/query/ ") != 0) return {R"({"detail":"Not found"})", 404};
  const std::string query = request.body["query"]["query"].as_string();
  if (query == "SELECT 1") return {R"({"columns":["1"],"results":[[1]]})"};
  const bool is_timed = query.find("timestamp >= ") != std::string::npos;
  const std::string since = found(query, R"(>= toDateTime64\('([^']*)')");
  const std::string behind = found(query, R"(\(timestamp > toDateTime64\('([^']*)')");
  const std::string id = found(query, R"(\) > '([^']*)')");
  const std::string events = found(query, R"(event IN \(([^)]*)\))");
  const size_t limit = std::stoul(found(query, "LIMIT ([0-9]+)$"));
  std::vector<Hit> chosen;
  for (const Hit& hit : hits_) {
    const bool is_new = id.empty() ? true
                        : is_timed ? hit.time > behind || (hit.time == behind && hit.id > id)
                                   : hit.id > id;
    const bool is_wanted = events.empty() || events.find("'" + hit.event + "'") != std::string::npos;
    if (hit.time >= since && is_new && is_wanted) chosen.push_back(hit);
  }
  std::sort(chosen.begin(), chosen.end(),
            [&](const Hit& a, const Hit& b) { return is_timed && a.time != b.time ? a.time < b.time : a.id < b.id; });
  chosen.resize(std::min(chosen.size(), limit));
  Json rows = Json::array();
  for (const Hit& hit : chosen) {
    std::string time = hit.time;
    time[10] = 'T';
    if (is_timed)
      rows.push_back(Json::array({hit.id, hit.event, time + "Z", "user-1", "person-1", hit.properties}));
    else
      rows.push_back(Json::array({hit.id, "person-1"}));
  }
  const Json columns = is_timed ? Json::array({"uuid", "event", "timestamp", "distinct_id", "person_id", "properties"})
                                : Json::array({"distinct_id", "person_id"});
  return {Json::object({{"columns", columns}, {"results", std::move(rows)}}).dump()};
}

void ask_posthog(StepHarness& step, const PosthogStandIn& server, std::vector<Json::Member> more) {
  step.set_connection(
      "posthog", "shop",
      Json::object({{"api_key", "phx-canary-key"}, {"project_id", 42}, {"custom_base_url", server.url()}}));
  Json config = Json::object({{"data_type", "events"},
                              {"region", "us"},
                              {"lookback_window_minutes", 15},
                              {"initial_since", "2024-01-01T00:00:00Z"},
                              {"page_size", 100},
                              {"deduplication_enabled", true}});
  for (auto& [key, value] : more) config.set(key, std::move(value));
  step.set_config(std::move(config));
}

}  // namespace osiris::worker::test
