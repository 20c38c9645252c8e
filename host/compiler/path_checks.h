// The paths a pipeline names, held against this machine: what cannot be a file here, and what is not there yet.
#pragma once

#include "host/compiler/step_files.h"

namespace osiris {

// Findings of one step's paths. `looks` also looks at the disk: an input that is missing is a warning (the run may
// start later, or elsewhere), a directory in a file's place an error.
void check_paths(const FileConflicts::Step& step, bool looks, Diagnostics& diagnostics);

}  // namespace osiris
