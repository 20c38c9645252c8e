// mysql.extractor: the rows of one SELECT, streamed from a MySQL or MariaDB server into the step's relation.
#pragma once

#include "worker/driver_api/driver.h"

namespace osiris::worker {

const Driver& mysql_extractor();

}  // namespace osiris::worker
