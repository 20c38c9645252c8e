// What the script finds around it, all below the attempt's scratch directory and gone with it:
//
//   code/        the script and its `files`, at the paths the pipeline names them by; the working directory
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
#include "worker/drivers/python.processor/options.h"
#include "worker/drivers/python.processor/output_lines.h"
#include "worker/drivers/python.processor/process.h"
#include "worker/drivers/python.processor/relation_files.h"

namespace osiris::worker::python {

struct StagingDirectory {
  std::filesystem::path root;    // the scratch directory
  std::filesystem::path script;  // below code()
  std::filesystem::path output;  // not there yet
  std::filesystem::path code() const { return root / "code"; }
  std::filesystem::path inputs() const { return root / "inputs"; }
  std::filesystem::path description() const { return root / "step.json"; }
};

// Directories, script and files. kInvalidArgument or kNotFound for a script or file that cannot be read.
Result<StagingDirectory> make_staging_directory(const StepContext& step, const Options& options);

// Writes step.json (docs/drivers/python.md).
Status describe_step(const StepContext& step, const Options& options, const StagingDirectory& staging,
                     const std::vector<InputFile>& inputs);

// The script's variables: `base`, those the user passed, and the contract's, which win.
Variables script_environment(const StepContext& step, const StagingDirectory& staging,
                             const std::vector<InputFile>& inputs, Variables base,
                             const std::filesystem::path& environment);

// For everything the script says: its files by the names the pipeline gives them.
Renames staging_renames(const StagingDirectory& staging, const std::filesystem::path& environment);

}  // namespace osiris::worker::python
