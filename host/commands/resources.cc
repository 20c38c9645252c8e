// osiris resources list|release|reap, also under the name that an adapter's manifest gives its resources: the
// remote resources an adapter holds for this user. Reaping releases leftovers only: resources with this user's mark
// whose run is known, on this machine, to be dead.
#include <algorithm>

#include "host/commands/commands.h"
#include "host/commands/standalone_adapter.h"
#include "host/display/format.h"
#include "host/run/resources.h"
#include "host/run/user_state.h"

namespace osiris {
namespace {

struct Options {
  std::string kind;
  std::vector<std::string> ids;
  bool all = false;
  FlagValues adapter_flags;
};

ResourceQuery query_of(const CommandContext& context) {
  return {user_settings(context, UserState(context.environment)).dump(), {}, {}, {}};
}

// What of the adapter's resources is asked for.
ResourceQuery list_query(const CommandContext& context, const Options& options, bool leftovers_only) {
  const UserState state(context.environment);
  Json out = Json::object();
  if (!options.kind.empty()) out.set("kind", options.kind);
  if (!options.all || leftovers_only)
    if (const auto owner = state.owner_id(); owner.ok()) out.set("owner_id", *owner);
  Json live = Json::array(), dead = Json::array();
  for (const std::string& run : state.live_run_ids()) live.push_back(run);
  for (const std::string& run : state.dead_run_ids()) dead.push_back(run);
  out.set("live_run_ids", std::move(live));
  out.set("dead_run_ids", std::move(dead));
  if (leftovers_only) out.set("leftovers_only", Json(true));
  ResourceQuery query = query_of(context);
  query.filter = std::move(out);
  return query;
}

// A failure of the service is the adapter's failure, whatever its code.
int fail_remote(const CommandContext& context, const Error& error) {
  return fail(context, error, Json::object(), ErrorSource::kService);
}

int list(const CommandContext& context, const Options& options, StandaloneAdapter& session) {
  const StageOutcome listed = session.instance().list_resources(list_query(context, options, false));
  if (!listed.ok()) return fail_remote(context, listed.status.error());
  if (context.json) {
    print_json(context, listed.document);
    return to_int(ExitCode::kOk);
  }
  Table table({{"Kind"}, {"Id"}, {"Of"}, {"State"}, {"Shape"}, {"Run"}, {"Created"}, {"Expires"}});
  for (const Json& resource : listed.document["resources"].items()) {
    const auto text = [&](const char* key) { return printable(resource[key].as_string()); };
    std::string state = text("state");
    if (resource["leftover"].as_bool()) state += ", leftover";
    if (resource["kept"].as_bool()) state += ", kept";
    std::string shape;
    if (const int64_t cpus = resource["cpu_count"].as_int())
      shape = std::to_string(cpus) + (cpus == 1 ? " CPU" : " CPUs");
    if (const uint64_t mib = resource["memory_mb"].as_uint())
      shape += (shape.empty() ? "" : ", ") + format_bytes(mib << 20);
    table.row({text("kind"), text("id"), resource.contains("name") ? text("name") : text("pipeline_id"), state, shape,
               text("run_id"), text("created_at"), text("expires_at")});
  }
  print_text(context, table.empty() ? "Nothing is held.\n" : table.text());
  return to_int(ExitCode::kOk);
}

// Goes on after a failure: the more is released, the better.
int release_all(const CommandContext& context, StandaloneAdapter& session,
                const std::vector<std::pair<std::string, std::string>>& resources) {
  Json released = Json::array();
  std::optional<Error> first;
  ResourceQuery query = query_of(context);
  for (const auto& [kind, id] : resources) {
    query.kind = kind;
    query.id = id;
    const StageOutcome outcome = session.instance().release_resource(query);
    const Status proven = outcome.ok() ? proof_of_release(outcome.document, kind, id) : outcome.status;
    if (!proven.ok()) {
      print_note(context, "❌ " + kind + " " + id + ": " + proven.error().message);
      if (!proven.error().hint.empty()) print_note(context, "   💡 " + proven.error().hint);
      if (!first) first = proven.error();
      continue;
    }
    released.push_back(Json::object({{"kind", kind}, {"id", id}}));
    print_text(context, "✓ released " + printable(kind) + " " + printable(id) + "\n");
  }
  if (context.json)
    print_json(context, Json::object({{"status", first ? "error" : "success"}, {"released", released}}));
  else if (resources.empty())
    print_text(context, "Nothing to release.\n");
  return to_int(first ? exit_code_for(*first, ErrorSource::kService) : ExitCode::kOk);
}

// All that the adapter holds for this user, but for what runs that go on are using.
int release_everything(const CommandContext& context, const Options& options, StandaloneAdapter& session) {
  if (const auto owner = UserState(context.environment).owner_id(); !owner.ok()) return fail(context, owner.error());
  Options of_this_user = options;
  of_this_user.all = false;
  const StageOutcome listed = session.instance().list_resources(list_query(context, of_this_user, false));
  if (!listed.ok()) return fail_remote(context, listed.status.error());
  const std::vector<std::string> live = UserState(context.environment).live_run_ids();
  std::vector<std::pair<std::string, std::string>> resources;
  for (const Json& resource : listed.document["resources"].items())
    if (std::find(live.begin(), live.end(), resource["run_id"].as_string()) == live.end())
      resources.emplace_back(resource["kind"].as_string(), resource["id"].as_string());
  return release_all(context, session, resources);
}

int release(const CommandContext& context, const Options& options, StandaloneAdapter& session) {
  if (options.all == !options.ids.empty())
    return fail(context, Error(Code::kInvalidArgument, options.all ? "--all and ids exclude each other" : "No id given",
                               "name ids, or --all"));
  if (options.all) return release_everything(context, options, session);
  const std::string& kind = options.kind.empty() ? session.manifest().resource_kind : options.kind;
  if (kind.empty())
    return fail(context,
                Error(Code::kInvalidArgument, "the adapter has several kinds of resources", "say which: --kind KIND"));
  std::vector<std::pair<std::string, std::string>> resources;
  for (const std::string& id : options.ids) resources.emplace_back(kind, id);
  return release_all(context, session, resources);
}

int reap(const CommandContext& context, const Options& options, StandaloneAdapter& session) {
  const StageOutcome listed = session.instance().list_resources(list_query(context, options, true));
  if (!listed.ok()) return fail_remote(context, listed.status.error());
  std::vector<std::pair<std::string, std::string>> resources;
  // Whatever the adapter calls a leftover: only this user's, of runs that are known, here and now, to be dead.
  const std::vector<std::string> dead = UserState(context.environment).dead_run_ids();
  const auto is_dead = [&](const std::string& run) { return std::find(dead.begin(), dead.end(), run) != dead.end(); };
  const auto owner = UserState(context.environment).owner_id();
  if (!owner.ok()) return fail(context, owner.error());
  for (const Json& resource : listed.document["resources"].items())
    if (resource["leftover"].as_bool() && resource["owner_id"].as_string() == *owner &&
        is_dead(resource["run_id"].as_string()))
      resources.emplace_back(resource["kind"].as_string(), resource["id"].as_string());
  return release_all(context, session, resources);
}

using Action = int (*)(const CommandContext&, const Options&, StandaloneAdapter&);

template <Action act>
int asked(const CommandContext& context, const AdapterFlags& adapters, const Options& options) {
  if (!adapters.adapter().ok()) return fail_adapter(context, adapters.adapter().error());
  Diagnostics diagnostics("osiris.yaml");
  const Project project = Project::load(context.place, context.environment, diagnostics);
  const auto resolved = resolve_adapter_options(context, project, *adapters.adapter(), options.adapter_flags);
  if (!resolved.ok()) return fail(context, resolved.error());
  const auto session = StandaloneAdapter::open(context, *adapters.adapter(), *resolved);
  if (!session.ok()) return fail(context, session.error());
  if (!(*session)->instance().has_resources())
    return fail(context, Error(Code::kUnsupported, "adapter " + adapters.id() + " has no remote resources",
                               "choose another adapter with --adapter"));
  return act(context, options, **session);
}

void add_kind(CLI::App& command, Options& options) {
  command.add_option("--kind", options.kind, "only resources of this kind")->type_name("KIND");
}
void add_list_options(CLI::App& command, Options& options) {
  add_kind(command, options);
  command.add_flag("--all", options.all, "everything the account shows, other users' resources included");
}
void add_release_options(CLI::App& command, Options& options) {
  add_kind(command, options);
  command.add_option("ids", options.ids, "what to release")->type_name("ID");
  command.add_flag("--all", options.all, "everything of this user that no run is using");
}

}  // namespace

void add_resources_commands(const CommandTable& table) {
  std::vector<std::string> names = {"resources"};
  for (const std::string& noun : table.adapter_flags.resources_nouns())
    if (!subcommand(table.app, noun)) names.push_back(noun);
  for (const std::string& name : names) {
    CLI::App* parent = table.app.add_subcommand(name, "An adapter's remote resources");
    parent->require_subcommand(1);
    table.add_with_adapter<Options>("list", "List resources of this user", {"osiris " + name + " list"},
                                    add_list_options, asked<list>, parent);
    table.add_with_adapter<Options>("release", "Release resources by id, or all of this user",
                                    {"osiris " + name + " release ID", "osiris " + name + " release --all"},
                                    add_release_options, asked<release>, parent);
    table.add_with_adapter<Options>("reap", "Release leftovers of runs that died", {"osiris " + name + " reap"},
                                    add_kind, asked<reap>, parent);
  }
}

}  // namespace osiris
