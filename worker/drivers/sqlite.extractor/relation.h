// The rows of a statement to the step's output relation.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/drivers/sqlite.extractor/columns.h"

namespace osiris::worker::sqlite_in {

// Decides the types that declarations leave open, by a look at all rows, up to `limit`.
Status settle_types(StepContext& step, Statement& statement, std::vector<Column>& columns, uint64_t limit);

// Makes output_table() of up to `limit` rows and returns how many they were. On error no table is left.
Result<uint64_t> store_rows(StepContext& step, Statement& statement, const std::vector<Column>& columns,
                            uint64_t limit);

}  // namespace osiris::worker::sqlite_in
