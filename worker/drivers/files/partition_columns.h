// The columns of a writer's partition_by, whose values become directories called key=value.
#pragma once

#include <string>
#include <vector>

#include "worker/driver_api/driver.h"
#include "worker/driver_api/file_columns.h"

namespace osiris::worker::files {

// The value of a directory that stands for NULL.
inline constexpr char kNullPartition[] = "__HIVE_DEFAULT_PARTITION__";

// The step's first input as its own: not a table of that name.
std::string input_source(const StepContext& step);

// The directory of rows whose partitions are all NULL, and of a relation without rows: key=value/key=value.
std::string null_directory(const std::vector<std::string>& names);

bool is_partition(const std::vector<std::string>& names, const FileColumn& column);

// What shall not become a directory: columns that are not there or have a type whose text does not come back, values
// that a reader would take for NULL, more partitions than a file system is made for, no column left for the files.
Status check_partitions(StepContext& step, const std::vector<std::string>& names,
                        const std::vector<FileColumn>& columns);

}  // namespace osiris::worker::files
