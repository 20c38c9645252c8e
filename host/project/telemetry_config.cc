#include "host/project/telemetry_config.h"

#include <algorithm>

#include "protocol/base/text.h"

namespace osiris {

TelemetryConfig read_telemetry(Section& root, Diagnostics& diagnostics) {
  TelemetryConfig config;
  const YamlNode* node = root.take("telemetry");
  if (node && node->kind == YamlNode::Kind::kBool) {
    config.enabled = node->scalar.as_bool();
    return config;
  }
  Section section(node, "telemetry", diagnostics);
  const auto one_of = [&](const std::string& key, const std::string& word, const std::vector<std::string>& known) {
    if (std::find(known.begin(), known.end(), word) == known.end())
      section.fail_at(key, *node->find(key), " must be of " + join(known, ", ") + ", got '" + word + "'");
  };
  section.read("enabled", config.enabled);
  section.read("endpoint", config.endpoint);
  section.read("protocol", config.protocol);
  section.read("service_name", config.service_name);
  section.read("headers", config.headers);
  section.read("resource_attributes", config.resource_attributes);
  section.read("signals", config.signals);
  section.read_duration_s("flush", config.flush_s, 60);
  section.warn_unknown();
  if (!config.protocol.empty()) one_of("protocol", config.protocol, {"http/protobuf", "http/json"});
  if (node && node->find("signals"))
    for (const std::string& signal : config.signals) one_of("signals", signal, TelemetryConfig().signals);
  if (!config.endpoint.empty() && !config.endpoint.starts_with("http://") && !config.endpoint.starts_with("https://") &&
      !config.endpoint.starts_with("${"))
    section.fail_at("endpoint", *node->find("endpoint"), " must begin with http:// or https://",
                    "write http://127.0.0.1:4318");
  return config;
}

}  // namespace osiris
