// The extension osiris.resources/1: what this account holds at E2B, listed and released outside any run.
#include <set>

#include "plugins/e2b/adapter.h"

namespace osiris::e2b {
namespace {

bool is_wanted(const Json& filter, std::string_view kind) {
  const Json& wanted = filter["kind"];
  return !wanted.is_string() || wanted.as_string() == kind;
}

Json describe(const Sandbox& sandbox, bool leftover) {
  const auto value = [&](const char* key) {
    const auto found = sandbox.metadata.find(key);
    return found == sandbox.metadata.end() ? std::string() : found->second;
  };
  return Json::object({{"kind", "sandbox"},
                       {"id", sandbox.id},
                       {"state", sandbox.state},
                       {"template", sandbox.template_id},
                       {"cpu_count", sandbox.cpu_count},
                       {"memory_mb", sandbox.memory_mb},
                       {"created_at", sandbox.started_at},
                       {"expires_at", sandbox.end_at},
                       {"owner_id", value(meta::kOwner)},
                       {"run_id", value(meta::kRun)},
                       {"pipeline_id", value(meta::kPipeline)},
                       {"kept", !value(meta::kKeep).empty()},
                       {"leftover", leftover}});
}

}  // namespace

osiris_status E2bAdapter::list_resources(std::string_view filter_json) {
  auto parsed = filter_json.empty() ? Result<Json>(Json::object()) : parse_json(filter_json);
  if (!parsed) return host_.fail(parsed.error().within("the filter"));
  const Json& filter = *parsed;
  if (const auto ready = service(); !ready) return host_.fail(ready.error());
  const std::string& owner = filter["owner_id"].as_string();
  const bool leftovers_only = filter["leftovers_only"].as_bool();
  std::set<std::string> dead;
  for (const Json& run : filter["dead_run_ids"].items()) dead.insert(run.as_string());

  Json resources = Json::array();
  if (is_wanted(filter, "sandbox")) {
    std::map<std::string, std::string> metadata;
    if (!owner.empty()) metadata[meta::kOwner] = owner;
    const auto sandboxes = find_by_metadata(service_->api, metadata);
    if (!sandboxes) return host_.fail(sandboxes.error());
    for (const Sandbox& sandbox : *sandboxes) {
      const auto run = sandbox.metadata.find(meta::kRun);
      const bool ours = sandbox.metadata.count(meta::kOwner) > 0 && !owner.empty() && run != sandbox.metadata.end();
      // A kept sandbox outlives its run on purpose; its lease ends it.
      const bool leftover = ours && dead.count(run->second) > 0 && sandbox.metadata.count(meta::kKeep) == 0;
      if (!leftovers_only || leftover) resources.push_back(describe(sandbox, leftover));
    }
  }
  if (is_wanted(filter, "template") && !leftovers_only) {
    const auto templates = list_templates(service_->api);
    if (!templates) return host_.fail(templates.error());
    for (const ListedTemplate& entry : *templates)
      resources.push_back(Json::object({{"kind", "template"}, {"id", entry.template_id}, {"name", entry.name}, {"cpu_count", entry.cpu_count},
                                        {"memory_mb", entry.memory_mb}, {"created_at", entry.created_at}, {"leftover", false}}));
  }
  const Status delivered = host_.deliver("resources", Json::object({{"schema", "osiris.resources/1"}, {"resources", resources}}));
  return delivered ? OSIRIS_OK : host_.fail(delivered.error());
}

osiris_status E2bAdapter::release_resource(std::string_view kind, std::string_view id) {
  if (const auto ready = service(); !ready) return host_.fail(ready.error());
  const std::string name(id);
  for (const char c : name)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
      return host_.fail(Error(Code::kInvalidArgument, "\"" + name + "\" is no id of E2B's"));
  Status status;
  if (kind == "sandbox") {
    status = kill_and_verify(service_->api, name, http::Milliseconds(config_.retry_budget_ms), [this](http::Milliseconds wait) { sleep(wait); });
  } else if (kind == "template") {
    status = delete_template(service_->api, name);
  } else {
    status = Error(Code::kInvalidArgument, "e2b holds no resources of kind " + std::string(kind), "Kinds are sandbox and template.");
  }
  if (!status) return host_.fail(status.error());
  const Status delivered = host_.deliver(
      "released", Json::object({{"schema", "osiris.released/1"}, {"released", Json::array({Json::object({{"kind", kind}, {"id", id}, {"verified", true}})})}}));
  return delivered ? OSIRIS_OK : host_.fail(delivered.error());
}

}  // namespace osiris::e2b
