// osiris validate [FILE...] and osiris oml validate FILE...: everything that can be known to be wrong, without running.
#include "host/commands/commands.h"
#include "host/commands/parameters.h"
#include "host/display/format.h"

namespace osiris {
namespace {

struct Options {
  std::vector<std::string> files, params;
  std::string profile, mode = "strict";
  bool allow_mock = false;
};

void add_options(CLI::App& command, Options& options) {
  command.add_option("files", options.files, "OML files; none: check osiris.yaml and the connections file")->type_name("FILE");
  command.add_option("-p,--profile", options.profile, "profile to check for")->type_name("NAME");
  command.add_option("--param", options.params, "parameter, repeatable")->type_name("K=V")->allow_extra_args(false);
  command.add_option("--mode", options.mode, "strict: unset variables of connections are errors; warn: warnings")
      ->check(CLI::IsMember({"strict", "warn"}));
  command.add_flag("--allow-mock", options.allow_mock)->group("");
}

void add_oml_options(CLI::App& command, Options& options) {
  add_options(command, options);
  command.get_option("files")->required();
}

Json list(const std::vector<Diagnostic>& findings) {
  Json out = Json::array();
  for (const Diagnostic& finding : findings) out.push_back(finding.to_json());
  return out;
}

int validate_files(const CommandContext& context, const Options& options) {
  const auto params = parse_parameters(options.params);
  if (!params.ok()) return fail(context, params.error());
  const auto workspace = load_workspace(context);
  if (!workspace.ok()) return fail(context, workspace.error());
  Json results = Json::array();
  bool all_valid = true;
  for (const std::string& file : options.files) {
    CompileOptions compile;
    compile.file = file;
    compile.profile = options.profile;
    compile.params = *params;
    compile.connections = ConnectionCheck::kExists;
    compile.allow_hidden = options.allow_mock;
    compile.work_dir = context.cwd;
    const CompileResult result = compile_or_load(compile, workspace->inputs(context));
    all_valid = all_valid && result.ok();
    results.push_back(Json::object({{"valid", result.ok()},
                                    {"file", file},
                                    {"errors", list(result.diagnostics.errors())},
                                    {"warnings", list(result.diagnostics.warnings())}}));
    if (context.json) continue;
    print_diagnostics(context, result.diagnostics);
    if (result.ok())
      print_text(context, "✅ Valid OML\n   File: " + printable(file) + "\n   Version: " + printable(result.pipeline->oml_version) +
                              "\n   Name: " + printable(result.pipeline->name) +
                              "\n   Steps: " + std::to_string(result.pipeline->steps.size()) + "\n");
    else
      print_note(context, "❌ Invalid OML: " + file + " (" + std::to_string(result.diagnostics.errors().size()) + " errors)");
  }
  if (context.json)
    print_json(context, results.size() == 1 ? results.items()[0]
                                            : Json::object({{"files", results}, {"all_valid", all_valid}}));
  return to_int(all_valid ? ExitCode::kOk : ExitCode::kInput);
}

// Resolves every connection, so that each unset variable is named.
int validate_project(const CommandContext& context, const Options& options) {
  const auto workspace = load_workspace(context);
  if (!workspace.ok()) return fail(context, workspace.error());
  const bool strict = options.mode == "strict";
  Json findings = Json::array();
  size_t count = 0;
  for (const std::string& family : workspace->connections.families())
    for (const std::string& alias : workspace->connections.aliases(family)) {
      ++count;
      const auto resolved = workspace->connections.resolve({family, alias}, {});
      if (resolved.ok()) continue;
      findings.push_back(resolved.error().message);
      if (strict)
        print_note(context, "❌ " + resolved.error().message);
      else
        print_warning(context, resolved.error().message);
    }
  const bool ok = findings.size() == 0 || !strict;
  const std::string config = workspace->project.has_file() ? "osiris.yaml" : "none (defaults)";
  const std::string connections = workspace->connections.has_file() ? workspace->connections.file().string() : "none";
  if (context.json)
    print_json(context, Json::object({{"valid", ok},
                                      {"config", config},
                                      {"connections_file", connections},
                                      {"connections", uint64_t{count}},
                                      {strict ? "errors" : "warnings", findings}}));
  else if (ok)
    print_text(context, "✅ Valid project\n   Config: " + config + "\n   Connections: " + connections + " (" + std::to_string(count) +
                            ")\n");
  return to_int(ok ? ExitCode::kOk : ExitCode::kInput);
}

int run(const CommandContext& context, const Options& options) {
  return options.files.empty() ? validate_project(context, options) : validate_files(context, options);
}

}  // namespace

void add_validate_commands(const CommandTable& table) {
  table.add<Options>("validate", "Check pipelines, or the project itself", add_options, run);
  CLI::App* oml = table.app.add_subcommand("oml", "Commands about OML files");
  oml->require_subcommand(1);
  table.add<Options>("validate", "Check pipelines", add_oml_options, run, oml);
}

}  // namespace osiris
