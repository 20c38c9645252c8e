// What the columns of several files are together, as one read of all of them would find, for shards that are read one
// by one.
#pragma once

#include <map>
#include <string>

#include "worker/drivers/filesystem.csv_extractor/layout.h"
#include "worker/drivers/filesystem.csv_extractor/options.h"

namespace osiris::worker::csv {

// Of `options.joined`: by their first records, or by all of them where what was settled that way did not hold. Null
// where the step declares all types. A file that cannot be read is its own shard's failure.
Result<Json> settle_types(StepContext& step, const Options& options, bool by_all_records);

// Back, into the options of a shard.
void take_settled(const Json& settled, Options& options);

// Whether the shard's own values, of which `is` is known, go with what was settled by some records. An error of
// unsettled(), which has all records looked at.
Status check_settled(const Options& options, const std::string& column, const KindTracker& is);
Error unsettled(const std::string& column);

}  // namespace osiris::worker::csv
