// The control-plane calls on templates: building (v3 and v2 calls together), tags, lists, and the object store that
// takes the files of COPY steps.
#include <fcntl.h>

#include <algorithm>

#include "protocol/base/clock.h"
#include "servers/e2b/auth.h"
#include "servers/e2b/server.h"
#include "servers/e2b/template_builder.h"

namespace osiris::e2b_server {
namespace {

constexpr int64_t kUploadSeconds = 30 * 60;

std::optional<Json> read_json(Call& call) {
  auto body = call.exchange.read_body_all();
  if (!body.ok()) return std::nullopt;
  auto json = parse_json(body->empty() ? "{}" : *body);
  if (json.ok() && json->is_object()) return *std::move(json);
  call.exchange.respond_error(400, "validation error: the body is not a JSON object");
  return std::nullopt;
}

void unknown_template(Call& call, const std::string& reference) {
  call.exchange.respond_error(404, "template '" + reference + "' not found");
}

std::vector<std::string> strings(const Json& list) {
  std::vector<std::string> out;
  for (const Json& item : list.items()) out.push_back(item.as_string());
  return out;
}

void request_build(Call& call) {
  const auto body = read_json(call);
  if (!body) return;
  auto requested = call.server.templates().request_build(*body);
  if (!requested.ok()) return respond(call.exchange, requested.error());
  call.exchange.respond_json(202, *requested);
}

std::string upload_signature(Call& call, const std::string& hash, const std::string& expires) {
  return hmac_hex(call.server.registry().seed(), "upload:" + hash + ":" + expires);
}

bool may_upload(Call& call) {
  const Request& request = call.request();
  const std::string expires = request.query_value("expires").value_or("");
  return equal_secret(request.query_value("signature").value_or(""), upload_signature(call, call.param(), expires)) &&
         std::strtoll(expires.c_str(), nullptr, 10) >= call.server.clock().unix_ns() / 1'000'000'000;
}

void file_link(Call& call) {
  if (!call.server.templates().find(call.param())) return unknown_template(call, call.param());
  const std::string& hash = call.param(1);
  if (!is_upload_hash(hash)) return call.exchange.respond_error(400, "Invalid hash");
  std::error_code error;
  const bool present = std::filesystem::exists(upload_path(call.server, hash), error);
  const std::string expires = std::to_string(call.server.clock().unix_ns() / 1'000'000'000 + kUploadSeconds);
  const std::string url = call.server.http().url() + "/_storage/" + hash + "?expires=" + expires +
                          "&signature=" + upload_signature(call, hash, expires);
  call.exchange.respond_json(201, Json::object({{"present", present}, {"url", url}}));
}

// As S3-like stores do: a length must be known beforehand.
void store_file(Call& call) {
  if (!is_upload_hash(call.param())) return call.exchange.respond_error(404, "no such object");
  if (!may_upload(call)) return call.exchange.respond_error(403, "the address is not signed, or no longer valid");
  if (call.request().header("transfer-encoding"))
    return call.exchange.respond_error(501, "A header you provided implies functionality that is not implemented");
  const std::filesystem::path target = upload_path(call.server, call.param());
  const std::filesystem::path temporary = target.string() + "." + random_hex(8);
  const FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  char block[65536];
  bool whole = file.is_open();
  while (whole) {
    const auto count = call.exchange.read_body(block, sizeof block);
    if (count.ok() && *count == 0) break;
    whole = count.ok() && ::write(file.get(), block, *count) == static_cast<ssize_t>(*count);
  }
  std::error_code error;
  if (whole)
    std::filesystem::rename(temporary, target, error);
  else
    std::filesystem::remove(temporary, error);
  if (!whole || error) return call.exchange.respond_error(500, "the object was not stored");
  call.exchange.respond(200, {}, "");
}

void start_build(Call& call) {
  auto body = read_json(call);
  if (!body) return;
  if (const auto wrong = check_build(*body)) return respond(call.exchange, *wrong);
  const std::string template_id = call.param(), build_id = call.param(1);
  auto begun = call.server.templates().begin_build(template_id, build_id);
  if (!begun.ok()) return respond(call.exchange, begun.error());
  Server& server = call.server;
  server.run_in_background(
      [&server, template_id, build_id, steps = *std::move(body)] { run_build(server, template_id, build_id, steps); });
  call.exchange.respond(202, {}, "");  // with content-length: 0, or the JS SDK crashes
}

int64_t number(const Request& request, const char* key, int64_t fallback) {
  const auto text = request.query_value(key);
  return text ? std::strtoll(text->c_str(), nullptr, 10) : fallback;
}

// Of a level or worse.
bool is_of_level(const Json& entry, const std::string& level) {
  constexpr std::string_view kLevels[] = {"debug", "info", "warn", "error"};
  const auto rank = [&](std::string_view name) {
    return std::find(std::begin(kLevels), std::end(kLevels), name) - std::begin(kLevels);
  };
  return level.empty() || rank(entry["level"].as_string()) >= rank(level);
}

Json log_page(const Request& request, const Build& build, int64_t offset) {
  const int64_t limit = number(request, "limit", 100);
  Json::Array all = build.log_entries.items();
  const std::string level = request.query_value("level").value_or("");
  std::erase_if(all, [&](const Json& entry) { return !is_of_level(entry, level); });
  const int64_t size = static_cast<int64_t>(all.size());
  const int64_t first = std::clamp<int64_t>(offset, 0, size),
                last = std::min(size, first + std::clamp<int64_t>(limit, 0, 100));
  return Json(Json::Array(all.begin() + first, all.begin() + last));
}

void build_status(Call& call) {
  const auto build = call.server.templates().find_build(call.param(), call.param(1));
  if (!build) return call.exchange.respond_error(404, "Build '" + call.param(1) + "' not found");
  Json entries = log_page(call.request(), *build, number(call.request(), "logsOffset", 0));
  Json lines = Json::array();
  for (const Json& entry : entries.items()) lines.push_back(entry["message"]);
  Json out = Json::object({{"templateID", call.param()},
                           {"buildID", build->id},
                           {"status", build->status},
                           {"logs", std::move(lines)},
                           {"logEntries", std::move(entries)}});
  if (build->reason.is_object()) out.set("reason", build->reason);
  call.exchange.respond_json(200, out);
}

void build_logs(Call& call) {
  const auto build = call.server.templates().find_build(call.param(), call.param(1));
  if (!build) return call.exchange.respond_error(404, "Build '" + call.param(1) + "' not found");
  call.exchange.respond_json(
      200, Json::object({{"logs", log_page(call.request(), *build, number(call.request(), "cursor", 0))}}));
}

void by_alias(Call& call) {
  const auto found = call.server.templates().find(call.param());
  if (!found) return unknown_template(call, call.param());
  call.exchange.respond_json(200, Json::object({{"templateID", found->id}, {"public", found->is_public}}));
}

void list(Call& call) {
  Json items = Json::array();
  for (const Template& item : call.server.templates().list())
    if (!item.is_snapshot) items.push_back(template_json(item));
  call.exchange.respond_json(200, items);
}

void get(Call& call) {
  const auto found = call.server.templates().find(call.param());
  if (!found) return unknown_template(call, call.param());
  Json out = template_json(*found);
  Json builds = Json::array();
  for (const auto& [id, build] : found->builds)
    builds.push_back(Json::object(
        {{"buildID", id},
         {"status", build.status},
         {"createdAt", format_iso8601_micros(build.created_ns, true)},
         {"updatedAt", format_iso8601_micros(build.finished_ns ? build.finished_ns : build.created_ns, true)},
         {"cpuCount", build.image.shape.cpu_count},
         {"memoryMB", build.image.shape.memory_mb},
         {"diskSizeMB", build.image.shape.disk_mb},
         {"envdVersion", "0.6.13"}}));
  out.set("builds", std::move(builds));
  call.exchange.respond_json(200, out);
}

void remove(Call& call) {
  const auto found = call.server.templates().find(call.param());
  if (!found) return unknown_template(call, call.param());
  const auto live = call.server.registry().list();
  if (std::any_of(live.begin(), live.end(),
                  [&](const SandboxInfo& info) { return info.image.template_id == found->id; }))
    return call.exchange.respond_error(
        400, "cannot delete template '" + found->id + "' because there are paused or running sandboxes using it");
  if (!call.server.templates().remove(call.param()))
    return call.exchange.respond_error(403, "the base template cannot be deleted");
  call.exchange.respond(204, {}, "");
}

void patch(Call& call) {
  const auto body = read_json(call);
  if (!body) return;
  if (!call.server.templates().set_public(call.param(), (*body)["public"].as_bool()))
    return unknown_template(call, call.param());
  call.exchange.respond_json(200, Json::object({{"names", Json::array({call.param()})}}));
}

void add_tags(Call& call) {
  const auto body = read_json(call);
  if (!body) return;
  auto added = call.server.templates().add_tags((*body)["target"].as_string(), strings((*body)["tags"]));
  if (!added.ok()) return respond(call.exchange, added.error());
  call.exchange.respond_json(201, *added);
}

void remove_tags(Call& call) {
  const auto body = read_json(call);
  if (!body) return;
  if (!call.server.templates().remove_tags((*body)["name"].as_string(), strings((*body)["tags"])))
    return unknown_template(call, (*body)["name"].as_string());
  call.exchange.respond(204, {}, "");
}

void list_tags(Call& call) {
  const auto found = call.server.templates().find(call.param());
  if (!found) return unknown_template(call, call.param());
  Json out = Json::array();
  for (const auto& [tag, build] : found->tags)
    out.push_back(Json::object(
        {{"tag", tag}, {"buildID", build}, {"createdAt", format_iso8601_micros(found->updated_ns, true)}}));
  call.exchange.respond_json(200, out);
}

}  // namespace

std::vector<Route> template_routes() {
  return {{"POST", "/v3/templates", request_build},
          {"POST", "/v2/templates", request_build},
          {"GET", "/templates/aliases/{alias}", by_alias},
          {"POST", "/templates/tags", add_tags},
          {"DELETE", "/templates/tags", remove_tags},
          {"GET", "/templates/{id}/tags", list_tags},
          {"GET", "/templates/{id}/files/{hash}", file_link},
          {"PUT", "/_storage/{hash}", store_file},
          {"POST", "/v2/templates/{id}/builds/{build}", start_build},
          {"GET", "/templates/{id}/builds/{build}/status", build_status},
          {"GET", "/templates/{id}/builds/{build}/logs", build_logs},
          {"GET", "/templates", list},
          {"GET", "/v2/templates", list},
          {"GET", "/templates/{id}", get},
          {"DELETE", "/templates/{id}", remove},
          {"PATCH", "/v2/templates/{id}", patch},
          {"PATCH", "/templates/{id}", patch}};
}

}  // namespace osiris::e2b_server
