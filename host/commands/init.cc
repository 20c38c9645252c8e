// osiris init [PATH]: a project with three rows of data and a pipeline that runs at once.
#include "host/commands/commands.h"
#include "host/commands/schema.h"
#include "host/display/format.h"
#include "protocol/base/file.h"

namespace osiris {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string path = ".";
  bool force = false;
};

void add_options(CLI::App& command, Options& options) {
  command.add_option("path", options.path, "directory of the project")->type_name("DIR");
  command.add_flag("--force", options.force, "overwrite files that are there");
}

constexpr std::string_view kConfig =
    R"(# A project of osiris; this file marks its directory. Every key is optional: these are the defaults.
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

constexpr const char* kNext[] = {"osiris validate pipelines/hello.yaml", "osiris run pipelines/hello.yaml",
                                 "osiris logs last"};

Result<Json> create(const fs::path& root, const ComponentRegistry& registry, bool force) {
  for (const char* directory :
       {"pipelines", "data", "build", "aiop", "run_logs", ".osiris/sessions", ".osiris/cache", ".osiris/index"})
    OSIRIS_TRY(make_directories(root / directory));
  const std::pair<const char*, std::string_view> files[] = {
      {"osiris.yaml", kConfig},   {"osiris_connections.example.yaml", kConnections},
      {".env.example", kEnv},     {".gitignore", kIgnore},
      {"data/people.csv", kData}, {"pipelines/hello.yaml", kPipeline}};
  if (!force && fs::exists(root / "osiris.yaml"))
    return Error(Code::kInvalidArgument,
                 "cannot make a project in " + root.string() + ": there is an osiris.yaml already",
                 "--force overwrites it");
  OSIRIS_TRY(write_schemas(root, registry));
  Json written = Json::array();
  for (const auto& [name, text] : files) {
    if (!force && fs::exists(root / name)) continue;
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
  const auto written = create(root, registry, options.force);
  if (!written.ok()) return fail(context, written.error());
  if (context.json) {
    Json next = Json::array();
    for (const char* command : kNext) next.push_back(command);
    print_json(
        context,
        Json::object({{"status", "success"}, {"path", root.string()}, {"files", *written}, {"next", std::move(next)}}));
  } else {
    std::string text = "✅ Project in " + printable(root.string()) + "\n";
    for (const Json& file : written->items()) text += "   " + file.as_string() + "\n";
    text += "Next:\n";
    if (root != context.cwd) text += "   cd " + printable(shell_word(options.path)) + "\n";
    for (const char* next : kNext) text += "   " + std::string(next) + "\n";
    print_news(context, text);
  }
  return to_int(ExitCode::kOk);
}

}  // namespace

void add_init_command(const CommandTable& table) {
  table.add<Options>("init", "Make a project with data and a pipeline that runs", {"osiris init shop"}, add_options,
                     run);
}

}  // namespace osiris
