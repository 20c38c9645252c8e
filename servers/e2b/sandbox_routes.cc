// The control-plane calls that change sandboxes, both REST generations.
#include <algorithm>
#include <future>
#include <thread>
#include <vector>

#include "servers/e2b/create_request.h"
#include "servers/e2b/layer.h"
#include "servers/e2b/sandbox_json.h"
#include "servers/e2b/server.h"

namespace osiris::e2b_server {
namespace {

constexpr int64_t kTimeoutV1Seconds = 15;
constexpr int64_t kTimeoutV2Seconds = 300;
constexpr int64_t kRefreshMinSeconds = 15;
constexpr int64_t kRefreshMaxSeconds = 3600;
constexpr int64_t kForkMax = 20;

// The body as JSON; an absent one is {}. Answers 400 itself.
std::optional<Json> read_json(Call& call) {
  auto body = call.exchange.read_body_all();
  if (!body.ok()) return std::nullopt;
  auto json = parse_json(body->empty() ? "{}" : *body);
  if (json.ok() && json->is_object()) return *std::move(json);
  call.exchange.respond_error(400, "validation error: the body is not a JSON object");
  return std::nullopt;
}

void unknown_sandbox(Call& call) {
  call.exchange.respond_error(404, "Sandbox \"" + call.param() + "\" doesn't exist or you don't have access to it");
}

// Ids may carry "-clientID"; anything else malformed is 400. Answers itself.
bool check_id(Call& call) {
  std::string& id = call.params[0];
  const size_t dash = id.find('-');
  const bool composite = dash != std::string::npos && id.find('-', dash + 1) == std::string::npos;
  if (composite) id.resize(dash);
  if (!id.empty() && id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == std::string::npos) return true;
  call.exchange.respond_error(400, "Invalid sandbox ID");
  return false;
}

// One of the two.
struct Created {
  std::optional<Json> answer;
  std::optional<ApiError> error;
};

Created create(Call& call, const Json& body, int64_t timeout_default_s, bool secure_default) {
  const auto started = std::chrono::steady_clock::now();
  auto created = call.server.registry().create({body, timeout_default_s, secure_default});
  if (!created.ok()) return {std::nullopt, created.error()};
  call.server.registry().logs().add(created->id, call.server.clock().unix_ns(), "info", "sandbox created");
  std::this_thread::sleep_until(started + std::chrono::milliseconds(call.server.options().create_ms));
  return {created_json(*created), std::nullopt};
}

void answer(Call& call, const Created& created) {
  if (created.error) return respond(call.exchange, *created.error);
  call.exchange.respond_json(201, *created.answer);
}

void create_v1(Call& call) {
  const auto body = read_json(call);
  if (!body) return;
  answer(call, create(call, *body, kTimeoutV1Seconds, false));
}

void create_v2(Call& call) {
  const auto body = read_json(call);
  if (!body) return;
  const std::string key =
      call.server.options().honours_keys ? call.request().header("idempotency-key").value_or("") : "";
  if (key.empty()) return answer(call, create(call, *body, kTimeoutV2Seconds, true));
  if (const auto wrong = check_idempotency_key(key)) return respond(call.exchange, *wrong);
  const IdempotencyKeys::Lookup met = call.server.idempotency_keys().begin(key, *body);
  if (met.error) return respond(call.exchange, *met.error);
  if (met.answer) return call.exchange.respond_json(201, *met.answer);
  const Created created = create(call, *body, kTimeoutV2Seconds, true);
  // Before the answer: the client may use the key again as soon as it has it.
  if (created.answer)
    call.server.idempotency_keys().made(key, *created.answer);
  else
    call.server.idempotency_keys().failed(key);
  answer(call, created);
}

void get(Call& call) {
  if (!check_id(call)) return;
  const auto info = call.server.registry().find(call.param());
  if (!info) return unknown_sandbox(call);
  call.exchange.respond_json(200, detail_json(*info));
}

void kill(Call& call) {
  if (!check_id(call)) return;
  if (!call.server.registry().kill(call.param())) return unknown_sandbox(call);
  call.exchange.respond(204, {}, "");
}

void finish_empty(Call& call, const std::optional<ApiError>& failed) {
  if (failed) return respond(call.exchange, *failed);
  call.exchange.respond(204, {}, "");
}

void set_timeout(Call& call) {
  if (!check_id(call)) return;
  const auto body = read_json(call);
  if (!body) return;
  const int64_t timeout_s = (*body)["timeout"].as_int(-1);
  if (timeout_s < 0)
    return call.exchange.respond_error(400, "validation error: property \"timeout\" is missing or negative");
  finish_empty(call, call.server.registry().set_timeout(call.param(), timeout_s, false));
}

void refresh(Call& call) {
  if (!check_id(call)) return;
  const auto body = read_json(call);
  if (!body) return;
  const int64_t duration_s = std::max((*body)["duration"].as_int(kRefreshMinSeconds), kRefreshMinSeconds);
  if (duration_s > kRefreshMaxSeconds)
    return call.exchange.respond_error(400, "validation error: \"duration\" must be at most 3600");
  finish_empty(call, call.server.registry().set_timeout(call.param(), duration_s, true));
}

void pause(Call& call) {
  if (!check_id(call)) return;
  const auto body = read_json(call);
  if (!body) return;
  finish_empty(call, call.server.registry().pause(call.param(), (*body)["memory"].as_bool(true)));
}

void connect(Call& call, std::optional<int64_t> timeout_default_s) {
  if (!check_id(call)) return;
  const auto body = read_json(call);
  if (!body) return;
  if (!timeout_default_s && !(*body)["timeout"].is_int())
    return call.exchange.respond_error(400, "validation error: property \"timeout\" is missing");
  auto resumed = call.server.registry().resume(call.param(), (*body)["timeout"].as_int(timeout_default_s.value_or(0)));
  if (!resumed.ok()) return respond(call.exchange, resumed.error());
  const auto info = call.server.registry().find(call.param());
  if (!info) return unknown_sandbox(call);
  call.exchange.respond_json(*resumed ? 201 : 200, created_json(*info));
}

void connect_v1(Call& call) { connect(call, std::nullopt); }
void connect_v2(Call& call) { connect(call, kTimeoutV2Seconds); }

void resume(Call& call) {
  if (!check_id(call)) return;
  const auto body = read_json(call);
  if (!body) return;
  auto info = call.server.registry().find(call.param());
  if (!info) return unknown_sandbox(call);
  if (info->state == SandboxState::kRunning) return call.exchange.respond_error(409, "Sandbox is already running");
  const Json& pauses = (*body)["autoPause"];
  auto resumed = call.server.registry().resume(call.param(), (*body)["timeout"].as_int(kTimeoutV1Seconds),
                                               pauses.is_bool() ? std::optional(pauses.as_bool()) : std::nullopt);
  if (!resumed.ok()) return respond(call.exchange, resumed.error());
  info = call.server.registry().find(call.param());
  if (!info) return unknown_sandbox(call);
  call.exchange.respond_json(201, created_json(*info));
}

void set_network(Call& call) {
  if (!check_id(call)) return;
  const auto body = read_json(call);
  if (!body) return;
  finish_empty(call, call.server.registry().set_network(call.param(), *body));
}

// The files of a sandbox as a template; answers itself on failure.
std::optional<Json> snapshot_of(Call& call, const std::string& name) {
  const auto info = call.server.registry().find(call.param());
  if (!info) return unknown_sandbox(call), std::nullopt;
  auto copy = call.server.registry().copy_files(*info);
  if (!copy.ok()) return respond(call.exchange, copy.error()), std::nullopt;
  ImageSpec image = info->image;
  image.start_cmd.clear();
  auto added = call.server.templates().add_snapshot(info->id, name, image, *copy);
  if (added.ok()) return *std::move(added);
  [[maybe_unused]] const Status removed = remove_layer(*copy);
  respond(call.exchange, added.error());
  return std::nullopt;
}

void snapshot(Call& call) {
  if (!check_id(call)) return;
  const auto body = read_json(call);
  if (!body) return;
  if (const auto added = snapshot_of(call, (*body)["name"].as_string())) call.exchange.respond_json(201, *added);
}

void fork(Call& call) {
  if (!check_id(call)) return;
  const auto body = read_json(call);
  if (!body) return;
  const int64_t count = (*body)["count"].as_int(1);
  if (count < 1 || count > kForkMax)
    return call.exchange.respond_error(400, "validation error: \"count\" must be 1 to 20");
  const auto started = std::chrono::steady_clock::now();
  const auto original = call.server.registry().find(call.param());
  if (!original) return unknown_sandbox(call);
  const auto added = snapshot_of(call, "");
  if (!added) return;
  const std::string snapshot_id = (*added)["snapshotID"].as_string();
  Json request = original->request;  // variables, network and automatic pausing are the original's too
  request.set("templateID", snapshot_id);
  request.set("timeout", (*body)["timeout"].as_int(kTimeoutV1Seconds));
  std::vector<std::future<Api<SandboxInfo>>> forks;
  for (int64_t i = 0; i < count; ++i)
    forks.push_back(std::async(std::launch::async, [&] {
      return call.server.registry().create({request, kTimeoutV1Seconds, !original->token.empty()});
    }));
  Json outcomes = Json::array();
  for (auto& each : forks) {
    Api<SandboxInfo> made = each.get();
    if (made.ok())
      outcomes.push_back(Json::object({{"sandbox", created_json(*made)}}));
    else
      outcomes.push_back(
          Json::object({{"error", Json::object({{"code", made.error().status}, {"message", made.error().message}})}}));
  }
  call.server.templates().remove(snapshot_id);
  std::this_thread::sleep_until(started + std::chrono::milliseconds(call.server.options().fork_ms));
  call.exchange.respond_json(201, outcomes);
}

}  // namespace

std::vector<Route> sandbox_routes() {
  return {{"POST", "/sandboxes", create_v1},
          {"POST", "/v2/sandboxes", create_v2},
          {"GET", "/sandboxes/{id}", get},
          {"DELETE", "/sandboxes/{id}", kill},
          {"POST", "/sandboxes/{id}/timeout", set_timeout},
          {"POST", "/sandboxes/{id}/refreshes", refresh},
          {"POST", "/sandboxes/{id}/connect", connect_v1},
          {"POST", "/v2/sandboxes/{id}/connect", connect_v2},
          {"POST", "/sandboxes/{id}/pause", pause},
          {"POST", "/sandboxes/{id}/resume", resume},
          {"PUT", "/sandboxes/{id}/network", set_network},
          {"POST", "/sandboxes/{id}/snapshots", snapshot},
          {"POST", "/sandboxes/{id}/fork", fork}};
}

}  // namespace osiris::e2b_server
