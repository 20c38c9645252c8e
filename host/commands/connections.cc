// osiris connections list: what osiris_connections.yaml holds, without any value that is secret.

#include "host/commands/commands.h"
#include "host/commands/connections_doctor.h"
#include "host/display/format.h"
#include "protocol/base/secret_names.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

struct ListOptions {
  bool mcp = false;
};

void add_list_options(CLI::App& command, ListOptions& options) {
  command.add_flag("--mcp", options.mcp, "a flat list with references (with --json)");
}

std::map<std::string, std::vector<std::string>> secret_fields(const ComponentRegistry& registry) {
  std::map<std::string, std::vector<std::string>> fields;
  for (const ComponentSpec* spec : registry.all(true)) {
    std::vector<std::string>& of_family = fields[spec->family()];
    of_family.insert(of_family.end(), spec->secret_fields.begin(), spec->secret_fields.end());
  }
  return fields;
}

// "reader@127.0.0.1:3306/shop", the url, or the first two fields.
std::string info_of(const Json& config) {
  const auto text = [&](const char* key) {
    const Json& value = config[key];
    return value.is_string() ? value.as_string() : value.is_null() ? std::string() : value.dump();
  };
  if (const std::string host = text("host"); !host.empty()) {
    std::string info = text("user").empty() ? host : text("user") + "@" + host;
    if (!text("port").empty()) info += ":" + text("port");
    if (!text("database").empty()) info += "/" + text("database");
    return info;
  }
  for (const char* key : {"url", "endpoint"})
    if (!text(key).empty()) return text(key);
  std::vector<std::string> parts;
  for (const auto& [key, value] : config.members()) {
    const std::string shown = text(key.c_str());
    if (parts.size() < 2 && key != "default" && shown.find(kMasked) == std::string::npos)
      parts.push_back(key + "=" + shown);
  }
  return join(parts, ", ");
}

int list(const CommandContext& context, const ListOptions& options) {
  const auto workspace = load_workspace(context);
  if (!workspace.ok()) return fail(context, workspace.error());
  const Json described = workspace->connections.describe(secret_fields(workspace->registry));
  if (context.json) {
    if (!options.mcp) {
      print_json(context, Json::object({{"connections", described}}));
      return to_int(ExitCode::kOk);
    }
    Json flat = Json::array();
    for (const auto& [family, aliases] : described.members())
      for (const auto& [alias, entry] : aliases.members()) {
        Json item = Json::object({{"reference", "@" + family + "." + alias}, {"family", family}, {"alias", alias}});
        for (const auto& [key, value] : entry.members()) item.set(key, value);
        flat.push_back(std::move(item));
      }
    print_json(context, flat);
    return to_int(ExitCode::kOk);
  }
  if (described.size() == 0) {
    print_text(context, workspace->connections.has_file()
                            ? "No connections in " + printable(workspace->connections.file().string()) + "\n"
                            : "No osiris_connections.yaml found.\n");
    return to_int(ExitCode::kOk);
  }
  std::string text;
  for (const auto& [family, aliases] : described.members()) {
    std::string title = family;
    for (char& c : title) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    Table table({{"Alias"}, {"Default"}, {"Connection Info"}, {"Environment Variables"}});
    for (const auto& [alias, entry] : aliases.members()) {
      std::vector<std::string> variables;
      for (const auto& [name, set] : entry["env_vars"].members())
        variables.push_back(name + (set.as_bool() ? " ✓" : " ✗"));
      table.row({printable(alias), entry["is_default"].as_bool() ? "✓" : "", printable(info_of(entry["config"])),
                 printable(join(variables, ", "))});
    }
    text += (text.empty() ? "" : "\n") + printable(title) + " Connections:\n" + table.text();
  }
  print_text(context, text);
  return to_int(ExitCode::kOk);
}

}  // namespace

void add_connections_commands(const CommandTable& table) {
  CLI::App* connections = table.app.add_subcommand("connections", "What pipelines can connect to");
  connections->require_subcommand(1);
  table.add<ListOptions>("list", "List connections, values of secrets masked", {"osiris connections list"},
                         add_list_options, list, connections);
  add_doctor_command(table, *connections);
}

}  // namespace osiris
