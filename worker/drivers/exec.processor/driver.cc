#include "worker/drivers/exec.processor/driver.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "protocol/base/categories.h"
#include "worker/drivers/program/relation_files.h"
#include "worker/drivers/program/running.h"
#include "worker/drivers/program/staging_directory.h"

namespace osiris::worker {
namespace {

using program::Contract;
using program::StagingDirectory;
using program::Variables;

struct Options {
  std::vector<std::string> command;
  std::vector<std::string> env;
  Contract contract;

  // Whether the program is one of the step's files.
  bool brings_program() const {
    const auto normal = [](const std::string& path) { return std::filesystem::path(path).lexically_normal(); };
    return std::any_of(contract.files.begin(), contract.files.end(),
                       [&](const std::string& file) { return normal(file) == normal(command[0]); });
  }
};

Result<Options> read_options(const Json& config) {
  Options options;
  OSIRIS_ASSIGN(options.command, program::read_texts(config, "command"));
  if (options.command.empty() || options.command[0].empty())
    return program::bad_config("command", "names no program", "Write the program and its arguments as a list.");
  OSIRIS_ASSIGN(options.env, program::read_texts(config, "env"));
  options.contract.name = options.command[0];
  OSIRIS_TRY(program::read_contract(config, options.contract));
  return options;
}

Error no_program(const Options& options, const std::string& why) {
  const bool is_path = options.command[0].find('/') != std::string::npos;
  return Error(Code::kInvalidArgument, "the program " + options.command[0] + " cannot be run: " + why,
               is_path
                   ? "A file of the pipeline has to be among the step's `files`; others are named by absolute paths."
                   : "Is it installed where the step runs? A program of your own belongs into the step's `files`.",
               category::kRuntimeDependencyFailed);
}

// Where the program is: a copy below the working directory, or what PATH says.
Result<std::string> find_program(const StepContext& step, const Options& options, const StagingDirectory& staging,
                                 const Variables& base) {
  if (options.brings_program()) {
    OSIRIS_ASSIGN(const std::filesystem::path place,
                  program::stage_copy(step, staging, options.command[0], "program", true));
    return place.string();
  }
  const std::string& name = options.command[0];
  if (!name.starts_with('/') && name.find('/') != std::string::npos)
    return no_program(options, "it is none of the step's `files`");
  const auto path =
      std::find_if(base.begin(), base.end(), [](const auto& variable) { return variable.first == "PATH"; });
  auto found = program::find_program(name, path == base.end() ? std::string() : path->second);
  if (!found.ok()) return no_program(options, found.error().message);
  return found;
}

Status add_passed(const StepContext& step, const Options& options, Variables& variables) {
  for (const std::string& name : options.env) {
    const Json* value = step.passed_environment().find(name);
    if (!value)
      return Error(Code::kInvalidArgument, "`env` names the variable " + name + ", which the run was not given",
                   "Pass it: --local-pass-env " + name + " (or --e2b-pass-env in a sandbox).",
                   category::kConfigInvalid);
    program::set_variable(variables, name, value->as_string());
  }
  return {};
}

Result<StepOutcome> run(StepContext& step) {
  OSIRIS_ASSIGN(const Options options, read_options(step.config()));
  if (step.is_cancelled()) return step_cancelled();
  Variables base = program::base_environment();
  OSIRIS_TRY(add_passed(step, options, base));
  OSIRIS_ASSIGN(const StagingDirectory staging,
                program::make_staging_directory(step, options.contract, options.command[0]));
  program::Running running;
  OSIRIS_ASSIGN(const std::string program, find_program(step, options, staging, base));
  running.arguments = options.command;
  running.arguments[0] = program;
  OSIRIS_ASSIGN(const std::vector<program::InputFile> inputs,
                program::export_inputs(step, options.contract, staging.inputs()));
  OSIRIS_TRY(program::describe_step(step, options.contract, staging, inputs));
  running.variables = program::contract_variables(step, staging, inputs, std::move(base));
  running.working_directory = staging.code();
  running.places = {staging.root, step.artifacts_dir()};
  running.renames = program::staging_renames(staging);
  program::StdoutCommands commands(step);
  OSIRIS_TRY(program::run_to_end(step, options.contract, std::move(running), commands,
                                 [&](const ExitStatus& exit, const program::LastLines& last) {
                                   return program::exited(options.contract, exit, last);
                                 }));
  OSIRIS_ASSIGN(const uint64_t rows, program::import_output(step, options.contract, staging.output));
  commands.progress(rows);
  return program::outcome_of(step, rows);
}

// Whether the program is there is known where the step runs.
Status describe(StepContext& step) {
  OSIRIS_ASSIGN(const Options options, read_options(step.config()));
  return program::declare_output(step, options.contract);
}

}  // namespace

const Driver& exec_processor() {
  static constexpr Driver driver{
      .name = "exec.processor", .run = run, .describe = describe, .declare = describe, .waits = true};
  return driver;
}

}  // namespace osiris::worker
