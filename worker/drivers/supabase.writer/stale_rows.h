// Which rows of a table are not among those of the step's input, by their keys.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/driver_api/driver.h"
#include "worker/drivers/db/target_settings.h"
#include "worker/drivers/supabase/rest.h"

namespace osiris::worker::supabase {

struct StaleRows {
  uint64_t kept = 0;           // rows of the table that are among the input's
  uint64_t rows = 0;           // those that are not
  std::vector<Query> filters;  // that find these, each short enough for a URL
};

// Reads all keys of the table, which must not be NULL.
Result<StaleRows> find_stale_rows(StepContext& step, Rest& rest, const db::TargetSettings& settings,
                                  const db::RelationColumns& columns);

}  // namespace osiris::worker::supabase
