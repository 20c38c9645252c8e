// A collector of OpenTelemetry on loopback that takes OTLP as JSON and keeps it.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "protocol/base/json.h"
#include "tests/unit/http/scripted_server.h"

namespace osiris::e2e {

class Collector {
 public:
  // `answer`: the whole answer to each request; empty: none ever comes.
  explicit Collector(std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");

  std::string endpoint() const { return server_.url(""); }
  // Of all requests.
  std::vector<Json> spans() const { return items("resourceSpans", "scopeSpans", "spans"); }
  std::vector<Json> metrics() const { return items("resourceMetrics", "scopeMetrics", "metrics"); }
  std::vector<Json> logs() const { return items("resourceLogs", "scopeLogs", "logRecords"); }
  // The first span with such a name, or null.
  Json span(std::string_view name) const;
  // Everything that came, heads too.
  std::string bytes() const;
  size_t requests() const;

 private:
  std::vector<Json> items(const char* resource, const char* scope, const char* name) const;
  void serve(http::Connection& connection);

  const std::string answer_;
  mutable std::mutex mutex_;
  std::vector<http::Connection::Received> requests_;
  http::ScriptedServer server_;
};

// The value of an attribute of a span, a data point or a log record, whatever its type; null: there is none.
Json attribute(const Json& of, std::string_view key);

}  // namespace osiris::e2e
