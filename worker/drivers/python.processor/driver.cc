#include "worker/drivers/python.processor/driver.h"

#include "protocol/base/categories.h"
#include "protocol/base/file.h"
#include "worker/drivers/program/relation_files.h"
#include "worker/drivers/program/running.h"
#include "worker/drivers/program/staging_directory.h"
#include "worker/drivers/python.processor/options.h"
#include "worker/drivers/python/process_environment.h"
#include "worker/drivers/python/virtual_environment.h"

namespace osiris::worker {
namespace python {
namespace {

using program::LastLines;
using program::StagingDirectory;
using program::Variables;

// "ModuleNotFoundError: No module named 'pandas'" -> "pandas".
std::string missing_module(const std::string& last_line) {
  constexpr std::string_view kNames[] = {"ModuleNotFoundError: No module named '", "ImportError: No module named '"};
  for (const std::string_view name : kNames) {
    if (!last_line.starts_with(name)) continue;
    const std::string rest = last_line.substr(name.size());
    return rest.substr(0, rest.find('\''));
  }
  return {};
}

Error script_error(const program::Contract& contract, const ExitStatus& exit, const LastLines& last) {
  const std::string module = missing_module(last.last());
  if (module.empty()) return program::exited(contract, exit, last);
  return Error(
      Code::kStepFailed,
      contract.name + " needs the Python module '" + module + "', which is not in the step's environment" + last.text(),
      "Name its package under the step's `requirements` and run with --local-install-deps or, in a sandbox, "
      "--e2b-install-deps. A module of your own belongs into the step's `files`.",
      category::kRuntimeDependencyFailed);
}

// The script below code(): a copy, because Python looks for modules where the real file is.
Result<std::filesystem::path> stage_script(const StepContext& step, const Options& options,
                                           const StagingDirectory& staging) {
  if (!options.script.empty()) return program::stage_copy(step, staging, options.script, "script", false);
  const std::filesystem::path place = staging.code() / "step.py";
  OSIRIS_TRY(write_file_atomically(place, options.code));
  return place;
}

// `base`, those the user passed, the environment's and the contract's, which win.
Variables script_variables(const StepContext& step, const StagingDirectory& staging,
                           const std::vector<program::InputFile>& inputs, Variables base,
                           const VirtualEnvironment& environment) {
  for (const auto& [name, value] : step.passed_environment().members())
    program::set_variable(base, name, value.as_string());
  for (auto& [name, value] : base)
    if (name == "PATH") value = (environment.directory / "bin").string() + ":" + value;
  program::set_variable(base, "VIRTUAL_ENV", environment.directory.string());
  return program::contract_variables(step, staging, inputs, std::move(base));
}

Result<StepOutcome> run(StepContext& step) {
  OSIRIS_ASSIGN(const Options options, read_options(step.config()));
  if (step.is_cancelled()) return step_cancelled();
  const ProcessEnvironment around = process_environment_of(step);
  OSIRIS_ASSIGN(const StagingDirectory staging,
                program::make_staging_directory(step, options.contract, options.script));
  OSIRIS_ASSIGN(const std::filesystem::path script, stage_script(step, options, staging));
  VirtualEnvironmentRequest wanted;
  OSIRIS_ASSIGN(wanted.interpreter, find_interpreter(options.python, around));
  wanted.requirements = options.requirements;
  wanted.cache_dir = step.settings()["cache_dir"].as_string();
  wanted.spare_dir = staging.root;
  wanted.may_install = step.settings()["install_deps"].as_bool();
  OSIRIS_ASSIGN(const VirtualEnvironment environment, ensure_virtual_environment(wanted, around));

  OSIRIS_ASSIGN(const std::vector<program::InputFile> inputs,
                program::export_inputs(step, options.contract, staging.inputs()));
  OSIRIS_TRY(program::describe_step(step, options.contract, staging, inputs));
  program::Running running;
  // Unbuffered, so that lines come when they are written; UTF-8 whatever the C locale says; no caches beside the files.
  running.arguments = {environment.python(), "-u", "-B", "-X", "utf8", script.string()};
  running.arguments.insert(running.arguments.end(), options.args.begin(), options.args.end());
  running.variables = script_variables(step, staging, inputs, around.base, environment);
  running.working_directory = staging.code();
  running.places = {staging.root, step.artifacts_dir()};
  running.renames = program::staging_renames(staging);
  running.renames.emplace_back(environment.directory.string(), "<environment>");
  program::StdoutCommands commands(step);
  OSIRIS_TRY(program::run_to_end(
      step, options.contract, std::move(running), commands,
      [&](const ExitStatus& exit, const LastLines& last) { return script_error(options.contract, exit, last); }));
  OSIRIS_ASSIGN(const uint64_t rows, program::import_output(step, options.contract, staging.output));
  commands.progress(rows);
  return program::outcome_of(step, rows);
}

// Columns that are not declared only a run can tell; that the interpreter is missing on this machine can be told
// before.
Status describe(StepContext& step) {
  OSIRIS_ASSIGN(const Options options, read_options(step.config()));
  const auto path = interpreter_path(options.python, process_environment_of(step));
  if (path.ok()) return program::declare_output(step, options.contract);
  Error error = path.error();
  error.code = Code::kNotFound;
  return error;
}

constexpr Driver kDriver = {.name = "python.processor", .run = run, .describe = describe, .waits = true};

}  // namespace
}  // namespace python

const Driver& python_processor() { return python::kDriver; }

}  // namespace osiris::worker
