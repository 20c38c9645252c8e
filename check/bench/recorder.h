// What an adapter told the host, in order: the side of the host's services that a session implements, kept in memory.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "host/adapters/adapter_events.h"
#include "host/run/step_tally.h"

namespace osiris::check {

// [any thread]
class Recorder : public AdapterEvents {
 public:
  struct Moment {
    std::string kind;  // "event", "metric", "log", "progress", "misbehaviour", "secret"
    std::string name;  // of the event or metric; the text of a line
    std::string step_id;
    Json data;
    int64_t at_ns = 0;  // CLOCK_MONOTONIC
  };

  Recorder();
  void on_event(const Event& event) override;
  void on_metric(const Metric& metric) override;
  void on_log(const Log& log) override;
  void on_progress(const Progress& progress) override;
  bool is_cancelled() const override;
  Status lend_secret(std::string_view name, const std::function<void(std::string_view)>& use) override;
  void on_misbehaviour(std::string_view what) override;

  std::vector<Moment> moments(std::string_view kind = {}) const;
  std::vector<std::string> misbehaviours() const;
  bool has_event(std::string_view name) const;
  size_t count_of_event(std::string_view name) const;
  // Resources that were announced and not said to be released: "kind id".
  std::vector<std::string> unreleased() const;
  std::vector<StepState> steps() const { return tally_.steps(); }
  // Every text that crossed, for a search.
  std::string everything() const;

  // The longest time within `from_ns` to `until_ns` in which is_cancelled was not asked.
  int64_t longest_gap_ns(int64_t from_ns, int64_t until_ns) const;

  std::atomic<bool> cancelled{false};
  std::map<std::string, std::string, std::less<>> secrets;  // set before the instance is created
  std::function<void(const Event&)> at_event;               // called on the adapter's thread, after it was kept
  int service_ms = 0;                                       // how long every service takes

 private:
  void keep(Moment moment);
  void dawdle() const;

  mutable std::mutex mutex_;
  std::vector<Moment> moments_;
  mutable std::vector<int64_t> asked_ns_;
  StepTally tally_;
};

}  // namespace osiris::check
