// A directory of JSON files, one for each value of the columns of partition_by. It is made beside its place and put
// there whole.
#pragma once

#include <vector>

#include "worker/driver_api/file_columns.h"
#include "worker/drivers/filesystem.json_writer/options.h"

namespace osiris::worker::json_out {

// `columns` are all, those of partition_by among them. kUnsupported where the rows come as a stream.
Result<StepOutcome> write_partitions(StepContext& step, const Options& options, const std::vector<FileColumn>& columns);

}  // namespace osiris::worker::json_out
