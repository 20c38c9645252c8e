// What the drivers of PostgreSQL have in common as drivers.
#pragma once

#include <string>

#include "worker/driver_api/driver.h"
#include "worker/drivers/db/call.h"
#include "worker/drivers/postgres/settings.h"

namespace osiris::worker::postgres {

// Logs in and asks SELECT 1, in two seconds at most.
Status check(StepContext& context);
Status check(StepContext& context, ServerSettings server);

// `driver`: whose name stands before each line in the log; with `echo` statements are lines too.
db::CallContext call_context(StepContext& context, db::Deadline& deadline, const std::string& driver, bool echo);

}  // namespace osiris::worker::postgres
