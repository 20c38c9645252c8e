// A real osiris_host table that remembers what an adapter told it. [any thread], like the table.
#pragma once

#include <osiris/adapter.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/json.h"

namespace osiris::test {

// How much a flood of events may raise the peak memory of the process that takes them, in KiB. AddressSanitizer keeps
// freed memory for a while, 256 MiB of it.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr long kGrowthKibMax = 512 << 10;
#else
inline constexpr long kGrowthKibMax = 64 << 10;
#endif

class RecordingHost {
 public:
  struct Event {
    std::string name, step_id;
    Json data;
  };
  struct Metric {
    std::string name, unit, step_id;
    double value = 0;
  };
  struct Failure {
    osiris_status code = OSIRIS_OK;
    std::string message, hint;
    Json detail;
  };

  RecordingHost();
  RecordingHost(const RecordingHost&) = delete;

  const osiris_host* table() const { return &table_; }
  std::map<std::string, std::string> secrets;
  std::vector<std::string> asked_secrets() const;  // those that were asked for, in order, whether there is one or not
  void cancel() { cancelled_ = true; }
  // Called for every event that is kept, on the adapter's thread.
  std::function<void(const Event&)> on_event;
  // Events of this name are counted and not kept.
  std::string count_only;

  std::vector<Event> events(std::string_view name = {}) const;  // all, or those of one name
  size_t counted() const { return counted_; }
  std::vector<Metric> metrics() const;
  std::vector<std::string> logs() const;
  bool logged(std::string_view text) const;  // a line contains it
  std::optional<Json> document(const std::string& name) const;
  std::vector<Failure> failures() const;
  // Waits until an event of this name and step was emitted; true when it was.
  bool wait_for(std::string_view name, std::string_view step_id = {}) const;
  // Every byte that was told, for searches.
  std::string everything() const;

 private:
  osiris_host table_{};
  std::atomic<bool> cancelled_{false};
  std::atomic<size_t> counted_{0};
  mutable std::mutex mutex_;
  std::vector<Event> events_;
  std::vector<Metric> metrics_;
  std::vector<std::string> logs_;
  std::map<std::string, Json> documents_;
  std::vector<Failure> failures_;
  std::vector<std::string> asked_secrets_;

  friend struct Services;
};

}  // namespace osiris::test
