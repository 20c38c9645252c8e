// postgres.extractor: the rows of one query, streamed from a PostgreSQL server into the step's relation by binary COPY.
#pragma once

#include "worker/driver_api/driver.h"

namespace osiris::worker {

const Driver& postgres_extractor();

}  // namespace osiris::worker
