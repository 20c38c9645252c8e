// osiris schema [pipeline|connections]: JSON Schemas for editors.
#include "host/commands/schema.h"

#include "host/commands/commands.h"
#include "host/compiler/json_schema.h"
#include "host/display/format.h"
#include "protocol/base/file.h"

namespace osiris {
namespace {

struct Options {
  std::string file = "pipeline";
  bool write = false;
};

void add_options(CLI::App& command, Options& options) {
  command.add_option("file", options.file, "pipeline (the default) or connections: whose schema")
      ->check(CLI::IsMember({"pipeline", "connections"}))
      ->type_name("FILE");
  command.add_flag("--write", options.write, "write both below .osiris/schemas of the project instead");
}

int run(const CommandContext& context, const Options& options) {
  const auto workspace = load_workspace(context);
  if (!workspace.ok()) return fail(context, workspace.error());
  if (options.write) {
    const std::filesystem::path& project = context.place.directory;
    if (const Status written = write_schemas(project, workspace->registry); !written.ok())
      return fail(context, written.error());
    Json files = Json::array();
    for (const char* file : {kPipelineSchemaFile, kConnectionsSchemaFile}) {
      files.push_back((project / file).string());
      print_text(context, printable((project / file).string()) + "\n");
    }
    if (context.json) print_json(context, Json::object({{"files", std::move(files)}}));
    return to_int(ExitCode::kOk);
  }
  const Json schema =
      options.file == "pipeline" ? oml_json_schema(workspace->registry) : connections_json_schema(workspace->registry);
  print_json(context, schema);
  return to_int(ExitCode::kOk);
}

}  // namespace

Status write_schemas(const std::filesystem::path& project, const ComponentRegistry& registry) {
  const std::pair<const char*, Json> files[] = {{kPipelineSchemaFile, oml_json_schema(registry)},
                                                {kConnectionsSchemaFile, connections_json_schema(registry)}};
  for (const auto& [name, schema] : files) {
    OSIRIS_TRY(make_directories((project / name).parent_path()));
    OSIRIS_TRY(write_file_atomically(project / name, schema.dump_pretty() + "\n"));
  }
  return {};
}

void add_schema_command(const CommandTable& table) {
  table.add<Options>("schema", "Print the JSON Schema of a file, for editors",
                     {"osiris schema connections", "osiris schema --write"}, add_options, run);
}

}  // namespace osiris
