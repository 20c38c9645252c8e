#include "servers/e2b/server.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "protocol/base/file.h"
#include "protocol/base/text.h"
#include "servers/e2b/auth.h"
#include "servers/e2b/connect_codec.h"
#include "servers/e2b/envd_log.h"
#include "servers/e2b/generation.h"
#include "servers/e2b/layer.h"
#include "servers/e2b/proxy.h"
#include "servers/e2b/routing.h"
#include "servers/e2b/shaped_exchange.h"
#include "servers/e2b/tell.h"

namespace osiris::e2b_server {
namespace {

constexpr int64_t kAutoResumeSecondsMin = 300;
constexpr unsigned kIdBase = 1'000'000;
constexpr size_t kRecordedBodyMaxBytes = 64 * 1024;

void append(std::vector<Route>& routes, std::vector<Route> more) {
  routes.insert(routes.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// Browsers: any origin, any header.
void allow_any_origin(Exchange& exchange) {
  exchange.add_header("access-control-allow-origin", "*");
  exchange.add_header("access-control-expose-headers", "*");
}

bool is_preflight(const Request& request) {
  return request.method == "OPTIONS" && request.header("origin") && request.header("access-control-request-method");
}

void answer_preflight(Exchange& exchange) {
  exchange.respond(
      204,
      {{"access-control-allow-methods", "HEAD, GET, POST, PUT, PATCH, DELETE"},
       {"access-control-allow-headers", exchange.request().header("access-control-request-headers").value_or("*")},
       {"access-control-max-age", "7200"}},
      "");
}

// envd's RPC half looks its user up before it looks at anything else. True: there is no such user, and it has been
// answered.
bool answered_unknown_user(Call& call) {
  const std::string user = acting_user(call.request());
  if (user.empty()) return false;
  const Reply known = call.sandbox->sandbox->call(Json::object({{"op", "account"}, {"user", user}}));
  if (!known.error) return false;
  const AgentError& error = *known.error;
  if (error.code == "unavailable")
    call.exchange.abort();
  else if (has_stream_type(call.request()))
    fail_connect_stream(call.exchange, error.code, error.message);
  else
    respond_connect_error(call.exchange, error.code, error.message);
  return true;
}

// The message of a stream's request; an array where there are more.
Result<Json> stream_messages(std::string_view body) {
  EnvelopeReader reader;
  reader.feed(body);
  Json messages = Json::array();
  for (;;) {
    OSIRIS_ASSIGN(const std::optional<Envelope> next, reader.next());
    if (!next) return messages.size() == 1 ? messages.items()[0] : messages;
    OSIRIS_ASSIGN(Json message, parse_json(next->payload));
    messages.push_back(std::move(message));
  }
}

bool is_text(std::string_view type) { return type.find("json") != std::string_view::npos; }

}  // namespace

Result<std::unique_ptr<Server>> Server::create(const Options& options) {
  std::unique_ptr<Server> server(new Server(options));
  OSIRIS_TRY(server->set_up());
  return server;
}

Server::~Server() { stop(); }

Status Server::set_up() {
  OSIRIS_TRY(make_directories(options_.data / "sandboxes"));
  OSIRIS_TRY(make_directories(options_.data / "uploads"));
  if (!options_.record.empty()) OSIRIS_TRY(recorder_.open(options_.record));
  if (!options_.faults.empty()) {
    OSIRIS_ASSIGN(const std::string text, read_file(options_.faults));
    OSIRIS_ASSIGN(const Json document, parse_json(text));
    OSIRIS_ASSIGN(std::vector<Fault> faults, parse_faults(document));
    faults_.replace(std::move(faults));
  }
  Registry::Isolation isolation;
  OSIRIS_TRY(set_up_isolation(isolation));
  OSIRIS_ASSIGN(http_, HttpServer::listen(options_.listen, {std::chrono::milliseconds(options_.rtt_ms),
                                                            std::chrono::milliseconds(options_.header_ms)}));
  append(control_, query_routes());  // before "/sandboxes/{id}", which would take "/sandboxes/metrics"
  append(control_, sandbox_routes());
  append(control_, template_routes());
  control_ = routes_of_api(std::move(control_), options_.api);
  append(envd_, file_routes());
  append(envd_, process_routes());
  append(envd_, filesystem_routes());
  append(admin_, admin_routes());
  return {};
}

// With a real sandbox.
Status Server::try_isolation(const Registry::Isolation& isolation) {
  OSIRIS_TRY(remove_layer(options_.data / "templates"));
  templates_ = std::make_unique<TemplateStore>(options_.data / "templates", clock_);
  registry_ = std::make_unique<Registry>(options_, isolation, clock_, *templates_, nullptr);
  OSIRIS_TRY(templates_->add_base(isolation.namespaces ? isolation.id_base : 0));
  auto base = templates_->resolve("base");
  const auto directory = registry_->fresh_directory("probe");
  OSIRIS_TRY(copy_layer(base->layer, directory));
  const auto probe = registry_->launch("probe", directory, false);
  if (!probe.ok()) return probe.error();
  (*probe)->destroy();
  return {};
}

// The strongest first. Root in a container may have too few ids to give away, or no right to make namespaces.
Status Server::set_up_isolation(Registry::Isolation& isolation) {
  std::vector<Registry::Isolation> attempts;
  if (options_.isolation != Options::Isolation::kDirectories) {
    if (::geteuid() == 0) attempts.push_back({true, kIdBase, {}});
    attempts.push_back({true, 0, {}});
  }
  if (options_.isolation != Options::Isolation::kNamespaces) attempts.push_back({false, 0, {}});
  std::string reasons;
  for (size_t i = 0; i < attempts.size(); ++i) {
    isolation = attempts[i];
    isolation.reason = reasons;
    const Status tried = try_isolation(isolation);
    if (tried.ok()) break;
    if (i + 1 == attempts.size()) return tried;
    reasons += (reasons.empty() ? "" : "; ") +
               std::string(isolation.id_base != 0 ? "with root inside: " : "namespaces: ") + tried.error().message;
  }
  if (options_.network == Options::Network::kIsolated) {
    if (!isolation.namespaces || isolation.id_base == 0)
      return Error(Code::kUnsupported, "--network isolated: it needs root and namespaces",
                   "run as root, or leave it out");
    OSIRIS_ASSIGN(network_, NetworkManager::create(options_.names));
  }
  registry_ = std::make_unique<Registry>(options_, isolation, clock_, *templates_, network_.get());
  return {};
}

void Server::start() {
  http_->start([this](Exchange& exchange) { serve(exchange); });
}

void Server::stop() {
  {
    std::lock_guard lock(stop_mutex_);
    if (std::exchange(stopped_, true)) return;
  }
  stop_.notify_all();
  if (registry_) registry_->shut_down();  // first, so that streams end as they would for a killed sandbox
  if (http_) http_->stop();
  std::vector<std::thread> background;
  {
    std::lock_guard lock(background_mutex_);
    background.swap(background_);
  }
  for (std::thread& thread : background) thread.join();
}

void Server::run_in_background(std::function<void()> work) {
  std::lock_guard lock(background_mutex_);
  background_.emplace_back(std::move(work));
}

void Server::sleep(std::chrono::microseconds time) {
  std::unique_lock lock(stop_mutex_);
  stop_.wait_for(lock, time, [this] { return stopped_; });
}

Json Server::ready_line() const {
  const Registry::Isolation& isolation = registry_->isolation();
  Json line = Json::object({{"url", http_->url()},
                            {"pid", static_cast<int64_t>(::getpid())},
                            {"isolation", isolation.namespaces ? "namespaces" : "directories"},
                            {"users", isolation.namespaces && isolation.id_base != 0 ? "user,root" : "user"},
                            {"network", network_ ? "isolated" : "host"}});
  if (!isolation.reason.empty()) line.set("isolation_reason", isolation.reason);
  if (network_) {
    Json addresses = Json::array();
    for (const std::string& address : network_->service_addresses()) addresses.push_back(address);
    line.set("service_addresses", std::move(addresses));
  }
  return line;
}

void Server::serve(Exchange& exchange) {
  const Request& request = exchange.request();
  const int64_t started_ns = system_clock().monotonic_ns();
  if (request.header("origin")) allow_any_origin(exchange);
  if (request.path.starts_with("/_admin/")) {
    auto [route, params] = match_route(admin_, request);
    Call call{*this, exchange, std::move(params), std::nullopt};
    if (const auto refused = check_api_key(request, options_.api_key)) return respond(exchange, *refused);
    if (!route) return exchange.respond_error(404, "no such admin endpoint");
    return route->handler(call);
  }
  const Destination destination = find_destination(request);
  const bool is_user_port = destination.is_envd && destination.port != kEnvdPort;
  auto [route, params] = match_route(destination.is_envd ? envd_ : control_, request);
  if (is_user_port) route = nullptr;
  const std::string name = is_user_port ? request.method + " :" + std::to_string(destination.port) + request.path
                           : route      ? route->method + " " + route->pattern
                                        : request.method + " " + request.path;
  const std::string sandbox_id = destination.is_envd ? destination.sandbox_id : params.empty() ? "" : params[0];
  ShapedExchange::Effects effects;
  effects.kill_sandbox = [&] { registry_->kill(sandbox_id); };
  effects.kill_process = [&](int number) {
    const auto info = registry_->find(sandbox_id);
    if (!info) return;
    const auto running = info->sandbox->running();
    if (!running.empty()) info->sandbox->signal(running.back()->pid(), number);
  };
  effects.jump_clock = [&](int64_t ms) {
    clock_.jump(ms * 1'000'000);
    registry_->clock_jumped();
  };
  effects.tell = [&](int port) {
    const Json who = Json::object(
        {{"route", name}, {"sandbox", sandbox_id}, {"forwarded_for", request.header("x-forwarded-for").value_or("")}});
    tell(port, who);
  };
  effects.sleep = [this](std::chrono::microseconds time) { sleep(time); };
  const int64_t arrived = recorder_.arrive(
      Json::object({{"method", request.method}, {"target", request.target}, {"route", name}, {"sandbox", sandbox_id}}));
  effects.request_id = "req-" + std::to_string(arrived);
  effects.record = [&](const ShapedExchange& seen) {
    if (destination.is_envd && route)
      log_envd_call(registry_->logs(), sandbox_id, clock_.unix_ns(), request, seen.request_head(), seen.status());
    recorder_.end(arrived, record(request, seen, name, sandbox_id, started_ns));
  };
  ShapedExchange shaped(exchange, std::chrono::milliseconds(options_.rtt_ms), faults_.next(name, sandbox_id),
                        std::move(effects));
  if (shaped.admit()) {
    if (is_preflight(request))
      answer_preflight(shaped);
    else if (!destination.error.empty())
      shaped.respond(400, {{"content-type", "text/plain"}}, destination.error);
    else
      dispatch(shaped, route, std::move(params), destination.is_envd);
  }
  shaped.finish();
}

void Server::dispatch(Exchange& exchange, const Route* route, std::vector<std::string> params, bool is_envd) {
  const Request& request = exchange.request();
  Call call{*this, exchange, std::move(params), std::nullopt};
  if (!is_envd) {
    if (request.path == "/health") return exchange.respond(204, {}, "");
    const bool is_storage = request.path.starts_with("/_storage/");  // signed by its address, as an object store's
    if (!is_storage)
      if (const auto refused = check_api_key(request, options_.api_key)) return respond(exchange, *refused);
    if (!is_within_rate(exchange, route)) return;
    if (!route) return answer_unknown_route(exchange, control_, options_.api);
    return route->handler(call);
  }
  const int port = find_destination(request).port;
  if (!enter_sandbox(call, port)) return;
  if (port != kEnvdPort) return proxy_to_port(call, port);
  if (request.path == "/health") return exchange.respond(204, {{"cache-control", "no-store"}}, "");
  if (is_reserved(request))
    return exchange.respond_json(404, Json::object({{"message", "this endpoint is reserved for the control plane"},
                                                    {"path", request.path},
                                                    {"code", 404}}));
  const bool is_rpc = request.path.find('.') != std::string::npos;
  const bool checks_itself = request.path == "/files";
  if (!checks_itself)
    if (const auto refused = check_access_token(request, call.sandbox->token)) return respond(exchange, *refused);
  if (!route && is_rpc && request.method != "POST") return exchange.respond(405, {{"allow", "POST"}}, "");
  if (!route) return exchange.respond(404, {{"content-type", "text/plain; charset=utf-8"}}, "404 page not found\n");
  if (is_rpc && answered_unknown_user(call)) return;
  route->handler(call);
}

// Every answer says what is left; false: nothing was, and it has been answered.
bool Server::is_within_rate(Exchange& exchange, const Route* route) {
  if (limiter_.calls_max() == 0 || !route) return true;
  const RateLimiter::Decision decision = limiter_.take(route->method + " " + route->pattern, clock_.monotonic_ns());
  exchange.add_header("ratelimit-limit", std::to_string(limiter_.calls_max()));
  exchange.add_header("ratelimit-remaining", std::to_string(decision.remaining));
  exchange.add_header("ratelimit-reset", std::to_string(decision.reset_s));
  if (decision.allowed) return true;
  exchange.add_header("retry-after", std::to_string(decision.reset_s));
  exchange.respond_error(429, "Rate limit exceeded");
  return false;
}

// Finds the sandbox of an envd request; answers as the proxy does when there is none.
bool Server::enter_sandbox(Call& call, int port) {
  const Request& request = call.request();
  const Destination destination = find_destination(request);
  if (destination.sandbox_id.empty()) {
    // A signed URL names no sandbox: the one whose token made the signature.
    call.sandbox =
        registry_->find_by_token_test([&](const SandboxInfo& info) { return signature_matches(request, info.token); });
    if (!call.sandbox) call.exchange.respond_error(401, "invalid signature");
    return call.sandbox.has_value();
  }
  const std::string& id = destination.sandbox_id;
  const auto refuse = [&](int status, std::string_view message) {
    call.exchange.respond_json(status, Json::object({{"sandboxId", id}, {"message", message}, {"code", status}}));
    return false;
  };
  call.sandbox = registry_->find(id);
  if (call.sandbox && call.sandbox->state == SandboxState::kPaused && call.sandbox->auto_resume &&
      !call.sandbox->changing) {
    const bool is_envd = port == kEnvdPort;
    const std::string& token = is_envd ? call.sandbox->token : call.sandbox->traffic_token;
    if (!token.empty() &&
        !equal_secret(request.header(is_envd ? "x-access-token" : "e2b-traffic-access-token").value_or(""), token))
      return refuse(403, "Sandbox cannot be resumed without its access token");
    auto resumed =
        registry_->resume(id, std::min(std::max(call.sandbox->timeout_s, kAutoResumeSecondsMin), options_.life_max_s));
    if (!resumed.ok() && resumed.error().status == 429) return refuse(429, resumed.error().message);
    call.sandbox = registry_->find(id);
  }
  if (call.sandbox && call.sandbox->changing) return refuse(409, "The sandbox is still transitioning, try again");
  if (!call.sandbox || call.sandbox->state == SandboxState::kPaused) return refuse(502, "The sandbox was not found");
  return true;
}

Json Server::record(const Request& request, const ShapedExchange& shaped, const std::string& route,
                    const std::string& sandbox_id, int64_t started_ns) const {
  Json headers = Json::object();
  for (const auto& [name, value] : request.headers) headers.set(name, value);
  Json line = Json::object({{"time", format_iso8601_micros(clock_.unix_ns(), true)},
                            {"connection", request.connection},
                            {"method", request.method},
                            {"target", request.target},
                            {"route", route},
                            {"sandbox", sandbox_id},
                            {"status", shaped.status()},
                            {"cut", shaped.was_cut()},
                            {"request_bytes", shaped.request_bytes()},
                            {"response_bytes", shaped.response_bytes()},
                            {"duration_us", (system_clock().monotonic_ns() - started_ns) / 1000},
                            {"headers", std::move(headers)}});
  if (const std::vector<std::string> faults = shaped.applied_faults(); !faults.empty()) {
    Json struck = Json::array();
    for (const std::string& fault : faults) struck.push_back(fault);
    line.set("faults", std::move(struck));
  }
  const std::string type = request.header("content-type").value_or("");
  std::string_view body = shaped.request_head();
  if (is_text(type) && body.size() < kRecordedBodyMaxBytes) {
    auto parsed = type.starts_with("application/connect") ? stream_messages(body) : parse_json(body);
    if (parsed.ok()) line.set("body", *std::move(parsed));
  }
  return line;
}

}  // namespace osiris::e2b_server
