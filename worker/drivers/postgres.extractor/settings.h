// What a step of postgres.extractor asks for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "worker/driver_api/incremental.h"
#include "worker/drivers/db/key_range.h"
#include "worker/drivers/db/source_use.h"
#include "worker/drivers/postgres/settings.h"

namespace osiris::worker::postgres {

// A numeric without a declared number of digits may have any: as text, or as a decimal that is declared here.
struct UnboundedNumeric {
  bool is_text = true;
  uint8_t digits = 38, scale = 0;
};

struct Partition {
  std::string column;
  uint32_t parts = 1;
  uint64_t chunk_rows = 0;  // 0: not in chunks
};

struct ExtractSettings {
  ServerSettings server;
  std::string sql;                   // one statement, its $names filled in
  std::string table;                 // quoted, where the statement is one of its rows as they are; empty: it is not
  std::vector<std::string> columns;  // keep only these of the result, in this order; empty: all
  std::optional<uint64_t> rows_max;  // stop after so many rows
  uint64_t rows_skipped = 0;         // drop so many rows first
  uint64_t batch_rows = 10000;
  bool echo = false;
  UnboundedNumeric numeric;
  std::optional<Partition> partition;
  std::optional<Incremental> incremental;
  std::optional<db::KeyRange> range;  // of the shard; none: all rows
  std::string snapshot;               // that it is read in; empty: one of its own
  db::SourceLimits limits;
};

// Errors say `Step <id>: ...` and carry connection.invalid_config or config.invalid.
Result<ExtractSettings> read_extract_settings(StepContext& context);

}  // namespace osiris::worker::postgres
