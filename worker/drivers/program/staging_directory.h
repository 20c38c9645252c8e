// What a program finds around it, all below the attempt's scratch directory and gone with it:
//
//   code/        its `files`, and a script, at the paths the pipeline names them by; the working directory
//   inputs/      one file per input
//   output/      where the output is expected
//   tmp/         TMPDIR
//   step.json    the description of all this, which OSIRIS_STEP names
//
// Nothing else of the user's directories is there, on this machine or another: a file that the plan does not name is
// missing everywhere and not only in a sandbox.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "worker/driver_api/driver.h"
#include "worker/drivers/program/contract.h"
#include "worker/drivers/program/output_lines.h"
#include "worker/drivers/program/process.h"
#include "worker/drivers/program/relation_files.h"

namespace osiris::worker::program {

struct StagingDirectory {
  std::filesystem::path root;    // the scratch directory
  std::filesystem::path output;  // not there yet
  std::filesystem::path code() const { return root / "code"; }
  std::filesystem::path inputs() const { return root / "inputs"; }
  std::filesystem::path description() const { return root / "step.json"; }
};

// The directories, and the contract's files but `except`. kInvalidArgument or kNotFound for a file that cannot be read.
Result<StagingDirectory> make_staging_directory(const StepContext& step, const Contract& contract,
                                                const std::string& except = {});

// Puts a copy of a file of the pipeline below code(), executable where it is a program of its own, and returns its
// place. `what` names it in errors: "script".
Result<std::filesystem::path> stage_copy(const StepContext& step, const StagingDirectory& staging,
                                         const std::string& path, std::string_view what, bool executable);

// Writes step.json (docs/drivers/python.md).
Status describe_step(const StepContext& step, const Contract& contract, const StagingDirectory& staging,
                     const std::vector<InputFile>& inputs);

// Sets a variable, in the place of one of that name.
void set_variable(Variables& variables, const std::string& name, std::string value);

// `base` and the contract's variables, which win.
Variables contract_variables(const StepContext& step, const StagingDirectory& staging,
                             const std::vector<InputFile>& inputs, Variables base);

// For everything the program says: its files by the names the pipeline gives them.
Renames staging_renames(const StagingDirectory& staging);

}  // namespace osiris::worker::program
