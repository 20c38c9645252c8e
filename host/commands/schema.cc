// osiris schema [pipeline|connections|project]: JSON Schemas for editors.
#include "host/commands/schema.h"

#include <algorithm>
#include <string_view>

#include "host/commands/commands.h"
#include "host/compiler/json_schema.h"
#include "host/display/format.h"
#include "host/installation/installation.h"
#include "host/project/project_schema.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

// Where a project has each.
struct SchemaFile {
  std::string_view name;
  const char* path;
  Json (*schema)(const ComponentRegistry& registry);
};
constexpr SchemaFile kSchemaFiles[] = {
    {"pipeline", ".osiris/schemas/pipeline.json", oml_json_schema},
    {"connections", ".osiris/schemas/connections.json", connections_json_schema},
    {"project", ".osiris/schemas/project.json", [](const ComponentRegistry&) { return project_json_schema(); }}};

struct Options {
  std::string file = "pipeline";
  std::string document;
  bool write = false;
};

void add_options(CLI::App& command, Options& options) {
  command
      .add_option("file", options.file, "pipeline (the default), connections, or project for osiris.yaml: whose schema")
      ->check(CLI::IsMember({"pipeline", "connections", "project"}));
  command
      .add_option("--document", options.document, "the schema of what a command prints with --json: run, diff, error")
      ->type_name("NAME");
  command.add_flag("--write", options.write, "write all three below .osiris/schemas of the project instead");
}

// <prefix>/share/osiris/schemas/NAME.json.
int print_document_schema(const CommandContext& context, const std::string& name) {
  const std::filesystem::path directory = installed_data_directory(context.executable_directory) / "schemas";
  std::vector<std::string> names;
  std::error_code code;
  for (std::filesystem::directory_iterator entry(directory, code), end; !code && entry != end; entry.increment(code))
    if (entry->path().extension() == ".json") names.push_back(entry->path().stem().string());
  std::sort(names.begin(), names.end());
  if (!std::binary_search(names.begin(), names.end(), name)) {
    const auto near = nearest(name, names);
    return fail(context, Error(Code::kNotFound, "there is no document '" + name + "'",
                               near ? "did you mean '" + *near + "'?" : "there are " + join(names, ", ")));
  }
  const auto text = read_file(directory / (name + ".json"));
  const auto schema = text.ok() ? parse_json(*text) : Result<Json>(text.error());
  if (!schema.ok()) return fail(context, schema.error(), Json::object(), ErrorSource::kService);
  print_json(context, *schema);
  return to_int(ExitCode::kOk);
}

int run(const CommandContext& context, const Options& options) {
  if (!options.document.empty()) return print_document_schema(context, options.document);
  // Of no project's files: they may be what is being mended.
  Diagnostics findings;
  const ComponentRegistry registry =
      ComponentRegistry::load({ComponentRegistry::installed_directory(context.executable_directory)}, findings);
  print_diagnostics(context, findings);
  if (!findings.ok()) return fail(context, findings.to_error());
  if (options.write) {
    const std::filesystem::path& project = context.place.directory;
    if (const Status written = write_schemas(project, registry); !written.ok()) return fail(context, written.error());
    Json files = Json::array();
    for (const SchemaFile& file : kSchemaFiles) {
      files.push_back((project / file.path).string());
      print_text(context, printable((project / file.path).string()) + "\n");
    }
    if (context.json) print_json(context, Json::object({{"files", std::move(files)}}));
    return to_int(ExitCode::kOk);
  }
  for (const SchemaFile& file : kSchemaFiles)
    if (file.name == options.file) print_json(context, file.schema(registry));
  return to_int(ExitCode::kOk);
}

}  // namespace

Status write_schemas(const std::filesystem::path& project, const ComponentRegistry& registry) {
  for (const SchemaFile& file : kSchemaFiles) {
    OSIRIS_TRY(make_directories((project / file.path).parent_path()));
    OSIRIS_TRY(write_file_atomically(project / file.path, file.schema(registry).dump_pretty() + "\n"));
  }
  return {};
}

void add_schema_command(const CommandTable& table) {
  table.add<Options>("schema", "Print the JSON Schema of a file, for editors, or of a document of --json",
                     {"osiris schema connections", "osiris schema --document run", "osiris schema --write"},
                     add_options, run);
}

}  // namespace osiris
