// Where the columns of a Parquet file are.
#pragma once

#include <duckdb.h>

#include <string>

#include "worker/drivers/remote/read_ahead.h"

namespace osiris::worker::parquet {

// `path`: as the engine's readers call the file, whose metadata was read. Without groups where they do not follow each
// other as they should, or do not have the same columns.
remote::FileLayout layout_of(duckdb_connection connection, const std::string& path);

}  // namespace osiris::worker::parquet
