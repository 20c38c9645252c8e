// Records as a RunLog hands them to what watches it.
#pragma once

#include <string>

#include "host/run/run_log.h"

namespace osiris {

class Records {
 public:
  explicit Records(std::function<void(const WrittenRecord&)> to) : to_(std::move(to)) {}

  // Each a millisecond after the one before.
  void event(const std::string& name, const Json& fields = Json::object()) {
    to_({WrittenRecord::Kind::kEvent, now_ += 1'000'000, name, Json(), fields, LogLevel::kInfo});
  }
  void metric(const std::string& name, const Json& value, const Json& fields = Json::object()) {
    to_({WrittenRecord::Kind::kMetric, now_ += 1'000'000, name, value, fields, LogLevel::kInfo});
  }
  int64_t now() const { return now_; }

 private:
  std::function<void(const WrittenRecord&)> to_;
  int64_t now_ = 1'764'522'953'000'000'000;
};

// The value of an attribute of a span, a data point or a log record, whatever its type.
inline Json attribute(const Json& of, std::string_view key) {
  for (const Json& each : of["attributes"].items())
    if (each["key"].as_string() == key)
      return each["value"].members().empty() ? Json() : each["value"].members()[0].second;
  return {};
}

}  // namespace osiris
