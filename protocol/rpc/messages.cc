#include "protocol/rpc/messages.h"

#include <utility>

namespace osiris::rpc {
namespace {

Error malformed(std::string_view what, std::string_view why) {
  return Error(Code::kInvalidArgument, "malformed " + std::string(what) + ": " + std::string(why));
}

// The member `key` moved out of `json`; null when it is not there.
Json take(Json& json, std::string_view key) {
  Json* member = json.find(key);
  return member ? std::move(*member) : Json();
}

// A sequence number must be an integer from 1 on.
Result<uint64_t> required_seq(const Json& json, std::string_view what) {
  const Json& seq = json["seq"];
  if (!seq.is_int() || seq.as_uint(0) == 0) return malformed(what, "seq is not an integer from 1 on");
  return seq.as_uint();
}

Json envelope(std::string_view type, uint64_t seq, int64_t time_ns, const Json& data) {
  Json json = Json::object({{"type", type}});
  if (seq != 0) json.set("seq", seq);
  json.set("time_ns", time_ns);
  json.set("data", data);
  return json;
}

Json encode(const Hello& hello) {
  Json drivers = Json::array();
  for (const std::string& driver : hello.drivers) drivers.push_back(driver);
  return Json::object({{"type", "hello"},
                       {"protocol", hello.protocol},
                       {"version", hello.version},
                       {"pid", hello.pid},
                       {"specs_sha256", hello.specs_sha256},
                       {"drivers", std::move(drivers)}});
}

Json encode(const Response& response) {
  Json json = Json::object({{"id", response.id}});
  if (response.seq != 0) json.set("seq", response.seq);
  if (response.time_ns != 0) json.set("time_ns", response.time_ns);
  if (response.ok()) {
    json.set("result", response.result());
  } else {
    json.set("error", error_to_json(response.error()));
  }
  return json;
}

Json encode(const Event& event) { return envelope("event", event.seq, event.time_ns, event.data); }
Json encode(const Metric& metric) { return envelope("metric", metric.seq, metric.time_ns, metric.data); }

Json encode(const Heartbeat& heartbeat) {
  Json steps = Json::array();
  for (const StepProgress& step : heartbeat.steps) steps.push_back(to_json(step));
  return envelope("heartbeat", 0, heartbeat.time_ns,
                  Json::object({{"last_seq", heartbeat.last_seq},
                                {"rss_bytes", heartbeat.rss_bytes},
                                {"cpu_ms", heartbeat.cpu_ms},
                                {"spill_bytes", heartbeat.spill_bytes},
                                {"steps", std::move(steps)}}));
}

Json encode(const Fatal& fatal) { return Json::object({{"type", "fatal"}, {"error", error_to_json(fatal.error)}}); }

Result<Record> decode_hello(const Json& json) {
  if (!json["protocol"].is_int()) return malformed("hello", "protocol is not an integer");
  Hello hello;
  hello.protocol = json["protocol"].as_int();
  hello.version = json["version"].as_string();
  hello.pid = json["pid"].as_int();
  hello.specs_sha256 = json["specs_sha256"].as_string();
  for (const Json& driver : json["drivers"].items()) hello.drivers.push_back(driver.as_string());
  return Record(std::move(hello));
}

Result<Record> decode_response(Json json) {
  Response response;
  response.id = json["id"].as_string();
  response.seq = json["seq"].as_uint();
  response.time_ns = json["time_ns"].as_int();
  if (json.contains("result") == json.contains("error"))
    return malformed("response " + response.id, "it needs either a result or an error");
  if (json.contains("result")) {
    response.outcome = take(json, "result");
  } else {
    response.outcome = error_from_json(json["error"]);
  }
  return Record(std::move(response));
}

Result<Record> decode_event(Json json) {
  Event event;
  OSIRIS_ASSIGN(event.seq, required_seq(json, "event"));
  event.time_ns = json["time_ns"].as_int();
  event.data = take(json, "data");
  if (event.data["event"].as_string().empty()) return malformed("event", "data.event is no text");
  return Record(std::move(event));
}

Result<Record> decode_metric(Json json) {
  Metric metric;
  OSIRIS_ASSIGN(metric.seq, required_seq(json, "metric"));
  metric.time_ns = json["time_ns"].as_int();
  metric.data = take(json, "data");
  if (metric.data["metric"].as_string().empty()) return malformed("metric", "data.metric is no text");
  if (!metric.data["value"].is_number()) return malformed("metric", "data.value is no number");
  return Record(std::move(metric));
}

Result<Record> decode_heartbeat(const Json& json) {
  const Json& data = json["data"];
  Heartbeat heartbeat;
  heartbeat.time_ns = json["time_ns"].as_int();
  heartbeat.last_seq = data["last_seq"].as_uint();
  heartbeat.rss_bytes = data["rss_bytes"].as_uint();
  heartbeat.cpu_ms = data["cpu_ms"].as_uint();
  heartbeat.spill_bytes = data["spill_bytes"].as_uint();
  for (const Json& step : data["steps"].items())
    heartbeat.steps.push_back({step["step_id"].as_string(), step["rows"].as_uint(), step["elapsed_ms"].as_int(),
                               step["bytes"].as_uint(), step["rows_total"].as_uint(), step["bytes_total"].as_uint()});
  return Record(std::move(heartbeat));
}

}  // namespace

Json to_json(const StepProgress& step) {
  Json json = Json::object({{"step_id", step.step_id}, {"rows", step.rows}, {"elapsed_ms", step.elapsed_ms}});
  if (step.bytes) json.set("bytes", step.bytes);
  if (step.rows_total) json.set("rows_total", step.rows_total);
  if (step.bytes_total) json.set("bytes_total", step.bytes_total);
  return json;
}

Json error_to_json(const Error& error) {
  Json json = Json::object({{"code", code_name(error.code)},
                            {"message", error.message},
                            {"hint", error.hint},
                            {"category", error.category}});
  if (!error.detail.is_null()) json.set("data", error.detail);
  return json;
}

Error error_from_json(const Json& json) {
  if (!json["message"].is_string() || !json["code"].is_string())
    return Error(Code::kInternal, "the worker sent an error without code or message", "Report this as a bug.");
  Error error(code_from_name(json["code"].as_string()), json["message"].as_string(), json["hint"].as_string(),
              json["category"].as_string());
  error.detail = json["data"];
  return error;
}

Json to_json(Request request) {
  Json json = Json::object();  // member by member: an initializer list would copy the params, secrets included
  json.set("id", std::move(request.id));
  json.set("method", std::move(request.method));
  json.set("params", std::move(request.params));
  return json;
}

Result<Request> request_from_json(Json json) {
  if (json["id"].as_string().empty()) return malformed("request", "id is no text");
  if (json["method"].as_string().empty()) return malformed("request " + json["id"].as_string(), "method is no text");
  Request request;
  request.id = json["id"].as_string();
  request.method = json["method"].as_string();
  request.params = take(json, "params");
  if (request.params.is_null()) request.params = Json::object();
  if (!request.params.is_object()) return malformed("request " + request.id, "params is no object");
  return request;
}

Json to_json(const Record& record) {
  return std::visit([](const auto& kind) { return encode(kind); }, record);
}

Result<Record> record_from_json(Json json) {
  const std::string& type = json["type"].as_string();
  if (type == "event") return decode_event(std::move(json));
  if (type == "metric") return decode_metric(std::move(json));
  if (type == "heartbeat") return decode_heartbeat(json);
  if (type == "hello") return decode_hello(json);
  if (type == "fatal") return Record(Fatal{error_from_json(json["error"])});
  if (!type.empty()) return malformed("record", "unknown type \"" + type + "\"");
  if (json["id"].as_string().empty()) return malformed("record", "it has neither a type nor an id");
  return decode_response(std::move(json));
}

uint64_t record_seq(const Record& record) {
  if (const auto* response = std::get_if<Response>(&record)) return response->seq;
  if (const auto* event = std::get_if<Event>(&record)) return event->seq;
  if (const auto* metric = std::get_if<Metric>(&record)) return metric->seq;
  return 0;
}

}  // namespace osiris::rpc
