// The control-plane calls that only read: lists, metrics, logs, snapshots.
#include <algorithm>

#include "protocol/base/clock.h"
#include "protocol/base/text.h"
#include "servers/e2b/sandbox_json.h"
#include "servers/e2b/server.h"

namespace osiris::e2b_server {
namespace {

constexpr int64_t kPageMax = 100;

std::string base64url(std::string_view text) {
  std::string out = base64(text);
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  while (out.ends_with('=')) out.pop_back();
  return out;
}

std::optional<std::string> from_base64url(std::string text) {
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  text.append((4 - text.size() % 4) % 4, '=');
  return base64_decode(text);
}

// The query value has been decoded once: a form, whose keys and values are percent-encoded once more.
bool matches_metadata(const SandboxInfo& info, const std::string& filter) {
  for (const auto& [key, value] : parse_form(filter))
    if (info.metadata[percent_decode(key)].as_string_or("\x01") != percent_decode(value)) return false;
  return true;
}

// "…:05Z" and "…:05.123Z" as "…:05.123000Z", so that times compare as texts.
std::string padded_time(std::string text) {
  if (!text.ends_with('Z')) return text;
  text.pop_back();
  if (text.find('.') == std::string::npos) text += '.';
  text.resize(std::max<size_t>(text.find('.') + 7, text.size()), '0');
  return text + 'Z';
}

std::string list_key(const SandboxInfo& info) { return format_iso8601_micros(info.started_ns, true) + "__" + info.id; }

int64_t limit_of(const Request& request) {
  const auto text = request.query_value("limit");
  return text ? std::strtoll(text->c_str(), nullptr, 10) : kPageMax;
}

// Newest first unless ascending; only what comes after the token. False: the token is none, and has been answered.
template <class Item, class Key>
bool cut_page(Call& call, std::vector<Item>& items, const Key& key, Pairs& headers) {
  const bool ascending = call.request().query_value("order") == "asc";
  std::sort(items.begin(), items.end(),
            [&](const Item& a, const Item& b) { return ascending ? key(a) < key(b) : key(b) < key(a); });
  if (const auto token = call.request().query_value("nextToken"); token && !token->empty()) {
    // By order, not by identity: the last item of the page before may have gone meanwhile.
    const auto last = from_base64url(*token);
    if (!last || last->find("__") == std::string::npos)
      return call.exchange.respond_error(400, "Invalid next token"), false;
    std::erase_if(items, [&](const Item& item) { return ascending ? key(item) <= *last : key(item) >= *last; });
  }
  const size_t limit = static_cast<size_t>(limit_of(call.request()));
  if (items.size() <= limit) return true;
  items.resize(limit);
  headers.emplace_back("x-next-token", base64url(key(items.back())));
  return true;
}

void list_v2(Call& call) {
  const Request& request = call.request();
  const int64_t limit = limit_of(request);
  if (limit < 1 || limit > kPageMax)
    return call.exchange.respond_error(400, "validation error: \"limit\" must be 1 to 100");
  const std::vector<std::string> states = split(request.query_value("state").value_or("running,paused"), ',');
  const auto has_state = [&](const char* name) {
    return std::find(states.begin(), states.end(), name) != states.end();
  };
  const std::string wanted_template = request.query_value("template").value_or("");
  const std::string after = padded_time(request.query_value("startedAfter").value_or(""));
  std::vector<SandboxInfo> found;
  for (const SandboxInfo& info : call.server.registry().list()) {
    if (!has_state(info.state == SandboxState::kRunning ? "running" : "paused")) continue;
    if (!matches_metadata(info, request.query_value("metadata").value_or(""))) continue;
    if (!wanted_template.empty() && wanted_template != info.image.template_id && wanted_template != info.image.alias)
      continue;
    if (!after.empty() && format_iso8601_micros(info.started_ns, true) <= after) continue;
    found.push_back(info);
  }
  Pairs headers{{"content-type", "application/json"},
                {"x-total-running", std::to_string(call.server.registry().running_count())}};
  if (!cut_page(call, found, list_key, headers)) return;
  Json items = Json::array();
  for (const SandboxInfo& info : found) items.push_back(listed_json(info));
  call.exchange.respond(200, headers, items.dump());
}

void list_v1(Call& call) {
  Json items = Json::array();
  for (const SandboxInfo& info : call.server.registry().list())
    if (info.state == SandboxState::kRunning &&
        matches_metadata(info, call.request().query_value("metadata").value_or("")))
      items.push_back(listed_json(info));
  call.exchange.respond_json(200, items);
}

int64_t number(const Request& request, const char* key, int64_t fallback) {
  const auto text = request.query_value(key);
  return text ? std::strtoll(text->c_str(), nullptr, 10) : fallback;
}

void metrics(Call& call) {
  auto samples = call.server.registry().sample_metrics(call.param());
  if (!samples.ok()) return respond(call.exchange, samples.error());
  const int64_t start = number(call.request(), "start", 0), end = number(call.request(), "end", INT64_MAX);
  Json out = Json::array();
  for (const Json& sample : samples->items())
    if (sample["timestampUnix"].as_int() >= start && sample["timestampUnix"].as_int() <= end) out.push_back(sample);
  call.exchange.respond_json(200, out);
}

void metrics_of_many(Call& call) {
  Json out = Json::object();
  for (const std::string& id : split(call.request().query_value("sandbox_ids").value_or(""), ',')) {
    auto samples = call.server.registry().sample_metrics(id);
    if (samples.ok() && samples->size() > 0) out.set(id, samples->items().back());
  }
  call.exchange.respond_json(200, Json::object({{"sandboxes", std::move(out)}}));
}

// Of those that have ended too.
std::optional<Json> logs_of(Call& call) {
  auto logs = call.server.registry().logs().of(call.param());
  if (!logs)
    call.exchange.respond_error(404, "Sandbox \"" + call.param() + "\" doesn't exist or you don't have access to it");
  return logs;
}

// Values of any kind as text.
Json texts_of(const Json& fields) {
  Json out = Json::object();
  for (const auto& [key, value] : fields.members()) out.set(key, value.is_string() ? value : Json(value.dump()));
  return out;
}

void logs_v1(Call& call) {
  const auto logs = logs_of(call);
  if (!logs) return;
  const int64_t start_ms = number(call.request(), "start", 0), limit = number(call.request(), "limit", 1000);
  Json lines = Json::array(), entries = Json::array();
  for (const Json& entry : logs->items()) {
    if (entry["ms"].as_int() < start_ms || static_cast<int64_t>(lines.size()) >= limit) continue;
    Json line = Json::object(
        {{"level", entry["level"]}, {"logger", "process"}, {"message", entry["message"]}, {"sandboxID", call.param()}});
    for (const auto& [key, value] : entry["fields"].members()) line.set(key, value);
    lines.push_back(Json::object({{"timestamp", entry["timestamp"]}, {"line", line.dump()}}));
    entries.push_back(Json::object({{"timestamp", entry["timestamp"]},
                                    {"message", entry["message"]},
                                    {"level", entry["level"]},
                                    {"fields", texts_of(entry["fields"])}}));
  }
  call.exchange.respond_json(200, Json::object({{"logs", std::move(lines)}, {"logEntries", std::move(entries)}}));
}

void logs_v2(Call& call) {
  const auto logs = logs_of(call);
  if (!logs) return;
  const Request& request = call.request();
  const bool backward = request.query_value("direction") == "backward";
  const int64_t cursor_ms = number(request, "cursor", backward ? INT64_MAX : 0);
  const size_t limit = static_cast<size_t>(std::clamp<int64_t>(number(request, "limit", 1000), 0, 1000));
  const std::string level = request.query_value("level").value_or(""),
                    search = request.query_value("search").value_or("");
  std::vector<Json> found;
  for (const Json& entry : logs->items()) {
    const int64_t ms = entry["ms"].as_int();
    if (backward ? ms > cursor_ms : ms < cursor_ms) continue;
    if (!level.empty() && entry["level"].as_string() != level) continue;
    if (entry["message"].as_string().find(search) == std::string::npos) continue;
    found.push_back(Json::object({{"timestamp", entry["timestamp"]},
                                  {"message", entry["message"]},
                                  {"level", entry["level"]},
                                  {"fields", texts_of(entry["fields"])}}));
  }
  if (backward) std::reverse(found.begin(), found.end());
  if (found.size() > limit) found.resize(limit);
  call.exchange.respond_json(200, Json::object({{"logs", Json(Json::Array(found.begin(), found.end()))}}));
}

void snapshots(Call& call) {
  std::vector<Template> found;
  const int64_t limit = limit_of(call.request());
  if (limit < 1 || limit > kPageMax)
    return call.exchange.respond_error(400, "validation error: \"limit\" must be 1 to 100");
  const auto wanted = call.request().query_value("sandboxID"), name = call.request().query_value("name");
  for (const Template& item : call.server.templates().list())
    if (item.is_snapshot && (!wanted || item.snapshot_of == *wanted) &&
        (!name || std::count(item.names.begin(), item.names.end(), *name)))
      found.push_back(item);
  Pairs headers{{"content-type", "application/json"}};
  const auto key = [](const Template& item) { return format_iso8601_micros(item.created_ns, true) + "__" + item.id; };
  if (!cut_page(call, found, key, headers)) return;
  Json items = Json::array();
  for (const Template& item : found) {
    Json names = Json::array();
    for (const std::string& own : item.names) names.push_back(own + ":default");
    items.push_back(Json::object({{"snapshotID", item.id + ":default"},
                                  {"names", std::move(names)},
                                  {"sandboxID", item.snapshot_of},
                                  {"createdAt", format_iso8601_micros(item.created_ns, true)}}));
  }
  call.exchange.respond(200, headers, items.dump());
}

}  // namespace

std::vector<Route> query_routes() {
  return {{"GET", "/sandboxes", list_v1},
          {"GET", "/v2/sandboxes", list_v2},
          {"GET", "/sandboxes/metrics", metrics_of_many},
          {"GET", "/sandboxes/{id}/metrics", metrics},
          {"GET", "/sandboxes/{id}/logs", logs_v1},
          {"GET", "/v2/sandboxes/{id}/logs", logs_v2},
          {"GET", "/snapshots", snapshots}};
}

}  // namespace osiris::e2b_server
