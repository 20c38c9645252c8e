// supabase.writer: the rows of the step's input into a table, by PostgREST batch by batch, or into the database as
// postgres.writer.
#pragma once

#include "worker/driver_api/driver.h"

namespace osiris::worker {

const Driver& supabase_writer();

}  // namespace osiris::worker
