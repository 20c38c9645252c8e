#include "plugins/e2b/api/control_plane.h"

#include <algorithm>

#include "protocol/base/text.h"

namespace osiris::e2b {
namespace {

Sandbox sandbox_from_json(const Json& json) {
  Sandbox sandbox;
  sandbox.id = json["sandboxID"].as_string();
  sandbox.template_id = json["templateID"].as_string();
  sandbox.envd_token = json["envdAccessToken"].as_string();
  sandbox.domain = json["domain"].as_string();
  sandbox.state = json["state"].as_string_or("running");  // older services list no others and do not say it
  sandbox.started_at = json["startedAt"].as_string();
  sandbox.end_at = json["endAt"].as_string();
  sandbox.cpu_count = json["cpuCount"].as_int();
  sandbox.memory_mb = json["memoryMB"].as_int();
  for (const auto& [key, value] : json["metadata"].members()) sandbox.metadata[key] = value.as_string();
  return sandbox;
}

Result<Sandbox> checked(Json json, std::string_view operation) {
  Sandbox sandbox = sandbox_from_json(json);
  // The id goes into URLs and headers: nothing but what the service's own proxy accepts.
  bool plain = !sandbox.id.empty() && sandbox.id.size() <= 64;
  for (const char c : sandbox.id) plain &= (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  if (!plain)
    return make_failure(FailureClass::kSandboxError,
                        "cannot " + std::string(operation) + ": the answer names no valid sandbox id", "");
  return sandbox;
}

Json metadata_json(const std::map<std::string, std::string>& metadata) {
  Json json = Json::object();
  for (const auto& [key, value] : metadata) json.set(key, value);
  return json;
}

// Keys and values percent-encoded, joined as a form, and the form percent-encoded again: what the service decodes.
std::string metadata_query(const std::map<std::string, std::string>& metadata) {
  std::string form;
  for (const auto& [key, value] : metadata) {
    if (!form.empty()) form += '&';
    form += percent_encode(percent_encode(key)) + "=" + percent_encode(percent_encode(value));
  }
  return percent_encode(form);
}

}  // namespace

http::Timeouts shortened(http::Timeouts timeouts, http::Milliseconds wait) {
  timeouts.connect = std::min(timeouts.connect, wait);
  timeouts.idle = timeouts.total = wait;
  return timeouts;
}

ApiClient::ApiClient(ApiConfig config, http::Transport& transport, http::RetryPolicy policy,
                     std::function<bool(http::Milliseconds)> sleep,
                     std::function<void(const http::Request&, const http::RetryNote&)> note)
    : config_(std::move(config)),
      transport_(transport),
      sender_(transport, policy, std::move(sleep), std::move(note)) {}

http::ExchangeResult ApiClient::send(const Call& call) {
  http::Request request;
  request.method = call.method;
  request.url = config_.api_url + call.path;
  request.label = call.operation;
  request.idempotent = call.idempotent;
  request.timeouts = config_.timeouts;
  request.headers.add("X-API-Key", config_.api_key);
  request.headers.add("Accept", "application/json");
  if (!call.body.is_null()) {
    request.headers.add("Content-Type", "application/json");
    request.body = call.body.dump();
  }
  if (!call.idempotency_key.empty()) request.headers.add("Idempotency-Key", call.idempotency_key);
  if (call.wait.count() > 0) request.timeouts = shortened(request.timeouts, call.wait);
  http::SendOptions options;
  options.cancelled = call.cancelled;
  options.cancel_grace = call.cancel_grace;
  return call.once ? http::send(transport_, request, options) : sender_.send(request, options);
}

http::ExchangeResult ApiClient::send(Generation generation, const Call& newer, const Call& older) {
  if (is_older(generation)) return send(older);
  http::ExchangeResult first = send(newer);
  if (!first.response || !is_unknown_route(*first.response)) return first;
  http::ExchangeResult second = send(older);
  // Neither is known: this is no older service of this API, and the first answer says best what it is.
  if (second.response && is_unknown_route(*second.response)) return first;
  older_ |= bit(generation);
  return second;
}

Result<Sandbox> create_sandbox(ApiClient& api, const SandboxSpec& spec, const CreateOptions& options) {
  constexpr std::string_view kOperation = "create a sandbox";
  // What a service does at the end of a lease is its default unless it is told: a sandbox that was paused instead would
  // stay for ever.
  Json body = Json::object({{"templateID", spec.template_id},
                            {"timeout", spec.lease_s},
                            {"metadata", metadata_json(spec.metadata)},
                            {"autoPause", false}});
  if (!spec.internet) body.set("allow_internet_access", false);
  if (!spec.network.is_null()) body.set("network", spec.network);
  ApiClient::Call newer{"POST",
                        "/v2/sandboxes",
                        body,
                        std::string(kOperation),
                        false,
                        options.cancelled,
                        options.wait,
                        false,
                        std::min(options.wait, options.cancel_grace),
                        spec.idempotency_key};
  ApiClient::Call older = newer;
  older.path = "/sandboxes";
  older.body.set("secure", true);  // what the newer route always does
  OSIRIS_ASSIGN(Json json, json_body(api.send(Generation::kSandboxes, newer, older), kOperation));
  return checked(std::move(json), kOperation);
}

Result<std::vector<Sandbox>> find_by_metadata(ApiClient& api, const std::map<std::string, std::string>& metadata) {
  constexpr std::string_view kOperation = "list sandboxes";
  std::vector<Sandbox> found;
  std::string token;
  for (int page = 0; page < 1000; ++page) {
    const std::string query = "metadata=" + metadata_query(metadata);
    std::string path = "/v2/sandboxes?state=running%2Cpaused&limit=100&" + query;
    if (!token.empty()) path += "&nextToken=" + percent_encode(token);
    const http::ExchangeResult outcome =
        api.send(Generation::kSandboxLists, {"GET", path, {}, std::string(kOperation), true, nullptr},
                 {"GET", "/sandboxes?" + query, {}, std::string(kOperation), true, nullptr});
    OSIRIS_ASSIGN(const Json json, json_body(outcome, kOperation));
    for (const Json& item : json.items()) {
      OSIRIS_ASSIGN(Sandbox sandbox, checked(item, kOperation));
      bool matches = true;  // never trust a filter with what is about to be deleted
      for (const auto& [key, value] : metadata)
        matches &= sandbox.metadata.count(key) > 0 && sandbox.metadata[key] == value;
      if (matches) found.push_back(std::move(sandbox));
    }
    token = outcome.response->headers.get("X-Next-Token");
    if (token.empty()) break;
  }
  return found;
}

Result<std::vector<Result<Sandbox>>> fork_sandbox(ApiClient& api, const std::string& id, size_t count, int64_t lease_s,
                                                  const CreateOptions& options) {
  constexpr std::string_view kOperation = "fork the sandbox";
  const http::ExchangeResult outcome =
      api.send({"POST", "/sandboxes/" + id + "/fork", Json::object({{"timeout", lease_s}, {"count", uint64_t{count}}}),
                std::string(kOperation), false, options.cancelled, options.wait, false,
                std::min(options.wait, options.cancel_grace)});
  if (outcome.response && (outcome.response->status == 501 || is_unknown_route(*outcome.response)))
    return Error(Code::kUnsupported,
                 "this service forks no sandboxes: HTTP " + std::to_string(outcome.response->status));
  OSIRIS_ASSIGN(const Json json, json_body(outcome, kOperation));
  std::vector<Result<Sandbox>> forks;
  for (const Json& each : json.items()) {
    if (each.contains("sandbox")) {
      forks.push_back(checked(each["sandbox"], kOperation));
      continue;
    }
    const Json& error = each["error"];
    forks.emplace_back(
        make_failure(error["code"].as_int() == 429 ? FailureClass::kQuotaExceeded : FailureClass::kSandboxError,
                     "cannot " + std::string(kOperation) + ": HTTP " + std::to_string(error["code"].as_int()) + ": " +
                         error["message"].as_string(),
                     ""));
  }
  return forks;
}

Result<Json> describe_sandbox(ApiClient& api, const std::string& id, const CallLimits& limits) {
  constexpr std::string_view kOperation = "look at the sandbox";
  return json_body(
      api.send({"GET", "/sandboxes/" + id, {}, std::string(kOperation), true, limits.cancelled, limits.wait, true}),
      kOperation);
}

Result<Sandbox> get_sandbox(ApiClient& api, const std::string& id, const CallLimits& limits) {
  OSIRIS_ASSIGN(Json json, describe_sandbox(api, id, limits));
  return checked(std::move(json), "look at the sandbox");
}

Result<Sandbox> connect_sandbox(ApiClient& api, const std::string& id, int64_t lease_s) {
  constexpr std::string_view kOperation = "connect to the sandbox";
  const ApiClient::Call newer{
      "POST", "/v2/sandboxes/" + id + "/connect", Json::object({{"timeout", lease_s}}), std::string(kOperation), true,
      nullptr};
  ApiClient::Call older = newer;
  older.path = "/sandboxes/" + id + "/connect";
  OSIRIS_ASSIGN(Json json, json_body(api.send(Generation::kSandboxes, newer, older), kOperation));
  return checked(std::move(json), kOperation);
}

Status renew_lease(ApiClient& api, const std::string& id, int64_t lease_s, const CallLimits& limits) {
  constexpr std::string_view kOperation = "renew the lease";
  const http::ExchangeResult outcome =
      api.send({"POST", "/sandboxes/" + id + "/timeout", Json::object({{"timeout", lease_s}}), std::string(kOperation),
                true, limits.cancelled, limits.wait, true});
  if (is_success(outcome)) return {};
  return failure_from(outcome, kOperation);
}

Status kill_sandbox(ApiClient& api, const std::string& id, const CallLimits& limits) {
  constexpr std::string_view kOperation = "kill the sandbox";
  const http::ExchangeResult outcome =
      api.send({"DELETE", "/sandboxes/" + id, {}, std::string(kOperation), true, limits.cancelled, limits.wait, true});
  if (is_success(outcome) || (outcome.response && outcome.response->status == 404)) return {};
  return failure_from(outcome, kOperation);
}

Result<bool> is_gone(ApiClient& api, const std::string& id, const CallLimits& limits) {
  constexpr std::string_view kOperation = "verify that the sandbox is gone";
  const http::ExchangeResult outcome =
      api.send({"GET", "/sandboxes/" + id, {}, std::string(kOperation), true, limits.cancelled, limits.wait, true});
  if (outcome.response && outcome.response->status == 404) return true;
  if (is_success(outcome)) return false;
  return failure_from(outcome, kOperation);
}

}  // namespace osiris::e2b
