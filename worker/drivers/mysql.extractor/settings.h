// What a step of mysql.extractor asks for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "worker/driver_api/incremental.h"
#include "worker/drivers/db/key_range.h"
#include "worker/drivers/db/source_use.h"
#include "worker/drivers/mysql.extractor/warnings.h"
#include "worker/drivers/mysql/settings.h"

namespace osiris::worker::mysql {

// How many connections to one server this process may have at once, and how old one may be when it is used again.
struct PoolSettings {
  uint32_t connections_max = 5;
  uint32_t recycle_s = 3600;
};

// Rows are read in chunks of a column's values, all in one snapshot.
struct Partition {
  std::string column;
  uint64_t chunk_rows = 0;
};

struct ExtractSettings {
  ServerSettings server;
  PoolSettings pool;
  std::string sql;                   // what is sent, once its $names are bound
  Json values;                       // the values of the $names in `sql`: an object, or null
  std::vector<std::string> columns;  // keep only these of the result, in this order; empty: all
  std::optional<uint64_t> rows_max;  // stop after so many rows
  uint64_t rows_skipped = 0;         // drop so many rows first
  uint64_t batch_rows = 10000;
  bool echo = false;
  bool allows_call = false;
  OnWarning on_warning = OnWarning::kError;
  std::optional<Partition> partition;
  std::optional<Incremental> incremental;
  std::optional<db::KeyRange> range;  // of the shard; none: all rows
  db::SourceLimits limits;
};

// Errors say `Step <id>: ...` and carry connection.invalid_config or config.invalid.
Result<ExtractSettings> read_extract_settings(StepContext& context);

}  // namespace osiris::worker::mysql
