// osiris compile FILE: OML in, build directory out.
#include "host/commands/commands.h"
#include "host/commands/parameters.h"
#include "host/display/format.h"
#include "protocol/base/file.h"

namespace osiris {
namespace {

struct Options {
  std::string file, profile, mode = "auto", out;
  std::vector<std::string> params;
  bool allow_mock = false;
};

void add_options(CLI::App& command, Options& options) {
  command.add_option("file", options.file, "OML file")->required()->type_name("FILE");
  command.add_option("-p,--profile", options.profile, "profile to compile for")->type_name("NAME");
  command.add_option("--param", options.params, "parameter, repeatable")->type_name("K=V")->allow_extra_args(false);
  command.add_option("--out", options.out, "also copy the compiled files there")->type_name("DIR");
  command.add_option("--compile", options.mode, "accepted for old scripts: compiling is quick and always done")
      ->check(CLI::IsMember({"auto", "force", "never"}))
      ->group("");
  command.add_flag("--allow-mock", options.allow_mock)->group("");
}

int run(const CommandContext& context, const Options& options) {
  const auto params = parse_parameters(options.params);
  if (!params.ok()) return fail(context, params.error());
  auto workspace = load_workspace(context);
  if (!workspace.ok()) return fail(context, workspace.error());
  print_news(context, "🔧 Compiling " + printable(options.file) + "...\n");
  CompileOptions compile;
  compile.file = options.file;
  compile.profile = options.profile;
  compile.params = *params;
  compile.allow_hidden = options.allow_mock;
  compile.work_dir = context.place.directory;
  CompileResult result = compile_oml(compile, workspace->inputs(context));
  print_diagnostics(context, result.diagnostics);
  if (!result.ok())
    return fail(
        context, does_not_compile(options.file, result.diagnostics),
        Json::object({{"error_type", "validation_error"}, {"errors", findings_json(result.diagnostics.errors())}}));
  CompiledPipeline& pipeline = *result.pipeline;
  if (const Status written = write_build(pipeline, workspace->project); !written.ok())
    return fail(context, written.error(), Json::object({{"error_type", "compilation_error"}}));
  if (!options.out.empty()) {
    std::error_code code;
    std::filesystem::create_directories(options.out, code);
    if (!code)
      std::filesystem::copy(
          pipeline.compiled_dir, options.out,
          std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing, code);
    if (code) return fail(context, errno_error(code.value(), "cannot copy the compiled files to", options.out));
  }
  const std::string manifest = (pipeline.compiled_dir / "manifest.yaml").string();
  if (context.json) {
    print_json(context, Json::object({{"status", "success"},
                                      {"message", "Compilation successful: " + pipeline.manifest_short},
                                      {"manifest_path", manifest},
                                      {"manifest_hash", pipeline.manifest_hash},
                                      {"manifest_short", pipeline.manifest_short},
                                      {"pipeline_slug", pipeline.file_slug},
                                      {"profile", pipeline.profile}}));
  } else {
    print_news(context, "✅ Compilation successful\n📁 Build path: " + printable(pipeline.compiled_dir.string()) +
                            "/\n📄 Manifest: " + printable(manifest) + "\n🔐 Hash: " + pipeline.manifest_short + "\n");
  }
  return to_int(ExitCode::kOk);
}

}  // namespace

void add_compile_command(const CommandTable& table) {
  table.add<Options>("compile", "Compile a pipeline into a manifest", {"osiris compile pipeline.yaml --profile prod"},
                     add_options, run);
}

}  // namespace osiris
