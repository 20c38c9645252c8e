// What a step asks for, as one query of the database.
#pragma once

#include "worker/driver_api/driver.h"
#include "worker/drivers/postgres.extractor/settings.h"

namespace osiris::worker::supabase {

Result<postgres::ExtractSettings> database_query(StepContext& step, postgres::ServerSettings server);

}  // namespace osiris::worker::supabase
