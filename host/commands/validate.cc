// osiris validate [FILE|DIR...] and osiris oml validate FILE...: everything that can be known to be wrong, without
// running.
#include "host/adapters/loader.h"
#include "host/adapters/options.h"
#include "host/commands/commands.h"
#include "host/commands/interruptible.h"
#include "host/commands/parameters.h"
#include "host/compiler/connection_check.h"
#include "host/compiler/pipeline_files.h"
#include "host/display/format.h"
#include "host/run/plan_check.h"

namespace osiris {
namespace {

struct Options {
  std::vector<std::string> files, params;
  std::string profile, mode = "strict";
  bool allow_mock = false;
  bool strict = false;
  bool connect = false;
};

void add_options(CLI::App& command, Options& options) {
  command
      .add_option("files", options.files,
                  "pipelines, or directories of them; none: the whole project: osiris.yaml, connections and pipelines")
      ->type_name("FILE|DIR");
  command.add_flag("--strict", options.strict, "warnings are errors");
  command.add_flag("--connect", options.connect, "ask databases for the columns of their queries");
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

// One pipeline's result, as JSON; printed unless --json.
struct Checked {
  Json document;
  ExitCode code = ExitCode::kOk;
};

// The rest of what can be known: the engine that will run the SQL is asked.
void check_sql(const CommandContext& context, const Workspace& workspace, const Options& options,
               CompileResult& result) {
  if (!result.ok()) return;
  const auto worker = locate_worker(context.executable_directory, context.process_environment);
  if (worker.ok())
    check_plan({*result.pipeline, workspace.inputs(context), context.place.directory, *worker, options.connect},
               result.diagnostics);
  else
    result.diagnostics.warning("sql_not_checked", "the SQL was not checked: " + worker.error().message, "", {},
                               worker.error().hint);
  if (options.strict) result.diagnostics.make_warnings_errors();
  if (!result.diagnostics.ok()) result.pipeline.reset();
}

Checked validate_file(const CommandContext& context, const Options& options, const Workspace& workspace,
                      const std::map<std::string, std::string>& params, const std::string& file) {
  CompileOptions compile;
  compile.file = file;
  compile.profile = options.profile;
  compile.params = params;
  compile.connections = ConnectionCheck::kExists;
  compile.allow_hidden = options.allow_mock;
  compile.strict = options.strict;
  compile.work_dir = context.place.directory;
  CompileResult result = compile_or_load(compile, workspace.inputs(context));
  check_sql(context, workspace, options, result);
  Checked checked;
  if (!result.ok()) checked.code = exit_code_for(result.diagnostics.to_error());
  checked.document = Json::object({{"valid", result.ok()},
                                   {"file", file},
                                   {"errors", findings_json(result.diagnostics.errors())},
                                   {"warnings", findings_json(result.diagnostics.warnings())}});
  if (context.json) return checked;
  print_diagnostics(context, result.diagnostics);
  if (result.ok())
    print_text(context, "✅ Valid OML\n   File: " + printable(file) + "\n   Version: " +
                            printable(result.pipeline->oml_version) + "\n   Name: " + printable(result.pipeline->name) +
                            "\n   Steps: " + std::to_string(result.pipeline->steps.size()) + "\n");
  else
    print_note(context, "❌ Invalid OML: " + file + " (" + counted(result.diagnostics.errors().size(), "error") + ")");
  return checked;
}

struct CheckedFiles {
  Json documents = Json::array();
  bool all_valid = true;
  ExitCode code = ExitCode::kOk;
};

CheckedFiles validate_each(const CommandContext& context, const Options& options, const Workspace& workspace,
                           const std::map<std::string, std::string>& params, const std::vector<std::string>& files) {
  CheckedFiles all;
  for (const std::string& file : files) {
    Checked checked = validate_file(context, options, workspace, params, file);
    all.all_valid = all.all_valid && checked.code == ExitCode::kOk;
    all.code = std::max(all.code, checked.code);
    all.documents.push_back(std::move(checked.document));
  }
  return all;
}

int validate_files(const CommandContext& context, const Options& options) {
  const auto params = parse_parameters(options.params);
  if (!params.ok()) return fail(context, params.error());
  const auto workspace = load_workspace(context);
  if (!workspace.ok()) return fail(context, workspace.error());
  std::vector<std::string> files;
  bool has_directory = false;
  for (const std::string& argument : options.files) {
    std::error_code ignored;
    if (!std::filesystem::is_directory(argument, ignored)) {
      files.push_back(argument);
      continue;
    }
    has_directory = true;
    const std::vector<std::string> found = find_pipelines(argument);
    if (found.empty())
      return fail(context, Error(Code::kNotFound, "there is no pipeline in " + argument,
                                 "a pipeline is a .yaml file with oml_version: at its top level"));
    files.insert(files.end(), found.begin(), found.end());
  }
  const CheckedFiles checked = validate_each(context, options, *workspace, *params, files);
  if (context.json)
    print_json(context, checked.documents.size() == 1 && !has_directory
                            ? checked.documents.items()[0]
                            : Json::object({{"files", checked.documents}, {"all_valid", checked.all_valid}}));
  return to_int(checked.code);
}

std::vector<std::string> relative_to(std::vector<std::string> files, const std::filesystem::path& directory) {
  for (std::string& file : files) file = std::filesystem::path(file).lexically_relative(directory).string();
  return files;
}

// What osiris.yaml says of adapters, asked of the adapters themselves. One that is not installed here may be elsewhere.
void check_adapters(const CommandContext& context, const Project& project, Diagnostics& findings) {
  const auto places = search_directories(process_search_inputs({}));
  for (const auto& [id, options] : project.config().adapters.members()) {
    const std::string location = "adapters." + id;
    const auto adapter = load_adapter_interruptibly(context, id, places);
    if (!adapter.ok()) {
      findings.warning("unusable_adapter", adapter.error().message, location, project.adapter_mark(id, ""),
                       adapter.error().hint);
      continue;
    }
    OptionInputs inputs;
    inputs.env = [&context](std::string_view name) { return context.environment.get_filled(name); };
    inputs.file = options;
    inputs.working_directory = context.cwd;
    inputs.project_directory = project.directory();
    if (const auto resolved = resolve_options(*adapter->type, inputs); !resolved.ok())
      findings.error("invalid_adapter_option", resolved.error().message, location,
                     project.adapter_mark(id, resolved.error().detail[kFileKey].as_string()), resolved.error().hint);
  }
}

// What was found in osiris.yaml when it was read, and printed then.
std::vector<Diagnostic> warnings_of_project_file(const CommandContext& context) {
  Diagnostics findings("osiris.yaml");
  static_cast<void>(Project::load(context.place, context.environment, findings));
  return findings.warnings();
}

// What is wrong with osiris.yaml and the connections file. Strict: a connection that cannot be used as things are is an
// error too.
Diagnostics check_project(const CommandContext& context, const Workspace& workspace, bool strict) {
  Diagnostics all, findings((workspace.project.directory() / "osiris.yaml").string());
  check_adapters(context, workspace.project, findings);
  check_connections(workspace.connections, workspace.registry, all);
  for (const Diagnostic& error : all.errors()) findings.add(error);
  for (Diagnostic warning : all.warnings()) {
    if (strict && warning.type == "unresolved_connection") warning.level = Diagnostic::Level::kError;
    findings.add(std::move(warning));
  }
  findings.sort_by_place();
  return findings;
}

int validate_project(const CommandContext& context, const Options& options) {
  const auto params = parse_parameters(options.params);
  if (!params.ok()) return fail(context, params.error());
  const auto workspace = load_workspace(context);
  if (!workspace.ok()) return fail(context, workspace.error());
  const Connections& connections = workspace->connections;
  Diagnostics findings = check_project(context, *workspace, options.mode == "strict");
  if (options.strict) findings.make_warnings_errors();
  if (!context.json) print_diagnostics(context, findings);
  for (const Diagnostic& warning : warnings_of_project_file(context)) findings.add(warning);
  if (options.strict) findings.make_warnings_errors();
  const bool valid_project = findings.ok();
  const std::vector<std::string> files = relative_to(find_pipelines(context.place.directory), context.cwd);
  const CheckedFiles pipelines = validate_each(context, options, *workspace, *params, files);
  size_t count = 0;
  for (const std::string& family : connections.families()) count += connections.aliases(family).size();
  const std::string config = workspace->project.has_file() ? "osiris.yaml" : "none (defaults)";
  const std::string file = connections.has_file() ? connections.file().string() : "none";
  if (context.json)
    print_json(context, Json::object({{"valid", valid_project && pipelines.all_valid},
                                      {"config", config},
                                      {"connections_file", file},
                                      {"connections", uint64_t{count}},
                                      {"errors", findings_json(findings.errors())},
                                      {"warnings", findings_json(findings.warnings())},
                                      {"pipelines", pipelines.documents}}));
  else if (!valid_project)
    print_note(context, "❌ Invalid project: " + counted(findings.errors().size(), "error"));
  else if (!pipelines.all_valid)
    print_note(context, "❌ Invalid project: not every pipeline is valid");
  else
    print_text(context, "✅ Valid project\n   Config: " + config + "\n   Connections: " + printable(file) + " (" +
                            std::to_string(count) + ")\n   Pipelines: " + std::to_string(files.size()) + "\n");
  return to_int(std::max(pipelines.code, valid_project ? ExitCode::kOk : exit_code_for(findings.to_error())));
}

int run(const CommandContext& context, const Options& options) {
  return options.files.empty() ? validate_project(context, options) : validate_files(context, options);
}

}  // namespace

void add_validate_commands(const CommandTable& table) {
  table.add<Options>("validate", "Check pipelines, or the project itself",
                     {"osiris validate", "osiris validate pipelines/hello.yaml"}, add_options, run);
  CLI::App* oml = table.app.add_subcommand("oml", "Commands about OML files");
  oml->require_subcommand(1);
  table.add<Options>("validate", "Check pipelines", {"osiris oml validate pipelines/hello.yaml"}, add_oml_options, run,
                     oml);
}

}  // namespace osiris
