// osiris components list|show: what a pipeline can be made of.
#include <algorithm>

#include "host/commands/commands.h"
#include "host/compat/pyyaml_emitter.h"
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
  command.add_option("--mode", options.mode, "only components of this mode (read, transform, write)")
      ->type_name("MODE");
  command.add_flag("--runnable", options.runnable, "only components that have a driver");
  command.add_flag("--allow-mock", options.allow_mock)->group("");
}

constexpr size_t kDescriptionWidth = 60;  // on a terminal; elsewhere nothing is cut

int list(const CommandContext& context, const ListOptions& options) {
  const auto workspace = load_workspace(context);
  if (!workspace.ok()) return fail(context, workspace.error());
  Json out = Json::array();
  Table table({{"Component"}, {"Version"}, {"Modes"}, {"Runs"}, {"Description"}});
  for (const ComponentSpec* spec : workspace->registry.all(options.allow_mock)) {
    const auto modes_of_oml = spec->oml_modes();
    const bool in_oml = std::find(modes_of_oml.begin(), modes_of_oml.end(), options.mode) != modes_of_oml.end();
    if (!options.mode.empty() && !spec->supports(options.mode) && !in_oml) continue;
    if (options.runnable && spec->driver.empty()) continue;
    Json modes = Json::array();
    for (const std::string& mode : spec->modes) modes.push_back(mode);
    out.push_back(Json::object({{"name", spec->name},
                                {"version", spec->version},
                                {"modes", std::move(modes)},
                                {"description", spec->description},
                                {"runnable", !spec->driver.empty()},
                                {"runtime_driver", spec->driver.empty() ? Json() : Json(spec->driver)}}));
    const std::string description = printable(spec->description);
    table.row({printable(spec->name), printable(spec->version), printable(join(spec->oml_modes(), ", ")),
               spec->driver.empty() ? "no driver yet" : "yes",
               context.out.interactive ? fit(description, kDescriptionWidth) : description});
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

std::string plain_text(const Json& value) { return value.is_string() ? value.as_string() : value.dump(); }

std::string joined(const Json& list, std::string_view separator) {
  std::vector<std::string> texts;
  for (const Json& item : list.items()) texts.push_back(plain_text(item));
  return join(texts, separator);
}

// "string or null", "lf | crlf", "integer 1 to 65535".
std::string type_of(const Json& property) {
  if (property["enum"].is_array()) return joined(property["enum"], " | ");
  const Json& type = property["type"];
  std::string text = type.is_array() ? joined(type, " or ") : type.as_string();
  const Json &least = property["minimum"], &most = property["maximum"];
  if (least.is_number() && most.is_number()) return text + " " + least.dump() + " to " + most.dump();
  if (least.is_number()) text += " from " + least.dump();
  if (most.is_number()) text += " up to " + most.dump();
  return text;
}

bool is_required(const ComponentSpec& spec, const std::string& key) {
  for (const Json& name : spec.config_schema["required"].items())
    if (name.as_string() == key) return true;
  return false;
}

std::string config_table(const ComponentSpec& spec) {
  Table table({{"Config key"}, {"Type"}, {"Default"}, {"Required"}, {"Meaning"}});
  for (const auto& [key, property] : spec.config_schema["properties"].members()) {
    if (spec.connection_field(key)) continue;
    const Json& fallback = property["default"];
    table.row({printable(key), printable(type_of(property)),
               fallback.is_null() ? "" : printable(fallback.is_string() ? fallback.dump() : plain_text(fallback)),
               is_required(spec, key) ? "yes" : "", printable(property["description"].as_string())});
  }
  std::string text = table.empty() ? "" : table.text();
  for (const char* rule : {"oneOf", "anyOf"}) {
    std::vector<std::string> alternatives;
    for (const Json& alternative : spec.config_schema[rule].items())
      if (alternative["required"].is_array()) alternatives.push_back(joined(alternative["required"], " with "));
    if (!alternatives.empty())
      text += std::string(rule == std::string_view("oneOf") ? "Exactly" : "At least") +
              " one of: " + printable(join(alternatives, ", ")) + "\n";
  }
  return text;
}

// A reference to a connection, and what may stand in that connection.
std::string connection_section(const ComponentSpec& spec) {
  if (spec.connection_fields.empty() && spec.connection_schema.size() == 0) return {};
  std::string text = "\nconnection: \"@" + printable(spec.family()) + ".ALIAS\"" +
                     (spec.connection_optional  ? "  (may be left out)"
                      : spec.default_connection ? "  (left out: the family's default)"
                                                : "") +
                     "\n";
  Table table({{"Connection field"}, {"Type"}, {"In the step"}, {"Meaning"}});
  for (const ConnectionField& field : spec.connection_fields) {
    const Json& property = spec.property(field.name);
    const bool secret = spec.is_secret(field.name);
    table.row({printable(field.name), printable(type_of(property)),
               secret                                                  ? "no, it is secret"
               : field.policy == ConnectionField::Override::kForbidden ? "no"
               : field.policy == ConnectionField::Override::kWarning   ? "wins, with a warning"
                                                                       : "wins",
               printable(property["description"].as_string())});
  }
  for (const auto& [name, property] : spec.connection_schema.members())
    if (!spec.connection_field(name))
      table.row({printable(name), printable(type_of(property)), "no", printable(property["description"].as_string())});
  return text + table.text();
}

// What becomes of types and values.
std::string types_section(const ComponentSpec& spec) {
  std::string text;
  for (const Json& note : spec.document["x-osiris"]["types"].items()) text += "  " + printable(note.as_string()) + "\n";
  return text.empty() ? text : "\nTypes:\n" + text;
}

// As a step of a pipeline, ready to be copied.
std::string examples_section(const ComponentSpec& spec) {
  std::string text;
  const std::vector<std::string> modes = spec.oml_modes();
  for (const Json& example : spec.document["examples"].items()) {
    text += "\nExample: " + printable(example["title"].as_string()) +
            "\n  - id: my-step\n    component: " + printable(spec.name) +
            "\n    mode: " + (modes.empty() ? "" : modes.front()) + "\n    config:\n";
    for (const std::string& line : split(emit_yaml(example["config"]), '\n'))
      if (!line.empty() && line != "---" && line != "...") text += "      " + printable(line) + "\n";
  }
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
  text += "\nmode: " + printable(join(spec->oml_modes(), ", ")) + "\nDriver: " +
          (spec->driver.empty() ? std::string("none yet: compiles, cannot run") : printable(spec->driver)) + "\n\n";
  print_text(context,
             text + config_table(*spec) + connection_section(*spec) + types_section(*spec) + examples_section(*spec));
  return to_int(ExitCode::kOk);
}

}  // namespace

void add_components_commands(const CommandTable& table) {
  CLI::App* components = table.app.add_subcommand("components", "What a pipeline can be made of");
  components->require_subcommand(1);
  table.add<ListOptions>("list", "List components", {"osiris components list --mode read"}, add_list_options, list,
                         components);
  table.add<ShowOptions>("show", "Show a component, its config keys, types and examples",
                         {"osiris components show filesystem.csv_writer"}, add_show_options, show, components);
}

}  // namespace osiris
