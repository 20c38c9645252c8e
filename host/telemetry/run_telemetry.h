// A run as OpenTelemetry tells of it: its records become spans, metrics and log records on their way to a collector.
// docs/telemetry.md, docs/decisions/0235-telemetry-and-hooks.md.
#pragma once

#include <memory>
#include <string>

#include "host/run/run_log.h"
#include "host/telemetry/exporter.h"
#include "host/telemetry/run_metrics.h"
#include "host/telemetry/run_trace.h"

namespace osiris {

class RunTelemetry {
 public:
  // settings.is_on().
  RunTelemetry(TelemetrySettings settings, const std::string& version, int64_t started_unix_ns);

  // [any thread] What RunLog::watch calls.
  void on_record(const WrittenRecord& record);
  // What the worker is told of the trace, in the request's settings.
  void tell_worker(Json& settings) const;
  // Of what osiris starts when the run has ended: TRACEPARENT.
  std::string traceparent() const { return trace_.of_run().text(); }

  void start() { exporter_.start(); }
  // The run has ended: what is left is sent. A warning for people; empty: all went well.
  std::string finish(int64_t unix_ns);

 private:
  const std::string tracestate_;
  // The exporter's thread may outlive this object.
  std::shared_ptr<RunMetrics> metrics_;
  Exporter exporter_;
  RunTrace trace_;
};

}  // namespace osiris
