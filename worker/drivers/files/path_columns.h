// Columns that the directories of a file's path tell: "year=2025/month=01/x.parquet" has year and month. The path is
// the pipeline's, so that the same columns come from every machine and directory.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "worker/driver_api/driver.h"

namespace osiris::worker::files {

struct PathColumn {
  std::string name;
  std::string type;  // "BIGINT" or "DATE" where every value is one as it would be written, else "VARCHAR"
  std::vector<std::optional<std::string>> values;  // one a file, in the order of the files; nullopt: NULL
};

// `wanted`: what the step says of hive_partitioning; nullopt: nothing, then files of different keys have none. An error
// where it is wanted and the files have different keys or none.
Result<std::vector<PathColumn>> find_path_columns(const std::vector<MatchedFile>& files, std::optional<bool> wanted);

// The column's value for the file a row is from, by the engine's column `filename`: an SQL expression.
std::string path_expression(const PathColumn& column, const std::vector<MatchedFile>& files);

}  // namespace osiris::worker::files
