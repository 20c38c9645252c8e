// The extension osiris.resources/1: what this account holds at E2B, listed and released outside any run.
#include <set>

#include "plugins/e2b/adapter.h"
#include "plugins/e2b/api/templates.h"
#include "plugins/e2b/failures.h"

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
                       {"owner_id", value(adapter_sdk::meta::kOwner)},
                       {"run_id", value(adapter_sdk::meta::kRun)},
                       {"pipeline_id", value(adapter_sdk::meta::kPipeline)},
                       {"kept", !value(adapter_sdk::meta::kKeep).empty()},
                       {"leftover", leftover}});
}

}  // namespace

std::string E2bAdapter::list_resources(const plugin::ResourceQuery& query) {
  const auto parsed = query.filter_json.empty() ? Result<Json>(Json::object()) : parse_json(query.filter_json);
  if (!parsed) throw to_failure(parsed.error().within("the filter"));
  const Json& filter = *parsed;
  ApiClient& api = e2b().api();
  const std::string& owner = filter["owner_id"].as_string();
  const bool leftovers_only = filter["leftovers_only"].as_bool();
  std::set<std::string> dead;
  for (const Json& run : filter["dead_run_ids"].items()) dead.insert(run.as_string());

  Json resources = Json::array();
  if (is_wanted(filter, "sandbox")) {
    std::map<std::string, std::string> metadata;
    if (!owner.empty()) metadata[adapter_sdk::meta::kOwner] = owner;
    for (const Sandbox& sandbox : value_or_throw(find_by_metadata(api, metadata))) {
      const auto run = sandbox.metadata.find(adapter_sdk::meta::kRun);
      const bool ours =
          sandbox.metadata.count(adapter_sdk::meta::kOwner) > 0 && !owner.empty() && run != sandbox.metadata.end();
      // A kept sandbox is meant to outlive its run; its lease ends it.
      const bool leftover =
          ours && dead.count(run->second) > 0 && sandbox.metadata.count(adapter_sdk::meta::kKeep) == 0;
      if (!leftovers_only || leftover) resources.push_back(describe(sandbox, leftover));
    }
  }
  if (is_wanted(filter, "template") && !leftovers_only) {
    for (const ListedTemplate& entry : value_or_throw(list_templates(api)))
      resources.push_back(Json::object({{"kind", "template"},
                                        {"id", entry.template_id},
                                        {"name", entry.name},
                                        {"cpu_count", entry.cpu_count},
                                        {"memory_mb", entry.memory_mb},
                                        {"created_at", entry.created_at},
                                        {"leftover", false}}));
  }
  return Json::object({{"schema", "osiris.resources/1"}, {"resources", resources}}).dump();
}

std::string E2bAdapter::release_resource(const plugin::ResourceQuery& query) {
  E2bPlace& service = e2b();
  const std::string kind(query.kind), name(query.id);
  for (const char c : name)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
      throw to_failure(Error(Code::kInvalidArgument, "\"" + name + "\" is no id of E2B's"));
  if (kind == "sandbox")
    adapter_sdk::kill_and_verify(service, name, config_.retry_budget);
  else if (kind == "template")
    check_or_throw(delete_template(service.api(), name));
  else
    throw to_failure(
        Error(Code::kInvalidArgument, "e2b holds no resources of kind " + kind, "Kinds are sandbox and template."));
  const Json released = Json::array({Json::object({{"kind", kind}, {"id", name}, {"verified", true}})});
  return Json::object({{"schema", "osiris.released/1"}, {"released", released}}).dump();
}

}  // namespace osiris::e2b
