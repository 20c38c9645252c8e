// postgres.writer: the rows of the step's input, into a table of a PostgreSQL server by binary COPY.
#pragma once

#include "worker/driver_api/driver.h"

namespace osiris::worker {

const Driver& postgres_writer();

}  // namespace osiris::worker
