#include "servers/e2b/envd_log.h"

#include <atomic>

#include "protocol/base/text.h"
#include "servers/e2b/connect_codec.h"

namespace osiris::e2b_server {
namespace {

// "/process.Process/SendInput" is called "Process sendInput".
std::string spoken_name(std::string_view path) {
  const size_t dot = path.find('.'), slash = path.find('/', 1);
  if (dot == std::string_view::npos || slash == std::string_view::npos || slash < dot || slash + 1 == path.size())
    return std::string(path);
  std::string method(path.substr(slash + 1));
  method.replace(0, 1, ascii_lower(method.substr(0, 1)));
  return std::string(path.substr(dot + 1, slash - dot - 1)) + " " + method;
}

Json first_message(std::string_view body) {
  EnvelopeReader reader;
  reader.feed(body);
  const auto first = reader.next();
  if (!first.ok() || !first->has_value()) return {};
  const auto message = parse_json((*first)->payload);
  return message.ok() ? *message : Json();
}

}  // namespace

void log_envd_call(SandboxLogs& logs, const std::string& sandbox_id, int64_t now_unix_ns, const Request& request,
                   std::string_view body, int status) {
  static std::atomic<int64_t> operations{0};
  const bool failed = status / 100 != 2;
  Json fields = Json::object({{"logger", "envd"},
                              {"method", request.method + " " + request.path},
                              {"operation_id", std::to_string(++operations)}});
  if (failed) fields.set("error_code", status);
  const std::string name = spoken_name(request.path);
  const std::string_view level = failed ? "error" : "info";
  if (request.path == "/files") {
    fields.set("path", request.query_value("path").value_or(""));
    return logs.add(sandbox_id, now_unix_ns, level, request.method == "GET" ? "File read" : "File write", fields);
  }
  if (request.path.find('.') == std::string::npos) return;  // health, metrics
  if (request.header("content-type").value_or("").find("connect") == std::string::npos) {
    const auto message = parse_json(body);
    fields.set("request", message.ok() ? *message : Json(std::string(body)));
    return logs.add(sandbox_id, now_unix_ns, level, name, fields);
  }
  const bool from_client = request.path.ends_with("/StreamInput");
  if (!from_client) fields.set("request", first_message(body));
  logs.add(sandbox_id, now_unix_ns, failed ? "error" : "debug",
           name + (from_client ? " (client stream end)" : " (server stream end)"), fields);
}

}  // namespace osiris::e2b_server
