// Where the telemetry of a run goes: the `telemetry` section of osiris.yaml, completed and overruled by the variables
// that every program with OpenTelemetry knows (its specification, "OTLP Exporter Configuration" and "Environment
// Variable Specification"). Without an endpoint nothing is sent.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "host/http/client.h"
#include "host/project/environment.h"
#include "host/project/telemetry_config.h"
#include "host/run/masking.h"
#include "protocol/base/json.h"
#include "protocol/model/trace_context.h"

namespace osiris {

enum class Signal { kTraces = 0, kMetrics = 1, kLogs = 2 };
inline constexpr std::array kSignals = {Signal::kTraces, Signal::kMetrics, Signal::kLogs};
std::string_view signal_name(Signal signal);  // "traces", "metrics", "logs"

struct TelemetrySettings {
  struct Route {
    std::string url;  // empty: the signal is not sent
    bool is_json = false;
    http::Headers headers;
    double timeout_s = 10;  // of one request
  };
  std::array<Route, 3> routes;     // by Signal
  http::ClientOptions http;        // without its program, which the caller names
  Json resource = Json::object();  // attributes: {"service.name": "osiris"}
  double flush_s = 0;
  double metric_interval_s = 60;
  // The trace that osiris was started in; nullopt: it begins one.
  std::optional<TraceContext> parent;
  std::string tracestate;
  std::vector<std::string> warnings;  // what of the variables does not count, and why

  const Route& route(Signal signal) const { return routes[static_cast<size_t>(signal)]; }
  bool is_on() const;
};

// Values of headers, and what ${VAR} brings into the endpoint, become known to `masking`. Wrong variables are warnings:
// telemetry never fails a run. `process_environment`: without .env files.
TelemetrySettings telemetry_settings(const TelemetryConfig& config, const Environment& environment,
                                     const Environment& process_environment, std::string_view version,
                                     Masking& masking);

}  // namespace osiris
