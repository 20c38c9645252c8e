// sqlite.extractor: rows of a SQLite database file become the step's output relation. SQLite types values and not
// columns, a relation types columns; the two are brought together without changing a value:
//
//   database.h  the file, opened read-only, and a statement that only reads
//   columns.h   each column's type by its declaration, or, where that says nothing, by a look at all its values
//   relation.h  the rows; one that does not fit its column ends the step, with row, column and value
#pragma once

#include "worker/driver_api/driver.h"

namespace osiris::worker {

const Driver& sqlite_extractor();

}  // namespace osiris::worker
