// What an adapter instance tells the host, as C++: the side of the ABI's services that sessions and displays implement.
#pragma once

#include <osiris/adapter.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/json.h"

namespace osiris {

// [any thread], concurrently, from AdapterInstance::create until destroy() has returned. Implementations must not call
// back into the instance, except cancel().
class AdapterEvents {
 public:
  struct Event {
    std::string name, step_id;  // step_id empty: of the run
    Json data;                  // an object
    int64_t time_unix_ns = 0;   // 0: now
  };
  struct Metric {
    std::string name, unit, step_id;
    Json tags;  // an object
    double value = 0;
    bool counter = false;  // value is an increment
    int64_t time_unix_ns = 0;
  };

  struct Log {
    int level = OSIRIS_INFO;  // OSIRIS_DEBUG ... OSIRIS_ERROR, or any number
    std::string message;
    std::string step_id;       // empty: of the run
    std::string source;        // "worker", "stderr"; empty: the adapter
    Json fields;               // an object
    int64_t time_unix_ns = 0;  // 0: now
  };
  struct Progress {
    double done = 0, total = -1;      // finite; total < 0: not known
    std::string unit, step_id, note;  // step_id empty: of the run
  };

  virtual ~AdapterEvents() = default;
  // Waits for room rather than drop. resource_acquired and resource_released must be on disk before it returns.
  virtual void on_event(const Event& event) = 0;
  virtual void on_metric(const Metric& metric) = 0;
  virtual void on_log(const Log& log) = 0;
  virtual void on_progress(const Progress& progress) = 0;
  // Sticky and cheap.
  virtual bool is_cancelled() const = 0;
  // Calls use(value) once, on this thread, with a copy that is wiped afterwards, or returns kNotFound. The name is
  // already known to be one this adapter may ask for.
  virtual Status lend_secret(std::string_view name, const std::function<void(std::string_view)>& use) = 0;
  // A rule of the ABI was broken: "adapter misbehaving: ..." with the adapter's id and the stage. The run goes on.
  virtual void on_misbehaviour(std::string_view what) = 0;
};

}  // namespace osiris
