// What the columns of several files are together, as one read of all of them would find, for shards that are read one
// by one.
#pragma once

#include <string>
#include <vector>

#include "worker/drivers/filesystem.parquet_extractor/joined_columns.h"

namespace osiris::worker::parquet {

// {"columns": [{"name", "type", "comment"}], "path_columns": {"year": "BIGINT"}}; null where no file has types, because
// none has rows.
Json settled_columns(const Joined& joined);

// Of the path columns that a file's own path tells: those that all files have, with the types of all their values.
void take_settled(const Json& settled, std::vector<PathColumn>& of_paths);
// The rows of the shard's files with the columns of all shards: `select` gives those of `joined`.
std::string select_as_settled(const Json& settled, const Joined& joined, const std::string& select);

}  // namespace osiris::worker::parquet
