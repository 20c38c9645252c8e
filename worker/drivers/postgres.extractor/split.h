// `foreach: {split: …}`: the bounds of the parts, asked of the server, and the transaction whose snapshot all parts are
// read in. Its connection reads nothing else: were a shard's statement to fail there, the snapshot would end with it.
#pragma once

#include <string>

#include "worker/driver_api/driver.h"
#include "worker/drivers/db/key_range.h"
#include "worker/drivers/postgres.extractor/settings.h"
#include "worker/drivers/postgres/connection.h"

namespace osiris::worker::postgres {

// Driver::settle(). Without a split there is nothing to settle.
Result<Settled> settle_split(StepContext& context, ExtractSettings settings, const Json& rule,
                             const std::string& driver);

// What the shard of the attempt reads, into the settings. kInvalidArgument for keys that do not go with a split.
Status read_range(const StepContext& context, ExtractSettings& settings);

// On a connection in its transaction, before anything is read there: makes the shards' snapshot its own.
Status take_snapshot(Connection& connection, const ExtractSettings& settings);
// The condition of the shard's part. `description`: of the query.
Result<std::string> range_filter(Connection& connection, const ExtractSettings& settings, const Answer& description);

}  // namespace osiris::worker::postgres
