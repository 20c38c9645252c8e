// What an extractor of a database reads: a query, or a table and its columns.
#pragma once

#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "worker/driver_api/driver.h"

namespace osiris::worker::db {

struct SourceQuery {
  std::string query;  // without space around it; empty: `table` is read
  std::string table;
  std::vector<std::string> columns;
};

// From the keys `query`, `table`, `values` and `columns`: config.invalid where they do not go together.
Result<SourceQuery> read_source_query(const StepContext& context);

}  // namespace osiris::worker::db
