// The metrics of a run, made of its records: what metrics.jsonl has, by its last value, and durations of run and steps
// as histograms. Cumulative: each document says all since the run began.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <tuple>

#include "host/run/run_log.h"
#include "protocol/base/json.h"

namespace osiris {

// [any thread]
class RunMetrics {
 public:
  explicit RunMetrics(int64_t started_unix_ns) : started_unix_ns_(started_unix_ns) {}

  void on_record(const WrittenRecord& record);
  // The metrics as OTLP has them; empty: there are none yet.
  Json to_otlp(int64_t unix_ns) const;

 private:
  struct Series {
    std::string unit;
    bool is_counter = false;
    bool is_histogram = false;
    Json attributes = Json::object();
    Json value;
  };
  Series* series(const std::string& name, const std::string& step_id);
  void on_event(const std::string& name, const Json& fields);
  Json point(const Series& series, int64_t unix_ns) const;

  const int64_t started_unix_ns_;
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Series> series_;  // by name and step
  std::map<std::string, std::string> components_;                 // of steps
  Json run_ = Json::object();                                     // attributes that every point has
};

}  // namespace osiris
