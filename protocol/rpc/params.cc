#include "protocol/rpc/params.h"

#include <algorithm>
#include <utility>

namespace osiris::rpc {
namespace {

Error invalid(std::string_view what, std::string_view why) {
  return Error(Code::kInvalidArgument, std::string(what) + ": " + std::string(why));
}

Result<std::string> absolute_path(const Json& json, std::string_view key) {
  const std::string& path = json[key].as_string();
  if (path.empty() || path[0] != '/') return invalid("prepare", std::string(key) + " is not an absolute path");
  return path;
}

// An object, or an empty one when the key is absent.
Result<Json> take_object(Json& json, std::string_view key) {
  Json* member = json.find(key);
  if (!member || member->is_null()) return Json::object();
  if (!member->is_object()) return invalid("prepare", std::string(key) + " is no object");
  return std::move(*member);
}

// Objects whose values are all text: secrets, env.
Result<Json> take_texts(Json& json, std::string_view key) {
  OSIRIS_ASSIGN(Json texts, take_object(json, key));
  for (const auto& [name, value] : texts.members())
    if (!value.is_string()) return invalid("prepare", std::string(key) + "." + name + " is no text");
  return texts;
}

}  // namespace

Json to_json(const Settings& settings) {
  Json json = Json::object();
  if (settings.memory_limit_bytes) json.set("memory_limit_bytes", settings.memory_limit_bytes);
  if (settings.threads) json.set("threads", settings.threads);
  if (settings.parallel) json.set("parallel", settings.parallel);
  json.set("heartbeat_ms", settings.heartbeat_ms);
  json.set("allow_mock", settings.allow_mock);
  json.set("install_deps", settings.install_deps);
  if (!settings.cache_dir.empty()) json.set("cache_dir", settings.cache_dir);
  if (!settings.traceparent.empty()) json.set("traceparent", settings.traceparent);
  if (!settings.tracestate.empty()) json.set("tracestate", settings.tracestate);
  return json;
}

Settings settings_from_json(const Json& json) {
  Settings settings;
  settings.memory_limit_bytes = json["memory_limit_bytes"].as_uint(settings.memory_limit_bytes);
  settings.threads = static_cast<uint32_t>(std::min<uint64_t>(json["threads"].as_uint(settings.threads), 4096));
  settings.parallel = static_cast<uint32_t>(std::min<uint64_t>(json["parallel"].as_uint(settings.parallel), 4096));
  const uint64_t heartbeat_ms = json["heartbeat_ms"].as_uint(settings.heartbeat_ms);
  settings.heartbeat_ms = static_cast<uint32_t>(std::clamp<uint64_t>(heartbeat_ms, 10, 3'600'000));
  settings.allow_mock = json["allow_mock"].as_bool(settings.allow_mock);
  settings.install_deps = json["install_deps"].as_bool(settings.install_deps);
  settings.cache_dir = json["cache_dir"].as_string();
  settings.traceparent = json["traceparent"].as_string();
  settings.tracestate = json["tracestate"].as_string();
  return settings;
}

Json to_json(PrepareParams params) {
  Json json = Json::object({{"protocol", params.protocol},
                            {"run_id", std::move(params.run_id)},
                            {"session_dir", std::move(params.session_dir)},
                            {"work_dir", std::move(params.work_dir)}});
  if (!params.plan_path.empty()) {
    json.set("plan_path", std::move(params.plan_path));
  } else {
    json.set("plan", std::move(params.plan));
  }
  for (auto& [key, value] : {std::pair<const char*, Json*>{"connections", &params.connections},
                             {"secrets", &params.secrets},
                             {"env", &params.env}})
    if (value->is_object()) json.set(key, std::move(*value));
  json.set("settings", to_json(params.settings));
  if (!params.specs_sha256.empty()) json.set("specs_sha256", std::move(params.specs_sha256));
  if (!params.worker_version.empty()) json.set("worker_version", std::move(params.worker_version));
  if (!params.path_map.empty()) {
    Json map = Json::array();
    for (PathMapping& mapping : params.path_map)
      map.push_back(Json::object({{"from", std::move(mapping.from)}, {"to", std::move(mapping.to)}}));
    json.set("path_map", std::move(map));
  }
  if (!params.package.path.empty()) {
    Json files = Json::array();
    for (PackageFile& file : params.package.files) {
      Json entry = Json::object({{"number", file.number},
                                 {"to", std::move(file.to)},
                                 {"size_bytes", file.size_bytes},
                                 {"sha256", std::move(file.sha256)}});
      if (file.present) entry.set("present", true);
      files.push_back(std::move(entry));
    }
    Json directories = Json::array();
    for (std::string& directory : params.package.directories) directories.push_back(std::move(directory));
    json.set("package", Json::object({{"path", std::move(params.package.path)},
                                      {"files", std::move(files)},
                                      {"directories", std::move(directories)}}));
    if (!params.package.prune.empty()) json.find("package")->set("prune", std::move(params.package.prune));
  }
  return json;
}

Result<PrepareParams> prepare_params_from_json(Json json) {
  PrepareParams params;
  params.protocol = json["protocol"].as_int(0);
  if (params.protocol != kProtocolVersion)
    return Error(Code::kUnsupported,
                 "the adapter speaks worker protocol " + std::to_string(params.protocol) + ", this worker speaks " +
                     std::to_string(kProtocolVersion),
                 "Install osiris and osiris-worker of the same version.");
  params.run_id = json["run_id"].as_string();
  if (params.run_id.empty()) return invalid("prepare", "run_id is no text");
  OSIRIS_ASSIGN(params.session_dir, absolute_path(json, "session_dir"));
  OSIRIS_ASSIGN(params.work_dir, absolute_path(json, "work_dir"));
  if (json.contains("plan") == json.contains("plan_path"))
    return invalid("prepare", "it needs either plan or plan_path");
  if (json.contains("plan")) {
    OSIRIS_ASSIGN(params.plan, take_object(json, "plan"));
  } else {
    OSIRIS_ASSIGN(params.plan_path, absolute_path(json, "plan_path"));
  }
  OSIRIS_ASSIGN(params.connections, take_object(json, "connections"));
  OSIRIS_ASSIGN(params.secrets, take_texts(json, "secrets"));
  OSIRIS_ASSIGN(params.env, take_texts(json, "env"));
  params.settings = settings_from_json(json["settings"]);
  params.specs_sha256 = json["specs_sha256"].as_string();
  params.worker_version = json["worker_version"].as_string();
  for (const Json& entry : json["path_map"].items()) {
    PathMapping mapping;
    OSIRIS_ASSIGN(mapping.from, absolute_path(entry, "from"));
    OSIRIS_ASSIGN(mapping.to, absolute_path(entry, "to"));
    params.path_map.push_back(std::move(mapping));
  }
  if (const Json* package = json.find("package")) {
    OSIRIS_ASSIGN(params.package.path, absolute_path(*package, "path"));
    for (const Json& entry : (*package)["files"].items()) {
      PackageFile file;
      file.number = static_cast<uint32_t>(entry["number"].as_uint());
      OSIRIS_ASSIGN(file.to, absolute_path(entry, "to"));
      file.size_bytes = entry["size_bytes"].as_uint();
      file.sha256 = entry["sha256"].as_string();
      file.present = entry["present"].as_bool();
      params.package.files.push_back(std::move(file));
    }
    if (package->contains("prune")) {
      OSIRIS_ASSIGN(params.package.prune, absolute_path(*package, "prune"));
    }
    for (const Json& directory : (*package)["directories"].items()) {
      if (!directory.as_string().starts_with('/'))
        return invalid("prepare", "package.directories holds no absolute path");
      params.package.directories.push_back(directory.as_string());
    }
  }
  return params;
}

Json to_json(const Packed& packed) {
  Json files = Json::array();
  for (const PackedFile& file : packed.files) {
    Json entry = Json::object({{"number", file.number},
                               {"kind", file.kind},
                               {"path", file.path},
                               {"size_bytes", file.size_bytes},
                               {"sha256", file.sha256}});
    if (!file.step_id.empty()) entry.set("step_id", file.step_id);
    files.push_back(std::move(entry));
  }
  return Json::object(
      {{"status", "packed"}, {"path", packed.path}, {"size_bytes", packed.size_bytes}, {"files", std::move(files)}});
}

Result<Packed> packed_from_json(const Json& json) {
  Packed packed;
  packed.path = json["path"].as_string();
  packed.size_bytes = json["size_bytes"].as_uint();
  if (packed.path.empty() || !json["files"].is_array()) return invalid("pack", "its result names no archive");
  for (const Json& entry : json["files"].items()) {
    PackedFile file;
    file.number = static_cast<uint32_t>(entry["number"].as_uint());
    file.kind = entry["kind"].as_string();
    file.step_id = entry["step_id"].as_string();
    file.path = entry["path"].as_string();
    file.size_bytes = entry["size_bytes"].as_uint();
    file.sha256 = entry["sha256"].as_string();
    if (file.path.empty() || file.sha256.size() != 64)
      return invalid("pack", "its result has a file without path or hash");
    packed.files.push_back(std::move(file));
  }
  return packed;
}

}  // namespace osiris::rpc
