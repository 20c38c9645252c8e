#include "servers/e2b/sandbox_json.h"

#include "protocol/base/clock.h"

namespace osiris::e2b_server {

Json created_json(const SandboxInfo& info) {
  Json out = Json::object({{"sandboxID", info.id}, {"templateID", info.image.template_id}, {"clientID", kClientId}});
  if (!info.image.alias.empty()) out.set("alias", info.image.alias);
  out.set("envdVersion", kEnvdVersion);
  if (!info.token.empty()) out.set("envdAccessToken", info.token);
  out.set("trafficAccessToken", info.traffic_token.empty() ? Json() : Json(info.traffic_token));
  out.set("domain", nullptr);
  return out;
}

Json listed_json(const SandboxInfo& info) {
  Json out = Json::object({{"templateID", info.image.template_id}});
  if (!info.image.alias.empty()) out.set("alias", info.image.alias);
  out.set("sandboxID", info.id);
  out.set("clientID", kClientId);
  out.set("startedAt", format_iso8601_micros(info.started_ns, true));
  out.set("endAt", format_iso8601_micros(info.end_ns, true));
  out.set("cpuCount", info.image.shape.cpu_count);
  out.set("memoryMB", info.image.shape.memory_mb);
  out.set("diskSizeMB", info.image.shape.disk_mb);
  out.set("metadata", info.metadata);
  out.set("state", info.state == SandboxState::kRunning ? "running" : "paused");
  out.set("envdVersion", kEnvdVersion);
  out.set("volumeMounts", Json::array());
  return out;
}

Json detail_json(const SandboxInfo& info) {
  Json out = listed_json(info);
  if (!info.token.empty()) out.set("envdAccessToken", info.token);
  out.set("allowInternetAccess", info.allow_internet);
  out.set("domain", nullptr);
  if (info.network.is_object()) {
    Json network = info.network;
    if (Json* proxy = network.find("egressProxy")) proxy->erase("password");  // E2B never gives it back
    out.set("network", std::move(network));
  }
  out.set("lifecycle",
          Json::object({{"onTimeout", info.auto_pause ? "pause" : "kill"}, {"autoResume", info.auto_resume}}));
  return out;
}

}  // namespace osiris::e2b_server
