// exec.processor: the step's work is done by any program, by the contract that python.processor has with a script
// (worker/drivers/program/): inputs and output are files, a JSON description named by OSIRIS_STEP connects the two
// sides. No shell is between: the command is a list, and its first item a name on PATH, an absolute path or a file of
// the step.
#pragma once

#include "worker/driver_api/driver.h"

namespace osiris::worker {

const Driver& exec_processor();

}  // namespace osiris::worker
