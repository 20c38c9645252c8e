// osiris adapters list|show: what can run pipelines here. Listing reads manifests; only `show` loads a library.
#include "host/adapters/discovery.h"
#include "host/adapters/library_file.h"
#include "host/adapters/loader.h"
#include "host/commands/commands.h"
#include "host/commands/interruptible.h"
#include "host/display/format.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

struct Options {
  std::string name;
  std::vector<std::string> directories;
};

void add_list_options(CLI::App& command, Options& options) {
  command.add_option("--adapter-dir", options.directories, "look for adapters there first, repeatable")
      ->type_name("DIR")
      ->allow_extra_args(false);
}

void add_show_options(CLI::App& command, Options& options) {
  add_list_options(command, options);
  command.add_option("name", options.name, "adapter")->required()->type_name("NAME");
}

std::vector<SearchDirectory> places_of(const CommandContext& context, const Options& options) {
  std::vector<std::filesystem::path> directories;
  for (const std::string& directory : options.directories)
    directories.push_back((context.cwd / directory).lexically_normal());
  return search_directories(process_search_inputs(std::move(directories)));
}

int list(const CommandContext& context, const Options& options) {
  const auto places = places_of(context, options);
  Json out = Json::array();
  Table table({{"Adapter"}, {"Version"}, {"Build"}, {"From"}, {"Note"}});
  for (const FoundAdapter& found : list_adapters(places)) {
    const std::string note = !found.problem.empty() ? found.problem
                             : found.shadowed       ? "shadowed by an earlier place"
                                                    : found.manifest.summary;
    const auto info = found.problem.empty() ? library_info(found.manifest.library) : std::nullopt;
    const std::string build = info ? info->build : "";
    table.row({printable(found.id), printable(found.manifest.version), printable(build),
               printable(found.manifest.file.string()), printable(note)});
    Json secrets = Json::array();
    for (const std::string& secret : found.manifest.secrets) secrets.push_back(secret);
    out.push_back(Json::object({{"id", found.id},
                                {"version", found.manifest.version},
                                {"summary", found.manifest.summary},
                                {"build", build},
                                {"manifest", found.manifest.file.string()},
                                {"origin", found.origin},
                                {"shadowed", found.shadowed},
                                {"problem", found.problem.empty() ? Json() : Json(found.problem)},
                                {"secrets", std::move(secrets)},
                                {"network", found.manifest.network}}));
  }
  if (context.json) {
    print_json(context, out);
    return to_int(ExitCode::kOk);
  }
  std::string text = table.empty() ? "No adapters found.\n" : table.text();
  if (table.empty() || context.verbose) {
    text += "Looked in:\n";
    for (const SearchDirectory& place : places)
      text += "  " + printable(place.directory.string()) + "  (" + place.origin + ")" +
              (place.ignored.empty() ? "" : " ignored: " + printable(place.ignored)) + "\n";
  }
  print_text(context, text);
  return to_int(ExitCode::kOk);
}

int show(const CommandContext& context, const Options& options) {
  const auto adapter = load_adapter_interruptibly(context, options.name, places_of(context, options));
  if (!adapter.ok()) return fail_adapter(context, adapter.error());
  if (context.json) {
    print_json(context, describe_adapter(*adapter));
    return to_int(ExitCode::kOk);
  }
  std::string text = printable(adapter->id()) + " " + printable(adapter->version()) + "\n";
  if (!adapter->manifest.summary.empty()) text += printable(adapter->manifest.summary) + "\n";
  text += "\nLibrary: " + printable(adapter->library.string()) +
          "\nManifest: " + printable(adapter->manifest.file.string()) + "\n";
  if (!adapter->build.empty()) text += "Build: " + printable(adapter->build) + "\n";
  const Json secrets = describe_adapter(*adapter)["secrets"];
  text += "Secrets it may see: " + (secrets.size() ? std::string() : std::string("none of its own"));
  for (size_t i = 0; i < secrets.size(); ++i)
    text += (i ? ", " : "") + printable(secrets.items()[i]["name"].as_string());
  text += " (and those of the connections a pipeline uses)\n";
  Table table({{"Option"}, {"Value"}, {"Default"}, {"Variable"}, {"Config key"}, {"Meaning"}});
  for (const OptionSpec& spec : option_specs(*adapter->type)) {
    if (spec.hidden) continue;
    table.row({printable(spec.flag), printable(spec.value_name), printable(spec.default_value.value_or("")),
               printable(join(variables_of(spec), ", ")), printable(spec.key), printable(spec.help)});
  }
  print_text(context, table.empty() ? text : text + "\n" + table.text());
  return to_int(ExitCode::kOk);
}

}  // namespace

void add_adapters_commands(const CommandTable& table) {
  CLI::App* adapters = table.app.add_subcommand("adapters", "The adapters that can run pipelines");
  adapters->require_subcommand(1);
  table.add<Options>("list", "List adapters and where they were found", {"osiris adapters list"}, add_list_options,
                     list, adapters);
  add_adapters_new_command(table, adapters);
  table.add<Options>("show", "Show an adapter, its options and the secrets it may see", {"osiris adapters show local"},
                     add_show_options, show, adapters);
  add_adapters_check_command(table, adapters);
  add_adapters_trust_command(table, adapters);
}

}  // namespace osiris
