// osiris init [PATH]: an empty project.
#include "host/commands/commands.h"
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
    R"(# A project of osiris. Every key is optional; docs/sessions.md describes the directories.
version: "2.0"
filesystem:
  profiles:
    enabled: true
    values: [dev, staging, prod]
    default: dev
  pipelines_dir: pipelines
  build_dir: build
  run_logs_dir: run_logs
ids:
  run_id_format: [incremental, ulid]
# adapters:
#   local:
#     memory-limit: 2GiB
)";

constexpr std::string_view kConnections =
    R"(# Copy to osiris_connections.yaml. Secrets stay in variables, so that file may be committed.
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

constexpr std::string_view kPipeline = R"(oml_version: "0.1.0"
name: hello
steps:
  - id: read
    component: filesystem.csv_extractor
    mode: read
    config:
      path: input.csv
  - id: write
    component: filesystem.csv_writer
    mode: write
    needs: [read]
    config:
      path: output/hello.csv
)";

constexpr std::string_view kIgnore = ".env\nbuild/\nrun_logs/\naiop/\n.osiris/\noutput/\n";

Result<Json> create(const fs::path& root, bool force) {
  for (const char* directory :
       {"pipelines", "build", "aiop", "run_logs", ".osiris/sessions", ".osiris/cache", ".osiris/index"})
    OSIRIS_TRY(make_directories(root / directory));
  const std::pair<const char*, std::string_view> files[] = {{"osiris.yaml", kConfig},
                                                            {"osiris_connections.example.yaml", kConnections},
                                                            {".env.example", kEnv},
                                                            {".gitignore", kIgnore},
                                                            {"pipelines/hello.yaml", kPipeline}};
  if (!force && fs::exists(root / "osiris.yaml"))
    return Error(Code::kInvalidArgument,
                 "cannot make a project in " + root.string() + ": there is an osiris.yaml already",
                 "--force overwrites it");
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
  const auto written = create(root, options.force);
  if (!written.ok()) return fail(context, written.error());
  if (context.json) {
    print_json(context, Json::object({{"status", "success"}, {"path", root.string()}, {"files", *written}}));
  } else {
    std::string text = "✅ Project in " + printable(root.string()) + "\n";
    for (const Json& file : written->items()) text += "   " + file.as_string() + "\n";
    print_text(context, text + "Next: osiris validate pipelines/hello.yaml\n");
  }
  return to_int(ExitCode::kOk);
}

}  // namespace

void add_init_command(const CommandTable& table) { table.add<Options>("init", "Make a project", add_options, run); }

}  // namespace osiris
