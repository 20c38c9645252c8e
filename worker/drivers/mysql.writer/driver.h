// mysql.writer: the rows of the step's input, into a table of a MySQL or MariaDB server.
#pragma once

#include "worker/driver_api/driver.h"

namespace osiris::worker {

const Driver& mysql_writer();

}  // namespace osiris::worker
