// supabase.extractor: the rows of a table, by PostgREST page by page, or from the database as postgres.extractor.
#pragma once

#include "worker/driver_api/driver.h"

namespace osiris::worker {

const Driver& supabase_extractor();

}  // namespace osiris::worker
