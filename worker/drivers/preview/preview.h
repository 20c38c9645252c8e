// preview: what a step's rows look like, as one small JSON document. No component is called so: the host adds such a
// step to a plan of its own (docs/decisions/0223), and every adapter brings its document home like any output.
//
// Config: `path`, and `rows`: how many to show. The document:
//   {"rows": all of them, "columns": [{"name", "type", "nulls", "min", "max"}], "shown": [[text or null, ...], ...]}
// min and max are null for a column without values and for types whose order means nothing to a person.
#pragma once

#include "worker/driver_api/driver.h"

namespace osiris::worker {

const Driver& preview_rows();

}  // namespace osiris::worker
