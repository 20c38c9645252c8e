// osiris init [PATH]: a project with a few rows of data and pipelines that run at once. What differs between templates
// is in host/templates/, a folder each; what a folder lacks is the text here.
#include <map>

#include "host/commands/commands.h"
#include "host/commands/schema.h"
#include "host/display/format.h"
#include "host/installation/installation.h"
#include "protocol/base/file.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string path = ".", project_template = "csv";
  bool force = false;
};

void add_options(CLI::App& command, Options& options) {
  command.add_option("path", options.path, "directory of the project")->type_name("DIR");
  command
      .add_option("--template", options.project_template,
                  "what it begins with: csv (the default), mysql, postgres, python or cloud")
      ->check(CLI::IsMember({"csv", "mysql", "postgres", "python", "cloud"}))
      ->type_name("NAME");
  command.add_flag("--force", options.force, "overwrite files that are there");
}

constexpr std::string_view kConfig =
    R"(# yaml-language-server: $schema=.osiris/schemas/project.json
# A project of osiris; this file marks its directory. Every key is optional: these are the defaults.
version: "2.0"
filesystem:
  profiles:
    enabled: true
    values: [dev, staging, prod]
    default: dev
  pipelines_dir: pipelines
  build_dir: build
  run_logs_dir: run_logs
  retention:  # what `osiris clean` leaves
    run_logs_days: 7
    aiop_keep_runs_per_pipeline: 200
ids:
  run_id_format: [incremental, ulid]

# Options of adapters; `osiris adapters show local` lists them.
# adapters:
#   local:
#     grace: 2  # seconds that running steps may take to stop
)";

constexpr std::string_view kConnections =
    R"(# yaml-language-server: $schema=.osiris/schemas/connections.json
# Copy to osiris_connections.yaml. Secrets stay in variables, so that file may be committed.
version: 1
connections:
  mysql:
    shop:
      default: true
      host: ${SHOP_HOST:-127.0.0.1}
      port: 3306
      database: shop
      user: reader
      password: ${SHOP_PASSWORD}
)";

constexpr std::string_view kEnv = R"(# Copy to .env (never commit that one) and fill in.
SHOP_PASSWORD=
)";

constexpr std::string_view kData = "id,name,age\n1,Ada,36\n2,Ben,17\n3,Cleo,52\n";

constexpr std::string_view kPipeline = R"(# yaml-language-server: $schema=../.osiris/schemas/pipeline.json
oml_version: "0.1.0"
name: hello
steps:
  - id: read-people
    component: filesystem.csv_extractor
    mode: read
    config:
      path: data/people.csv  # paths start at the project's directory, wherever osiris is called
  - id: adults
    component: duckdb.processor
    mode: transform
    needs: [read-people]
    config:
      query: |
        SELECT name, age
        FROM df_read_people
        WHERE age >= 18
        ORDER BY name
  - id: save
    component: filesystem.csv_writer
    mode: write
    needs: [adults]
    config:
      path: output/adults.csv
      column_order: query  # as SELECT has them; without it they are sorted by name
)";

constexpr std::string_view kIgnore = ".env\nbuild/\nrun_logs/\naiop/\n.osiris/\noutput/\n";

// The commands to go on with.
std::vector<std::string> next_commands(const std::string& project_template) {
  if (project_template == "mysql" || project_template == "postgres")
    return {"cat README.md", "cp .env.example .env", "osiris connections doctor"};
  const std::string file = project_template == "python" ? "pipelines/scores.yaml" : "pipelines/hello.yaml";
  return {"osiris validate " + file, "osiris run " + file,
          project_template == "cloud" ? "cat README.md" : "osiris logs last"};
}

using ProjectFiles = std::map<std::string, std::string>;  // by path, below the project

// The template's own files.
Result<ProjectFiles> files_of_template(const fs::path& directory) {
  ProjectFiles files;
  std::error_code code;
  for (fs::recursive_directory_iterator at(directory, code), end; !code && at != end; at.increment(code)) {
    if (!at->is_regular_file(code)) continue;
    OSIRIS_ASSIGN(files[at->path().lexically_relative(directory).string()], read_file(at->path()));
  }
  if (code) return errno_error(code.value(), "cannot read the template in", directory);
  return files;
}

// These, and what every project has.
Result<ProjectFiles> files_of_project(const fs::path& templates, const std::string& name) {
  OSIRIS_ASSIGN(ProjectFiles files, files_of_template(templates / name));
  files.emplace("osiris.yaml", kConfig);
  files.emplace(".gitignore", kIgnore);
  if (name == "csv" || name == "cloud") {
    files.emplace("data/people.csv", kData);
    files.emplace("pipelines/hello.yaml", kPipeline);
  }
  if (name == "csv") {
    files.emplace("osiris_connections.example.yaml", kConnections);
    files.emplace(".env.example", kEnv);
  }
  return files;
}

Result<Json> create(const fs::path& root, const ComponentRegistry& registry, const ProjectFiles& files, bool force) {
  for (const char* directory :
       {"pipelines", "data", "build", "aiop", "run_logs", ".osiris/sessions", ".osiris/cache", ".osiris/index"})
    OSIRIS_TRY(make_directories(root / directory));
  if (!force && fs::exists(root / "osiris.yaml"))
    return Error(Code::kInvalidArgument,
                 "cannot make a project in " + root.string() + ": there is an osiris.yaml already",
                 "--force overwrites it");
  OSIRIS_TRY(write_schemas(root, registry));
  Json written = Json::array();
  for (const auto& [name, text] : files) {
    if (!force && fs::exists(root / name)) continue;
    OSIRIS_TRY(make_directories((root / name).parent_path()));
    OSIRIS_TRY(write_file_atomically(root / name, text));
    written.push_back(name);
  }
  return written;
}

int run(const CommandContext& context, const Options& options) {
  fs::path root = (context.cwd / options.path).lexically_normal();
  if (!root.has_filename()) root = root.parent_path();  // "." and "new/"
  Diagnostics findings;
  const auto registry =
      ComponentRegistry::load({ComponentRegistry::installed_directory(context.executable_directory)}, findings);
  const auto files =
      files_of_project(installed_data_directory(context.executable_directory) / "templates", options.project_template);
  if (!files.ok()) return fail(context, files.error(), Json::object(), ErrorSource::kService);
  const auto written = create(root, registry, *files, options.force);
  if (!written.ok()) return fail(context, written.error());
  if (context.json) {
    Json next = Json::array();
    for (const std::string& command : next_commands(options.project_template)) next.push_back(command);
    print_json(
        context,
        Json::object({{"status", "success"}, {"path", root.string()}, {"files", *written}, {"next", std::move(next)}}));
  } else {
    std::string text = "✅ Project in " + printable(root.string()) + "\n";
    for (const Json& file : written->items()) text += "   " + file.as_string() + "\n";
    text += "Next:\n";
    if (root != context.cwd) text += "   cd " + printable(shell_word(options.path)) + "\n";
    for (const std::string& next : next_commands(options.project_template)) text += "   " + next + "\n";
    print_news(context, text);
  }
  return to_int(ExitCode::kOk);
}

}  // namespace

void add_init_command(const CommandTable& table) {
  table.add<Options>("init", "Make a project with data and a pipeline that runs",
                     {"osiris init shop", "osiris init shop --template postgres"}, add_options, run);
}

}  // namespace osiris
