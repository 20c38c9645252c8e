// Runs a Singer tap beside the worker and takes one of its streams: SCHEMA says the columns, RECORD lines are the rows,
// the last STATE is where the next run goes on. The tap is a process like a script of python.processor: an environment
// of its own, a supervisor above it, its stderr in the log.
#pragma once

#include "worker/driver_api/driver.h"

namespace osiris::worker {

const Driver& singer_extractor();

}  // namespace osiris::worker
