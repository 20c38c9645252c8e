// /_admin of this server, for tests: the record, the fault plan, the clock, and what is alive. Guarded by the API key,
// never recorded, never faulted.
#include "servers/e2b/sandbox_json.h"
#include "servers/e2b/server.h"

namespace osiris::e2b_server {
namespace {

void requests(Call& call) {
  if (call.request().query_value("order") == "arrival")
    return call.exchange.respond_json(200, call.server.recorder().by_arrival());
  const auto since = call.request().query_value("since");
  call.exchange.respond_json(200, call.server.recorder().since(since ? std::strtoll(since->c_str(), nullptr, 10) : 0));
}

void clear_requests(Call& call) {
  call.server.recorder().clear();
  call.exchange.respond(204, {}, "");
}

std::optional<Json> read_json(Call& call) {
  auto body = call.exchange.read_body_all();
  if (!body.ok()) return std::nullopt;
  auto json = parse_json(*body);
  if (json.ok()) return *std::move(json);
  call.exchange.respond_error(400, json.error().message);
  return std::nullopt;
}

void set_faults(Call& call, bool replace) {
  const auto json = read_json(call);
  if (!json) return;
  auto faults = parse_faults(*json);
  if (!faults.ok()) return call.exchange.respond_error(400, faults.error().message);
  if (replace)
    call.server.faults().replace(*std::move(faults));
  else
    call.server.faults().add(*std::move(faults));
  call.exchange.respond(204, {}, "");
}

void jump_clock(Call& call) {
  const auto json = read_json(call);
  if (!json) return;
  call.server.clock().jump((*json)["ms"].as_int() * 1'000'000);
  call.server.registry().clock_jumped();
  call.exchange.respond(204, {}, "");
}

void sandboxes(Call& call) {
  Json out = Json::array();
  for (const SandboxInfo& info : call.server.registry().list()) {
    Json item = detail_json(info);
    item.set("hostPid", static_cast<int64_t>(info.sandbox->host_pid()));
    item.set("directory", info.sandbox->directory().string());
    Json processes = Json::array();
    for (const auto& process : info.sandbox->running())
      processes.push_back(Json::object({{"pid", process->pid()}, {"config", process->config().config}}));
    item.set("processes", std::move(processes));
    out.push_back(std::move(item));
  }
  call.exchange.respond_json(200, out);
}

void stats(Call& call) {
  const auto live = call.server.registry().list();
  call.exchange.respond_json(200, Json::object({{"created", call.server.registry().created_count()},
                                                {"live", static_cast<int64_t>(live.size())},
                                                {"connections", call.server.http().connections_open()}}));
}

// What a machine failure does: the sandbox is gone without a kill request.
void kill_sandbox(Call& call) {
  if (call.server.registry().kill(call.param())) return call.exchange.respond(204, {}, "");
  call.exchange.respond_error(404, "no such sandbox");
}

void signal_process(Call& call) {
  const auto json = read_json(call);
  if (!json) return;
  const auto info = call.server.registry().find(call.param());
  const int pid = std::atoi(call.param(1).c_str());
  if (info && info->sandbox->signal(pid, static_cast<int>((*json)["signal"].as_int(9))))
    return call.exchange.respond(204, {}, "");
  call.exchange.respond_error(404, "no such process");
}

}  // namespace

std::vector<Route> admin_routes() {
  return {{"GET", "/_admin/requests", requests},
          {"DELETE", "/_admin/requests", clear_requests},
          {"GET", "/_admin/faults", [](Call& call) { call.exchange.respond_json(200, call.server.faults().status()); }},
          {"PUT", "/_admin/faults", [](Call& call) { set_faults(call, true); }},
          {"POST", "/_admin/faults", [](Call& call) { set_faults(call, false); }},
          {"DELETE", "/_admin/faults",
           [](Call& call) {
             call.server.faults().replace({});
             call.exchange.respond(204, {}, "");
           }},
          {"POST", "/_admin/clock", jump_clock},
          {"GET", "/_admin/sandboxes", sandboxes},
          {"GET", "/_admin/stats", stats},
          {"POST", "/_admin/sandboxes/{id}/kill", kill_sandbox},
          {"POST", "/_admin/sandboxes/{id}/processes/{pid}/signal", signal_process}};
}

}  // namespace osiris::e2b_server
