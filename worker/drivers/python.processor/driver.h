// python.processor: the step's work is the user's own Python script. It gets its inputs as files and leaves its output
// as one; what connects the two sides is a JSON description named by OSIRIS_STEP (docs/drivers/python.md). One run:
//
//   interpreter.h          which Python, and what tells it from another
//   virtual_environment.h  the virtual environment for exactly these requirements, cached or made now (pip.h)
//   staging_directory.h    script, files and description in the step's scratch directory, and nothing else
//   relation_files.h       relations to files and the output file back to a relation
//   process.h              the process: its lines, its end, and its end when the step is stopped
#pragma once

#include "worker/driver_api/driver.h"

namespace osiris::worker {

const Driver& python_processor();

}  // namespace osiris::worker
