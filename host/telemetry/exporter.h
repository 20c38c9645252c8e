// Sends spans, log records and metrics to a collector, from a thread of its own and out of bounded queues: what finds a
// queue full is left out and counted. A run never waits for it but at its end, and then no longer than it is told. A
// thread that does not come back from a name server or a connection is left behind; the process's end takes it along.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "host/telemetry/settings.h"
#include "protocol/base/json.h"

namespace osiris {

class Exporter {
 public:
  // `metrics` makes the metrics of this moment, on the exporter's thread.
  Exporter(TelemetrySettings settings, std::string version, std::function<Json()> metrics);
  ~Exporter();
  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  // [any thread] Never waits. Kept until start().
  void add(Signal signal, Json item);

  // Starts the thread. Signals that other threads are to get must be blocked in this one.
  void start();

  // What became of it all.
  struct Outcome {
    uint64_t left_out = 0;  // spans and log records that were not sent
    std::string error;      // of the first request that failed; empty: all went well
  };
  // Sends what is left, the metrics too, within the settings' flush; to be called once.
  Outcome finish();

 private:
  struct Shared;  // with the thread, which may outlive this object
  class Sender;   // what the thread does

  std::shared_ptr<Shared> shared_;
  bool is_started_ = false;
};

}  // namespace osiris
