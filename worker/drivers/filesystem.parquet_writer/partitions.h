// A directory of Parquet files, one or more for each value of the columns of partition_by. It is made beside its place
// and put there whole.
#pragma once

#include <string>
#include <vector>

#include "worker/driver_api/file_columns.h"
#include "worker/drivers/filesystem.parquet_writer/options.h"

namespace osiris::worker::parquet_out {

// `columns` are all, those of partition_by among them.
Result<StepOutcome> write_partitions(StepContext& step, const Options& options, const std::vector<FileColumn>& columns);

}  // namespace osiris::worker::parquet_out
