// osiris components list|show: what a pipeline can be made of.
#include "host/commands/commands.h"
#include "host/display/format.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

struct ListOptions {
  std::string mode;
  bool runnable = false;
  bool allow_mock = false;
};

void add_list_options(CLI::App& command, ListOptions& options) {
  command.add_option("--mode", options.mode, "only components of this mode (extract, transform, write)")
      ->type_name("MODE");
  command.add_flag("--runnable", options.runnable, "only components that have a driver");
  command.add_flag("--allow-mock", options.allow_mock)->group("");
}

int list(const CommandContext& context, const ListOptions& options) {
  const auto workspace = load_workspace(context);
  if (!workspace.ok()) return fail(context, workspace.error());
  Json out = Json::array();
  Table table({{"Component"}, {"Version"}, {"Modes"}, {"Runs"}, {"Description"}});
  for (const ComponentSpec* spec : workspace->registry.all(options.allow_mock)) {
    if (!options.mode.empty() && !spec->supports(options.mode)) continue;
    if (options.runnable && spec->driver.empty()) continue;
    Json modes = Json::array();
    for (const std::string& mode : spec->modes) modes.push_back(mode);
    out.push_back(Json::object({{"name", spec->name},
                                {"version", spec->version},
                                {"modes", std::move(modes)},
                                {"description", spec->description},
                                {"runnable", !spec->driver.empty()},
                                {"runtime_driver", spec->driver.empty() ? Json() : Json(spec->driver)}}));
    table.row({printable(spec->name), printable(spec->version), printable(join(spec->modes, ", ")),
               spec->driver.empty() ? "no driver yet" : "yes", fit(printable(spec->description), 60)});
  }
  if (context.json)
    print_json(context, out);
  else
    print_text(context, table.text());
  return to_int(ExitCode::kOk);
}

struct ShowOptions {
  std::string name;
};

void add_show_options(CLI::App& command, ShowOptions& options) {
  command.add_option("name", options.name, "component")->required()->type_name("NAME");
}

std::string type_of(const Json& property) {
  const Json& type = property["type"];
  std::string text = type.is_array() ? type.dump() : type.as_string();
  if (const Json& values = property["enum"]; values.is_array()) text += (text.empty() ? "" : " ") + values.dump();
  return text;
}

int show(const CommandContext& context, const ShowOptions& options) {
  const auto workspace = load_workspace(context);
  if (!workspace.ok()) return fail(context, workspace.error());
  const ComponentSpec* spec = workspace->registry.find(options.name);
  if (!spec) {
    return fail(context, Error(Code::kNotFound, "there is no component '" + options.name + "'",
                               workspace->registry.hint_for_unknown(options.name)));
  }
  if (context.json) {
    print_json(context, spec->document);
    return to_int(ExitCode::kOk);
  }
  std::string text = printable(spec->name) + " " + printable(spec->version) + "\n";
  if (!spec->title.empty()) text += printable(spec->title) + "\n";
  if (!spec->description.empty()) text += printable(spec->description, true) + "\n";
  text += "\nModes: " + printable(join(spec->modes, ", ")) + "\nDriver: " +
          (spec->driver.empty() ? std::string("none yet: compiles, cannot run") : printable(spec->driver)) + "\n";
  if (!spec->secret_fields.empty()) text += "Secret fields: " + printable(join(spec->secret_fields, ", ")) + "\n";
  Table table({{"Config key"}, {"Type"}, {"Default"}, {"Required"}, {"Description"}});
  for (const auto& [key, property] : spec->config_schema["properties"].members()) {
    bool required = false;
    for (const Json& name : spec->config_schema["required"].items()) required = required || name.as_string() == key;
    table.row({printable(key), printable(type_of(property)),
               property.contains("default") ? property["default"].dump() : "", required ? "yes" : "",
               fit(printable(property["description"].as_string()), 60)});
  }
  print_text(context, text + "\n" + table.text());
  return to_int(ExitCode::kOk);
}

}  // namespace

void add_components_commands(const CommandTable& table) {
  CLI::App* components = table.app.add_subcommand("components", "What a pipeline can be made of");
  components->require_subcommand(1);
  table.add<ListOptions>("list", "List components", add_list_options, list, components);
  table.add<ShowOptions>("show", "Show a component and its config keys", add_show_options, show, components);
}

}  // namespace osiris
