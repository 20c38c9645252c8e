// Bounds of ranges of a large table's rows, from a sample of its pages: asking for each by counting off the rows before
// it looks through the whole index, while nothing else is done (docs/decisions/0267-bounds-from-a-sample.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "worker/drivers/db/key_bounds.h"
#include "worker/drivers/postgres.extractor/columns.h"
#include "worker/drivers/postgres.extractor/settings.h"
#include "worker/drivers/postgres/connection.h"

namespace osiris::worker::postgres {

// As db::key_bounds() gives them, with ranges of about as many rows. nullopt: what is read is no table, or one that is
// so small, or divided into ranges so small, that a sample would not do.
Result<std::optional<std::vector<std::string>>> sampled_bounds(Connection& connection, const ExtractSettings& settings,
                                                               const Columns& columns, const db::KeyedRows& rows,
                                                               uint64_t rows_per_range);

}  // namespace osiris::worker::postgres
