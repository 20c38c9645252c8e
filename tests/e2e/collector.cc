#include "tests/e2e/collector.h"

#include <gtest/gtest.h>

namespace osiris::e2e {

Collector::Collector(std::string answer)
    : answer_(std::move(answer)), server_([this](http::Connection& connection) { serve(connection); }) {}

void Collector::serve(http::Connection& connection) {
  for (;;) {
    auto request = connection.receive();
    if (request.head.empty()) return;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(std::move(request));
    }
    if (answer_.empty()) return connection.wait_for_peer();
    connection.send(answer_);
  }
}

std::vector<Json> Collector::items(const char* resource, const char* scope, const char* name) const {
  const std::lock_guard lock(mutex_);
  std::vector<Json> found;
  for (const auto& request : requests_) {
    const auto document = parse_json(request.body);
    EXPECT_TRUE(document.ok()) << request.body;
    if (!document.ok()) continue;
    for (const Json& each : (*document)[resource].items())
      for (const Json& scoped : each[scope].items())
        for (const Json& item : scoped[name].items()) found.push_back(item);
  }
  return found;
}

Json Collector::span(std::string_view name) const {
  for (const Json& each : spans())
    if (each["name"].as_string() == name) return each;
  return {};
}

std::string Collector::bytes() const {
  const std::lock_guard lock(mutex_);
  std::string all;
  for (const auto& request : requests_) all += request.head + request.body;
  return all;
}

size_t Collector::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_.size();
}

Json attribute(const Json& of, std::string_view key) {
  for (const Json& each : of["attributes"].items())
    if (each["key"].as_string() == key && each["value"].size() > 0) return each["value"].members()[0].second;
  return {};
}

}  // namespace osiris::e2e
