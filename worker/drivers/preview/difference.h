// difference: which rows two inputs do not share, as one small JSON document; like preview (preview.h) no component's
// driver.
//
// Rows are compared as the texts of their values, by the columns that both sides have, in no order, each as often as it
// is there. Config: `path`, and `rows`: how many of each side to show. The document:
//   {"columns": names of both, "types": [{"name", "left", "right"}] where they differ,
//    "left": {"rows": all of them, "columns_only": names, "rows_only": how many the other side has not,
//             "shown": [[text or null, ...], ...]}, "right": the same}
#pragma once

#include "worker/driver_api/driver.h"

namespace osiris::worker {

const Driver& row_difference();

}  // namespace osiris::worker
