// filesystem.json_writer: the step's first input becomes a JSON file. DuckDB makes each row's text, with all digits of
// every number; the rows are put together here, in their order, compressed where the name says so, under a temporary
// name beside the target, which a rename puts in place.
#pragma once

#include "worker/driver_api/driver.h"

namespace osiris::worker {

const Driver& filesystem_json_writer();

}  // namespace osiris::worker
