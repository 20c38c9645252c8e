// The section `telemetry` of osiris.yaml: where traces, metrics and logs of runs are sent. docs/telemetry.md.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "host/project/section.h"

namespace osiris {

// As written: ${VAR} in `endpoint` and `headers` not filled in, protocol and signals known words.
struct TelemetryConfig {
  bool enabled = true;   // false: nothing is sent, whatever the environment says
  std::string endpoint;  // "http://127.0.0.1:4318"; empty: the environment's, or nothing is sent
  std::string protocol;  // "http/protobuf" or "http/json"; empty: the environment's, or http/protobuf
  std::string service_name;
  std::map<std::string, std::string> headers, resource_attributes;
  std::vector<std::string> signals = {"traces", "metrics", "logs"};
  double flush_s = 5;  // how long the end of a run may wait for the collector
};

// `false` is short for {enabled: false}.
TelemetryConfig read_telemetry(Section& root, Diagnostics& diagnostics);

}  // namespace osiris
