// The extension osiris.resources/1: what osiris has on the machine, listed and released outside any run.
#include "adapter.h"

namespace ssh_adapter {
namespace {

constexpr const char* kDirectory = "ssh.directory";
constexpr const char* kWorker = "ssh.worker";

// Whether the filter's list `key` holds `word`. The words are run ids: what is not one is in no list.
bool lists(const plugin::ResourceQuery& query, std::string_view key, const std::string& word) {
  return sdk::json_list_holds(query.filter_json, key, word);
}

}  // namespace

std::string SshAdapter::list_resources(const plugin::ResourceQuery& query) {
  check_options();
  const std::string kind = sdk::json_member(query.filter_json, "kind");
  const std::string owner = sdk::json_member(query.filter_json, "owner_id");
  const bool leftovers_only = sdk::json_flag(query.filter_json, "leftovers_only");
  std::string resources;
  const auto add = [&](const std::string& text) { resources += (resources.empty() ? "" : ",") + text; };
  const Listing listing = far_side().list();
  for (const Run& run : listing.runs) {
    if (!kind.empty() && kind != kDirectory) continue;
    if (!owner.empty() && owner != run.owner) continue;
    const bool leftover = !owner.empty() && lists(query, "dead_run_ids", run.id());
    if (leftovers_only && !leftover) continue;
    add(std::string(R"({"kind":"ssh.directory","id":)") + sdk::json_string(place_of(run.directory)) + R"(,"state":")" +
        (run.alive ? "running" : "stopped") + R"(","run_id":)" + sdk::json_string(run.id()) + R"(,"owner_id":)" +
        sdk::json_string(run.owner) + R"(,"leftover":)" + (leftover ? "true" : "false") + "}");
  }
  // The worker is of no run and of no owner: every run of the same one uses it.
  if (owner.empty() && !leftovers_only && (kind.empty() || kind == kWorker))
    for (const std::string& file : listing.workers)
      add(R"({"kind":"ssh.worker","id":)" + sdk::json_string(config_.directory + "/" + file) + R"(,"leftover":false})");
  return R"({"schema":"osiris.resources/1","resources":[)" + resources + "]}";
}

std::string SshAdapter::release_resource(const plugin::ResourceQuery& query) {
  check_options();
  const std::string kind(query.kind), id(query.id);
  const std::string parent = config_.directory + (kind == kDirectory ? "/runs/" : "/");
  const std::string name = id.compare(0, parent.size(), parent) == 0 ? id.substr(parent.size()) : std::string();
  if (!is_plain_name(name) || (kind == kWorker && name.compare(0, 7, "worker-") != 0))
    throw plugin::Failure(OSIRIS_INVALID_ARGUMENT, "\"" + id + "\" is nothing that this adapter makes",
                          "osiris resources list --adapter ssh shows what there is.");
  if (kind == kDirectory)
    far_side().remove_run(name, sdk::Milliseconds(0));
  else if (kind == kWorker)
    far_side().remove_worker(name);
  else
    throw plugin::Failure(OSIRIS_INVALID_ARGUMENT, "ssh holds no resources of kind " + kind,
                          "Kinds are ssh.directory and ssh.worker.");
  return R"({"schema":"osiris.released/1","released":[{"kind":)" + sdk::json_string(kind) + R"(,"id":)" +
         sdk::json_string(id) + R"(,"verified":true}]})";
}

}  // namespace ssh_adapter
