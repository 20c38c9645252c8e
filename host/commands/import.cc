// osiris import: another tool's files as pipelines, as far as it goes, and what is left.
#include <map>
#include <optional>

#include "host/commands/commands.h"
#include "host/compat/pyyaml_emitter.h"
#include "host/display/format.h"
#include "host/importing/dlt.h"
#include "host/importing/sling.h"
#include "host/importing/sql_folder.h"
#include "host/importing/toml_text.h"
#include "host/yaml/node.h"
#include "protocol/base/file.h"
#include "protocol/base/text.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string from, directory = "pipelines";
  std::vector<std::string> connections;
  bool force = false;
};

void add_options(CLI::App& command, Options& options) {
  command
      .add_option("from", options.from,
                  "a replication file of Sling, a directory of SQL files, or dlt's directory .dlt")
      ->required()
      ->type_name("FILE|DIR");
  command.add_option("-o,--output", options.directory, "where the pipelines go (default: pipelines)")->type_name("DIR");
  command
      .add_option("--connection", options.connections,
                  "what kind of system a connection of the file is, repeatable: SHOP=postgres")
      ->type_name("NAME=FAMILY")
      ->allow_extra_args(false);
  command.add_flag("--force", options.force, "overwrite pipelines that are there");
}

Result<std::map<std::string, std::string>> families_of(const std::vector<std::string>& texts) {
  std::map<std::string, std::string> families;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
      return Error(Code::kInvalidArgument, "--connection does not understand '" + text + "'",
                   "write NAME=FAMILY: SHOP=postgres");
    families[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return families;
}

Result<Imported> import_directory(const fs::path& directory) {
  std::map<std::string, std::string> files;
  std::error_code code;
  for (fs::directory_iterator at(directory, code), end; !code && at != end; at.increment(code)) {
    if (at->path().extension() != ".sql" || !at->is_regular_file(code)) continue;
    OSIRIS_ASSIGN(files[at->path().stem().string()], read_file(at->path(), 4u << 20));
  }
  if (code) return errno_error(code.value(), "cannot read", directory);
  return import_sql_folder((directory / "").parent_path().filename().string(), files);
}

// The second is laid over the first.
std::vector<fs::path> dlt_files(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const char* name : {"config", "secrets"}) files.push_back(directory / (std::string(name) + ".toml"));
  return files;
}

// The directory of dlt's files that `from` means: itself, the .dlt in it, or the file's.
std::optional<fs::path> dlt_directory(const fs::path& from) {
  if (from.extension() == ".toml") return from.parent_path();
  std::error_code code;
  for (const fs::path& directory : {from, from / ".dlt"})
    for (const fs::path& file : dlt_files(directory))
      if (fs::is_regular_file(file, code)) return directory;
  return std::nullopt;
}

Result<Imported> import_dlt_files(const fs::path& directory) {
  Json configuration = Json::object();
  for (const fs::path& file : dlt_files(directory)) {
    if (std::error_code code; !fs::exists(file, code)) continue;
    OSIRIS_ASSIGN(const std::string text, read_file(file, 1u << 20));
    OSIRIS_ASSIGN(const Json document, parse_toml(text, file.string()));
    merge_configuration(configuration, document);
  }
  return import_dlt(configuration);
}

Result<Imported> import_from(const CommandContext& context, const Options& options) {
  const fs::path from = (context.cwd / options.from).lexically_normal();
  if (const auto directory = dlt_directory(from)) return import_dlt_files(*directory);
  if (std::error_code code; fs::is_directory(from, code)) return import_directory(from);
  OSIRIS_ASSIGN(const auto families, families_of(options.connections));
  Diagnostics findings(options.from);
  const Json document = parse_yaml_file(from.string(), findings).to_json();
  if (!findings.ok()) return findings.to_error();
  return import_sling(document, families);
}

Result<Json> write_pipelines(const fs::path& directory, const Imported& imported, bool force) {
  for (const ImportedPipeline& pipeline : imported.pipelines) {
    std::error_code code;
    const fs::path file = directory / (pipeline.name + ".yaml");
    if (!force && fs::exists(file, code))
      return Error(Code::kInvalidArgument, file.string() + " is there already, and nothing was written",
                   "--force overwrites it, -o DIR writes elsewhere");
  }
  OSIRIS_TRY(make_directories(directory));
  Json files = Json::array();
  for (const ImportedPipeline& pipeline : imported.pipelines) {
    const fs::path file = directory / (pipeline.name + ".yaml");
    OSIRIS_TRY(write_file_atomically(file, emit_yaml(pipeline.document)));
    files.push_back(file.string());
  }
  return files;
}

// The lines of a connections file that the pipelines ask for.
std::string connections_text(const Imported& imported) {
  std::string text;
  for (const auto& [alias, family] : imported.connections)
    if (family != "filesystem") text += "   " + family + "." + alias + "\n";
  return text.empty() ? "" : "Connections that osiris_connections.yaml has to have:\n" + text;
}

int run(const CommandContext& context, const Options& options) {
  const auto imported = import_from(context, options);
  if (!imported.ok()) return fail(context, imported.error());
  const auto files = write_pipelines(context.cwd / options.directory, *imported, options.force);
  if (!files.ok()) return fail(context, files.error());
  if (context.json) {
    Json left = Json::array(), connections = Json::array();
    for (const std::string& each : imported->left) left.push_back(each);
    for (const auto& [alias, family] : imported->connections) connections.push_back(family + "." + alias);
    print_json(context, Json::object({{"status", "success"},
                                      {"files", *files},
                                      {"connections", std::move(connections)},
                                      {"left", std::move(left)}}));
    return to_int(ExitCode::kOk);
  }
  std::string text = counted(files->size(), "pipeline") + ":\n";
  for (const Json& file : files->items()) text += "   " + printable(file.as_string()) + "\n";
  text += connections_text(*imported);
  if (!imported->left.empty()) text += "Left to you:\n";
  for (const std::string& each : imported->left) text += "   " + printable(each) + "\n";
  print_text(context, text + "Next: osiris validate\n");
  return to_int(ExitCode::kOk);
}

}  // namespace

void add_import_command(const CommandTable& table) {
  table.add<Options>(
      "import", "Make pipelines of another tool's files, as far as it goes",
      {"osiris import replication.yaml --connection SHOP=postgres", "osiris import models/", "osiris import .dlt"},
      add_options, run);
}

}  // namespace osiris
