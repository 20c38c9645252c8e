// Columns and first rows of a wide relation from one statement, SELECT *, whose rows are looked at here. Each statement
// binds every column of the relation and finds it among those bound before, and an aggregate of each of ten thousand
// columns is ten thousand expressions to bind, to optimize and to set up: more work than all its rows.
#pragma once

#include <cstdint>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/json.h"
#include "worker/driver_api/driver.h"
#include "worker/drivers/preview/texts.h"

namespace osiris::worker::preview {

// From so many columns on it is the cheaper way. Below, the engine's threads count side by side.
inline constexpr size_t kWideColumns = 500;

struct WideRows {
  Json columns;  // of the document: name, type, nulls, min, max
  Json shown;    // the first `rows_wanted`
};

// `all`: columns_of() the input.
Result<WideRows> look_at_wide_rows(StepContext& step, const std::string& source, const std::vector<Column>& all,
                                   uint64_t rows_wanted);

}  // namespace osiris::worker::preview
